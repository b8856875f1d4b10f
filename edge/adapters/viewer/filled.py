"""Answering with what an exchange with the origin brings, alone or together with others who wait."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import assert_never

from edge.adapters.fill.fill import Copied, InSlices, Private, Streaming, Validated
from edge.adapters.upstream.upstream import Ask
from edge.core.causes import Cause
from edge.core.decide import Revalidate
from edge.core.entry import Entry, freshened, kept, personal
from edge.core.key import Target
from edge.core.offer import ERRORS
from edge.core.slices import Window, first_window
from playnet.errors import PlayNetError
from playnet.http.cache_status import CacheStatus
from playnet.http.fields import Fields
from playnet.http.ranges import asked

from .answers import Answer
from .parts import Parts
from .passing import Passing
from .stored import Stored
from .viewer import Viewer


class Filled:
    """Answers viewers through fills."""

    def __init__(self, parts: Parts, stored: Stored, passing: Passing) -> None:
        self._parts, self._stored, self._passing = parts, stored, passing
        self._store, self._fills, self._upstream = parts.store, parts.fills, parts.upstream
        self._metrics, self._clock = parts.metrics, parts.clock

    async def answer(self, viewer: Viewer, wanted: Target, stale: Revalidate | None) -> None:
        """Answer through a fill; on an error of the origin with the stale entry, where that is allowed."""
        try:
            ask = Ask("GET", wanted.key, self._parts.asked(viewer))
            why = "stale" if stale else self._parts.why(wanted)
            window = self._window(viewer, stale.entry if stale else None)
            async with self._fills.obtain(ask, stale.entry if stale else None, window) as obtained:
                head, collapsed = obtained.head, obtained.collapsed
                match head:
                    case Validated(entry, own_fields):
                        status = CacheStatus(fwd="stale", fwd_status=304, stored=True, collapsed=collapsed)
                        own = entry if collapsed else _with(entry, own_fields)
                        await self._stored.answer(viewer, own, status, "revalidated")
                    case Streaming(entry, own_fields, body):
                        own = entry if collapsed else _with(entry, own_fields)
                        status = CacheStatus(fwd=why, fwd_status=entry.status, stored=body.is_kept, collapsed=collapsed)
                        self._metrics.requests.labels("collapsed" if collapsed else "miss").inc()
                        viewer.source = "fill"
                        await Answer(viewer, self._clock).growing(own, status, body)
                    case InSlices(entry, own_fields):
                        own = entry if collapsed else _with(entry, own_fields)
                        status = CacheStatus(fwd=why, fwd_status=200, stored=True, collapsed=collapsed)
                        self._metrics.requests.labels("collapsed" if collapsed else "miss").inc()
                        await self._stored.sliced(viewer, own, status)
                    case Private():
                        await self._private(viewer, wanted, stale, head, obtained.turns)
                    case Copied():
                        await self._error(viewer, wanted, stale, head, collapsed)
                    case _:
                        assert_never(head)
        except PlayNetError as exc:
            if viewer.has_begun or stale is None or not stale.may_serve_on_error or exc.http_status < 500:
                raise
            await self._stored.on_error(viewer, stale.entry, None)

    async def _error(
        self, viewer: Viewer, wanted: Target, stale: Revalidate | None, head: Copied, collapsed: bool
    ) -> None:
        """An error of the origin that everybody who waited gets alike, but for what was meant for one."""
        exchange = head.exchange
        if exchange.status in ERRORS and stale is not None and stale.may_serve_on_error:
            await self._stored.on_error(viewer, stale.entry, exchange.status)
            return
        viewer.cause, viewer.source = Cause.UNCACHEABLE, "pass"
        self._metrics.requests.labels("pass").inc()
        why = "stale" if stale else self._parts.why(wanted)
        status = CacheStatus(fwd=why, fwd_status=exchange.status, collapsed=collapsed)
        fields = kept(exchange.fields)
        fields = fields.without(name for name, _ in personal(exchange)) if collapsed else fields
        fields = fields.plus(("content-length", str(len(head.body))))
        await Answer(viewer, self._clock).relayed(exchange.status, fields, status, _of(head.body))

    async def _private(
        self, viewer: Viewer, wanted: Target, stale: Revalidate | None, head: Private, turns: asyncio.Semaphore
    ) -> None:
        if head.status in ERRORS and stale is not None and stale.may_serve_on_error:
            await self._stored.on_error(viewer, stale.entry, head.status)
        elif head.reply is None or (viewer.fields.get("range") and head.status in {200, 416}):
            # somebody else's answer, one to another range, or too large to be kept: ask for exactly what is wanted here
            viewer.cause = Cause.UNCACHEABLE
            await self._passing.answer(
                viewer, wanted, CacheStatus(fwd="stale" if stale else self._parts.why(wanted)), turns
            )
        else:
            viewer.cause = Cause.UNCACHEABLE
            status = CacheStatus(fwd="stale" if stale else self._parts.why(wanted), fwd_status=head.status)
            await self._passing.relay(viewer, head.reply, status)

    def _window(self, viewer: Viewer, stored: Entry | None) -> Window | None:
        """The slices to ask for first when a part is wanted of what is not known, or may have changed, and may be large."""
        if stored is not None and stored.sliced is None:
            return None
        return first_window(asked(viewer.fields.get("range")), self._parts.settings.slice_bytes)

    async def freshened(self, viewer: Viewer, wanted: Target, stale: Revalidate) -> None:
        """A HEAD that cannot be answered from a stale entry: the origin's answer brings that up to date. RFC 9111 §4.3.5."""
        try:
            reply = await self._upstream.ask(Ask("HEAD", wanted.key, self._parts.asked(viewer), is_direct=True))
        except PlayNetError as exc:
            if not stale.may_serve_on_error or exc.http_status < 500:
                raise
            await self._stored.on_error(viewer, stale.entry, None)
            return
        try:
            code, entry = reply.exchange.status, freshened(stale.entry, reply.exchange)
            if code in ERRORS and stale.may_serve_on_error:
                await self._stored.on_error(viewer, stale.entry, code)
            elif entry is None:
                await self._passing.relay(viewer, reply, CacheStatus(fwd="stale", fwd_status=code))
            else:
                await self._store.update(entry, expected=stale.entry)
                await self._stored.answer(
                    viewer, entry, CacheStatus(fwd="stale", fwd_status=code, stored=True), "revalidated"
                )
        finally:
            reply.close()


def _with(entry: Entry, personal: Fields) -> Entry:
    """The entry as the viewer gets it for whom the exchange was made."""
    return replace(entry, fields=Fields(entry.fields.pairs + personal.pairs)) if personal.pairs else entry


async def _of(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
