"""Answering viewers: one ASGI endpoint for everything that may be cached.

Delivery.__call__   method, target, loop, errors
_answer             store -> decision -> stored entry, fill, or the origin itself
Answer              one viewer's response: preconditions, range, nginx's help, bytes
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Final, assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.adapters.fill.cutting import Changed
from edge.adapters.fill.fill import Copied, InSlices, Mismatch, Private, Streaming, Validated
from edge.adapters.fill.fills import Fills
from edge.adapters.metrics import Metrics
from edge.adapters.prefetch import Prefetch
from edge.adapters.store.store import Store
from edge.adapters.upstream.upstream import Ask, Looping, NotStored, Reply, Upstream, UpstreamFailed, UpstreamSlow
from edge.core.access import PREFLIGHT_FIELDS, REFUSAL_FIELDS, Access, released
from edge.core.causes import Cause, cause_of
from edge.core.decide import Action, Bypass, Fetch, Refuse, Revalidate, Serve, decide
from edge.core.entry import Entry, freshened, kept, personal, tags_of
from edge.core.forward import forwarded, is_looping, nobody, via
from edge.core.hot import HOT_FIELDS
from edge.core.invalidation import SAFE, invalidated
from edge.core.key import Key, Target, target
from edge.core.nginx import NO_ACCEL_HEADER
from edge.core.offer import ERRORS
from edge.core.peering import for_peer, told
from edge.core.slices import Window, first_window
from edge.core.variants import primary_of
from edge.core.wishes import granted, wishes
from playnet import cmcd
from playnet.asgi.problems import answer, crash
from playnet.errors import NotFound, PlayNetError, Unavailable
from playnet.http.cache_status import CacheStatus, Forward
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.http.ranges import asked
from playnet.logs import logger
from playnet.names import PEER_FIELD
from playnet.purge.order import PurgeOrder
from playnet.tokens.refusal import PlaybackRefused

from .answers import Answer, Viewer, client_of
from .gate import Gate

log = logger(__name__)

_REFUSED: Final = frozenset({"CONNECT", "TRACE"})  # no tunnels; no echo of what a front added to the request
_ALLOWED: Final = "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"
_FOR_OTHER_SITES: Final = {name: value for name, value in HOT_FIELDS if name != "cache-control"}
_ATTEMPTS: Final = 3  # a body that vanished between decision and answer sends us back to the decision
_PLAYED: Final = frozenset({200, 206, 304})
_RESERVED: Final = ("/metrics/", "/debug/")  # and the same without the slash: never the origin's, whatever the prefix


@dataclass(frozen=True, slots=True)
class Settings:
    """What one node's deliveries depend on. `has_nginx`: bodies may leave by X-Accel-Redirect.

    `honours_wishes`: whether viewers may demand validation (edge/core/wishes.py).
    `gate`: who judges playback tokens; without one `/t/` is a path like all.
    """

    node: str
    has_nginx: bool
    honours_wishes: bool = False
    slice_bytes: int = 8 << 20
    gate: Gate | None = None


class _Vanished(Exception):
    """The body of an entry is gone: decide again."""


class Delivery:
    """The endpoint. Raw ASGI: nothing between us and the bytes."""

    def __init__(
        self, settings: Settings, store: Store, fills: Fills, upstream: Upstream, metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._settings, self._store, self._fills, self._upstream = settings, store, fills, upstream
        self._metrics, self._clock, self._gate = metrics, clock, settings.gate
        self.prefetch: Prefetch | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = self._viewer(scope, receive, send)
        self._meet(viewer, scope)
        try:
            await self._admitted(viewer, scope)
        except PlayNetError as exc:
            self._metrics.requests.labels("error" if exc.http_status >= 500 else "refused").inc()
            if viewer.has_begun:
                log.warning("delivery.cut", code=exc.code, reason=str(exc))
                return  # the server closes the connection: the viewer sees that the body is not whole
            response = answer(Request(scope), exc)
            was_forwarded = isinstance(exc, UpstreamFailed | UpstreamSlow)
            self._sign(response, CacheStatus(fwd="miss" if was_forwarded else None, detail=exc.code))
            if isinstance(exc, PlaybackRefused):
                response.headers.update(dict(REFUSAL_FIELDS))
            await response(scope, receive, send)
        except Exception:
            log.exception("delivery.crashed")
            if not viewer.has_begun:
                await crash(Request(scope))(scope, receive, send)
        finally:
            self._count(viewer)

    def _sign(self, response: Response, status: CacheStatus) -> None:
        """What other answers have as well, so that a player on another site sees the error and not a failed fetch."""
        response.headers["cache-status"] = status.written(self._settings.node)
        response.headers["via"] = via(self._settings.node)
        response.headers["date"] = format_date(self._clock())
        response.headers.update(_FOR_OTHER_SITES)

    def _count(self, viewer: Viewer) -> None:
        if viewer.cause is not None:
            self._metrics.misses.labels(viewer.cause).inc()
        elif viewer.source is not None:
            self._metrics.hits.labels(viewer.source).inc()
        if viewer.source is not None:
            self._metrics.sent_bytes.labels(viewer.source).inc(viewer.sent_bytes)

    def _viewer(self, scope: Scope, receive: Receive, send: Send) -> Viewer:
        fields = Fields.raw(scope["headers"])
        return Viewer(
            method=scope["method"],
            fields=fields,
            request_id=scope.get("state", {}).get("request_id", ""),
            node=self._settings.node,
            has_nginx=self._settings.has_nginx and not fields.get(NO_ACCEL_HEADER),
            receive=receive,
            send=send,
        )

    def _meet(self, viewer: Viewer, scope: Scope) -> None:
        """See whether a node of the fleet asks, and note how far purges came before anything is looked up for it."""
        ours = self._upstream.membership
        if ours is not None:
            asked = b"?".join(part for part in (scope.get("raw_path") or b"", scope["query_string"]) if part)
            proven = ours.prover.proven(viewer.fields.get(PEER_FIELD), asked.decode("latin-1"), now=self._clock())
            viewer.tells = ours.position.applied if proven is not None else None
            viewer.is_hint = proven is not None and proven.purpose == "hint"

    def _expect_next(self, viewer: Viewer, wanted: Target, query: bytes) -> None:
        """What this viewer will want after this; a node that asks on behalf of one has thought about that itself."""
        prefetch = self.prefetch
        if prefetch is None or viewer.method != "GET":
            return
        prefetch.asked(wanted.key)
        if viewer.tells is None:
            told = viewer.fields.get(cmcd.FIELD) or cmcd.argument(query.decode("latin-1"))
            viewer.on_begin = lambda code: prefetch.seen(wanted.key, told) if code in _PLAYED else None

    async def _admitted(self, viewer: Viewer, scope: Scope) -> None:
        if viewer.method in _REFUSED:
            response = Response(status_code=405, headers={"allow": _ALLOWED})
            self._sign(response, CacheStatus(fwd="method", detail="refused"))
            self._metrics.requests.labels("refused").inc()
            await response(scope, viewer.receive, viewer.send)
            return
        raw_path = scope.get("raw_path") or scope["path"].encode()
        wanted = target(raw_path, scope["query_string"], has_tokens=self._gate is not None)
        if not await self._let_in(viewer, wanted, scope):
            return
        if f"{wanted.path}/".startswith(_RESERVED):
            raise NotFound("there is nothing here")
        if is_looping(viewer.fields, self._settings.node):
            raise Looping("this node has forwarded the request before")
        if viewer.is_hint:
            if self.prefetch is not None:
                self.prefetch.hinted(wanted.key)
            await Response(status_code=202)(scope, viewer.receive, viewer.send)
            return
        self._expect_next(viewer, wanted, scope["query_string"])
        if viewer.method not in {"GET", "HEAD"}:
            viewer.cause = Cause.BYPASS
            await self._pass(viewer, wanted, CacheStatus(fwd="method"))
            return
        for _ in range(_ATTEMPTS):
            with suppress(_Vanished, Mismatch):
                await self._answer(viewer, wanted)
                return
        viewer.cause = viewer.cause or Cause.EVICTED
        await self._pass(viewer, wanted, CacheStatus(fwd="bypass", detail="unsteady"))

    async def _let_in(self, viewer: Viewer, wanted: Target, scope: Scope) -> bool:
        """Judge the token; nothing is looked up or asked for one that is refused. False: a preflight that is answered."""
        if viewer.tells is not None:
            viewer.access = Access.NODE
        if self._gate is None or wanted.token is None:
            return True
        try:
            viewer.access = self._gate.admit(wanted.token, wanted.path, client_of(scope, viewer))
        except PlaybackRefused:
            if viewer.method != "OPTIONS" or "access-control-request-method" not in viewer.fields:
                raise
            await Response(status_code=204, headers=dict(PREFLIGHT_FIELDS))(scope, viewer.receive, viewer.send)
            return False
        return True

    async def _answer(self, viewer: Viewer, wanted: Target) -> None:
        now = self._clock()
        selecting = self._asked(viewer) if wanted.key in self._store.variants else viewer.fields
        stored = await self._store.lookup(wanted.key, selecting)
        if stored is not None:
            released(stored.fields, viewer.access)  # who may not have it does not make us ask whether it still holds
        action = decide(stored, marks=self._store.marks, now=now)
        action = granted(action, stored, wishes(viewer.fields, honoured=self._settings.honours_wishes), now=now)
        if viewer.tells is not None:
            action = for_peer(action)
        viewer.cause = self._cause(viewer, wanted, action, now)
        match action:
            case Serve(entry, refresh):
                if refresh:
                    self._refresh(wanted, entry)
                detail = "stale-while-revalidate" if refresh else None
                status = CacheStatus(hit=True, ttl_s=int(entry.life.fresh_until - now), detail=detail)
                await self._stored(viewer, entry, status, "stale" if refresh else "hit")
            case Revalidate():
                await (self._freshened if viewer.method == "HEAD" else self._filled)(viewer, wanted, action)
            case Fetch():
                if viewer.method == "HEAD" or (self._fills.is_apart(wanted.key) and _is_partial(viewer.fields)):
                    await self._pass(viewer, wanted, CacheStatus(fwd=self._why(wanted)))
                else:
                    await self._filled(viewer, wanted, None)
            case Bypass():
                await self._pass(viewer, wanted, CacheStatus(fwd="request"))
            case Refuse():
                raise NotStored("this is not stored here, and nothing else was wanted")
            case _:
                assert_never(action)

    async def _stored(self, viewer: Viewer, entry: Entry, status: CacheStatus, result: str) -> None:
        """Answer with a complete entry. Raises _Vanished when its body is gone."""
        if entry.sliced is not None:
            await self._sliced(viewer, entry, status)
            self._metrics.requests.labels(result).inc()
            return
        answer = Answer(viewer, self._clock)
        self._store.hit(entry.key)
        data = await self._store.small_body(entry)
        viewer.source = "disk" if data is None else "memory"
        if not await self._is_answered(answer, entry, status, data):
            await self._store.drop(entry)
            raise _Vanished
        self._metrics.requests.labels(result).inc()

    async def _is_answered(self, answer: Answer, entry: Entry, status: CacheStatus, data: bytes | None) -> bool:
        """False, and nothing sent, when the body is gone or the disk refuses to give it."""
        try:
            return await answer.entry(entry, status, self._store.bodies, data)
        except Unavailable as exc:
            if answer.has_begun:
                raise
            self._store.failed("read", exc)
            return False

    async def _sliced(self, viewer: Viewer, head: Entry, status: CacheStatus) -> None:
        """Answer with an object in slices. Raises _Vanished when the origin has another by now and nothing was sent."""
        self._store.hit(head.key)
        viewer.source = "disk" if status.hit else "fill"
        ask = Ask("GET", primary_of(head.key), self._asked(viewer))
        try:
            await Answer(viewer, self._clock).sliced(head, status, self._fills.slices.body(head, ask))
        except Changed:
            if viewer.has_begun:
                raise
            raise _Vanished from None

    async def _filled(self, viewer: Viewer, wanted: Target, stale: Revalidate | None) -> None:
        """Answer through a fill; on an error of the origin with the stale entry, where that is allowed."""
        try:
            ask = Ask("GET", wanted.key, self._asked(viewer))
            why = "stale" if stale else self._why(wanted)
            window = self._window(viewer, stale.entry if stale else None)
            async with self._fills.obtain(ask, stale.entry if stale else None, window) as obtained:
                head, collapsed = obtained.head, obtained.collapsed
                match head:
                    case Validated(entry, own_fields):
                        status = CacheStatus(fwd="stale", fwd_status=304, stored=True, collapsed=collapsed)
                        own = entry if collapsed else _with(entry, own_fields)
                        await self._stored(viewer, own, status, "revalidated")
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
                        await self._sliced(viewer, own, status)
                    case Private():
                        await self._private(viewer, wanted, stale, head, obtained.turns)
                    case Copied():
                        await self._error(viewer, wanted, stale, head, collapsed)
                    case _:
                        assert_never(head)
        except PlayNetError as exc:
            if viewer.has_begun or stale is None or not stale.may_serve_on_error or exc.http_status < 500:
                raise
            await self._on_error(viewer, stale.entry, None)

    async def _error(
        self, viewer: Viewer, wanted: Target, stale: Revalidate | None, head: Copied, collapsed: bool
    ) -> None:
        """An error of the origin that everybody who waited gets alike, but for what was meant for one."""
        exchange = head.exchange
        if exchange.status in ERRORS and stale is not None and stale.may_serve_on_error:
            await self._on_error(viewer, stale.entry, exchange.status)
            return
        viewer.cause, viewer.source = Cause.UNCACHEABLE, "pass"
        self._metrics.requests.labels("pass").inc()
        why = "stale" if stale else self._why(wanted)
        status = CacheStatus(fwd=why, fwd_status=exchange.status, collapsed=collapsed)
        fields = kept(exchange.fields)
        fields = fields.without(name for name, _ in personal(exchange)) if collapsed else fields
        fields = fields.plus(("content-length", str(len(head.body))))
        await Answer(viewer, self._clock).relayed(exchange.status, fields, status, _of(head.body))

    async def _private(
        self, viewer: Viewer, wanted: Target, stale: Revalidate | None, head: Private, turns: asyncio.Semaphore
    ) -> None:
        if head.status in ERRORS and stale is not None and stale.may_serve_on_error:
            await self._on_error(viewer, stale.entry, head.status)
        elif head.reply is None or (viewer.fields.get("range") and head.status in {200, 416}):
            # somebody else's answer, one to another range, or too large to be kept: ask for exactly what is wanted here
            viewer.cause = Cause.UNCACHEABLE
            await self._pass(viewer, wanted, CacheStatus(fwd="stale" if stale else self._why(wanted)), turns)
        else:
            viewer.cause = Cause.UNCACHEABLE
            status = CacheStatus(fwd="stale" if stale else self._why(wanted), fwd_status=head.status)
            await self._relay(viewer, head.reply, status)

    def _window(self, viewer: Viewer, stored: Entry | None) -> Window | None:
        """The slices to ask for first when a part is wanted of what is not known, or may have changed, and may be large."""
        if stored is not None and stored.sliced is None:
            return None
        return first_window(asked(viewer.fields.get("range")), self._settings.slice_bytes)

    async def _freshened(self, viewer: Viewer, wanted: Target, stale: Revalidate) -> None:
        """A HEAD that cannot be answered from a stale entry: the origin's answer brings that up to date. RFC 9111 §4.3.5."""
        try:
            reply = await self._upstream.ask(Ask("HEAD", wanted.key, self._asked(viewer), is_direct=True))
        except PlayNetError as exc:
            if not stale.may_serve_on_error or exc.http_status < 500:
                raise
            await self._on_error(viewer, stale.entry, None)
            return
        try:
            code, entry = reply.exchange.status, freshened(stale.entry, reply.exchange)
            if code in ERRORS and stale.may_serve_on_error:
                await self._on_error(viewer, stale.entry, code)
            elif entry is None:
                await self._relay(viewer, reply, CacheStatus(fwd="stale", fwd_status=code))
            else:
                await self._store.update(entry, expected=stale.entry)
                await self._stored(viewer, entry, CacheStatus(fwd="stale", fwd_status=code, stored=True), "revalidated")
        finally:
            reply.close()

    async def _on_error(self, viewer: Viewer, entry: Entry, error: int | None) -> None:
        """RFC 5861 §4."""
        status = CacheStatus(fwd="stale", fwd_status=error, detail="stale-if-error")
        await self._stored(viewer, entry, status, "stale")

    async def _pass(
        self, viewer: Viewer, wanted: Target, status: CacheStatus, turns: asyncio.Semaphore | None = None
    ) -> None:
        """Let the origin answer this viewer itself; nothing is kept, and what an unsafe request changed is forgotten.

        `turns`: wait for one until the head has come.
        """
        fields, body = self._asked(viewer, conditions=True), None
        if viewer.method not in SAFE and _has_body(viewer.fields):
            length = viewer.fields.get("content-length")
            fields = fields.plus(("content-length", length)) if length is not None else fields
            body = viewer.body()
        # what an unsafe request changes must be forgotten by every node on the way of its key; nothing else here can be shared
        is_direct = viewer.method in SAFE
        if body is None:
            viewer.is_read.set()
        async with turns or nullcontext():
            reply = await self._upstream.ask(Ask(viewer.method, wanted.key, fields, body, is_direct))
        try:
            code = reply.exchange.status
            host = viewer.fields.get("host") or ""
            for key in invalidated(wanted.key, viewer.method, code, reply.exchange.fields, authority=host):
                await self._forget(key)
            await self._relay(viewer, reply, CacheStatus(fwd=status.fwd, fwd_status=code, detail=status.detail))
        finally:
            reply.close()

    async def _relay(self, viewer: Viewer, reply: Reply, status: CacheStatus) -> None:
        self._metrics.requests.labels("pass").inc()
        viewer.source = "pass"
        fields = kept(reply.exchange.fields)
        fields = fields.plus(*(("age", value) for value in reply.exchange.fields.all("age")))
        if reply.size_bytes is not None:
            fields = fields.plus(("content-length", str(reply.size_bytes)))
        if viewer.tells is not None:
            fields = fields.plus(*told(tags_of(reply.exchange.fields), fields.get("date"), viewer.tells))
        async with aclosing(reply.chunks(is_paced=False)) as chunks:
            await Answer(viewer, self._clock).relayed(reply.exchange.status, fields, status, chunks)

    def _asked(self, viewer: Viewer, *, conditions: bool = False) -> Fields:
        return forwarded(viewer.fields, node=self._settings.node, request_id=viewer.request_id, conditions=conditions)

    def _why(self, wanted: Target) -> Forward:
        """Why nothing stored could be used. RFC 9211 §2.2."""
        return "vary-miss" if wanted.key in self._store.variants else "miss"

    def _cause(self, viewer: Viewer, wanted: Target, action: Action, now: float) -> Cause | None:
        """The one cause of a miss, as far as it is known before the origin answered."""
        place = wanted.key
        if isinstance(action, Fetch):
            if self._fills.is_apart(place):
                return Cause.UNCACHEABLE
            place = self._store.variants.expected(place, self._asked(viewer))
        return cause_of(action, place, self._store.causes, marks=self._store.marks, now=now)

    def _refresh(self, wanted: Target, entry: Entry) -> None:
        node = self._settings.node
        fields = forwarded(nobody(entry.selector), node=node, request_id=f"refresh-{node}", conditions=False)
        self._fills.refresh(Ask("GET", wanted.key, fields), entry)

    async def _forget(self, key: Key) -> None:
        """RFC 9111 §4.4. Fills that began before are not stored either."""
        order = PurgeOrder(kind="url", value=key)
        self._fills.forget(order)
        try:
            await self._store.forget(order)
        except Unavailable as exc:
            self._store.failed("invalidate", exc)


def _with(entry: Entry, personal: Fields) -> Entry:
    """The entry as the viewer gets it for whom the exchange was made."""
    return replace(entry, fields=Fields(entry.fields.pairs + personal.pairs)) if personal.pairs else entry


async def _of(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _has_body(request: Fields) -> bool:
    """RFC 9112 §6."""
    return "content-length" in request or "transfer-encoding" in request


def _is_partial(request: Fields) -> bool:
    """Whether less than the whole was asked for: worth an exchange of its own where answers are not shared."""
    return any(name in request for name in ("range", "if-none-match", "if-modified-since"))
