"""Fills: one upstream exchange per key however many viewers wait, each of whom gets the body as it arrives.

A fill is a task of its own: it goes on when the viewer that started it leaves, ends by the upstream's deadlines, and
publishes only a complete body that nobody purged meanwhile. What must not be shared goes to that one viewer only.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final

from edge.adapters.metrics import Metrics
from edge.adapters.store.bodies import Temp
from edge.adapters.store.reservation import Reservation
from edge.adapters.store.store import Store
from edge.adapters.upstream.upstream import Ask, Reply, Upstream, UpstreamFailed
from edge.core.causes import Cause
from edge.core.entry import Entry, may_replace, new_entry, personal, validated
from edge.core.inspection import Filling
from edge.core.key import Key
from edge.core.offer import Keeping, Offer, form_of, offered, why_not_kept
from edge.core.slices import Sliced, Window
from playnet.errors import PlayNetError, StorageFull, Unavailable
from playnet.http.conditional import validators
from playnet.http.fields import Fields
from playnet.logs import logger
from playnet.purge.order import PurgeOrder

from .cut import Cut
from .cutting import Cutting
from .fill import Fill, Head, InSlices, Obtained, Private, Streaming, Validated
from .following import copied, for_follower
from .growing import Abandoned, Growing
from .joining import Joining
from .slices import Slices

log = logger(__name__)

_FILE_THREADS: Final = 4
_APART_S: Final = 60.0  # a key whose answer could not be shared is fetched by each viewer for so long
_MAX_APART: Final = 10_000
_MAX_REFRESHES: Final = 64
_OF_THE_ASKER: Final = frozenset(
    {400, 408, 416, 425, 429, 431}
)  # tell of one request or its sender, not of the resource
_STEP_BYTES: Final = 4 << 20  # room is reserved in steps of this when the origin does not tell the length
_COPIED_BYTES: Final = 64 << 10  # of an error that all who wait are told
_STALL_S: Final = 20.0
_FAREWELL_S: Final = 60.0  # for viewers of an entry that must go


class Fills:
    """All exchanges of one node. `group` runs the tasks; `close` ends them."""

    def __init__(
        self, store: Store, upstream: Upstream, group: asyncio.TaskGroup, *, keeping: Keeping, metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._store, self._upstream, self._group = store, upstream, group
        self._keeping, self._metrics, self._clock = keeping, metrics, clock
        self._open: dict[Key, Fill] = {}
        self._running: set[Fill] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._apart: dict[Key, float] = {}
        self._refreshes = 0
        self._files = ThreadPoolExecutor(_FILE_THREADS, thread_name_prefix="edge-bodies")
        self._cutting = Cutting(store, upstream, group, self._files, metrics=metrics, clock=clock)
        joining = Joining(store, group, self._files, metrics=metrics, most_bytes=keeping.joined_bytes)
        self.slices = Slices(store, self._cutting, joining, clock)

    async def close(self) -> None:
        """End all exchanges."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.slices.close()
        self._files.shutdown()

    def forget(self, orders: PurgeOrder) -> None:
        """A purge order: fills that began before it are not stored, and nobody joins them any more."""
        for fill in self._running:
            if fill.forget(orders):
                self._close_to_others(fill)
        self.slices.forget(orders)

    def is_apart(self, key: Key) -> bool:
        """Whether this key's answers could lately not be shared, so that waiting for one would only cost time."""
        until = self._apart.get(key)
        if until is not None and until <= self._clock():
            del self._apart[key]
            return False
        return until is not None

    def apart_s(self, key: Key) -> float:
        """For how long answers to this key are still not shared."""
        return max(self._apart.get(key, 0.0) - self._clock(), 0.0)

    @property
    def count(self) -> int:
        """How many exchanges run now."""
        return len(self._running)

    def under_way(self, key: Key) -> list[Filling]:
        """The exchanges for a key that run now."""
        found = [fill for fill in self._running if fill.key == key]
        return [
            Filling(fill.slot, body.size_bytes, body.total_bytes, fill.viewers)
            if (body := fill.body) is not None
            else Filling(fill.slot, 0, None, fill.viewers)
            for fill in found
        ]

    @asynccontextmanager
    async def obtain(self, ask: Ask, stored: Entry | None, window: Window | None = None) -> AsyncIterator[Obtained]:
        """Join the fill of a key or start it. Raises Mismatch, and what the upstream raised, each viewer for itself.

        `window`: what is wanted first of an object that may be large; None: all of it.
        """
        slot = self._store.variants.expected(ask.key, ask.fields)
        fill = None if self.is_apart(ask.key) else self._open.get(slot)
        collapsed = fill is not None and fill.is_joinable(self._clock())
        if fill is None or not collapsed:
            fill = self._start(ask, stored, slot, window)
            fill.has_leader = True
        fill.viewers += 1
        try:
            head = await asyncio.shield(fill.head)
            yield Obtained(for_follower(head, ask) if collapsed else head, collapsed, fill.turns)
        finally:
            fill.viewers -= 1
            fill.left.set()
            if not collapsed:
                fill.leave()
            fill.let_go()

    def refresh(self, ask: Ask, stored: Entry) -> None:
        """Revalidate behind the viewers' backs, once per key, a bounded number at a time."""
        if stored.key not in self._open and self._refreshes < _MAX_REFRESHES:
            self._refreshes += 1
            form = stored.sliced
            window = None if form is None else Window(0, form.slice_bytes - 1)  # should all of it have changed
            self._start(ask, stored, stored.key, window).head.add_done_callback(self._refreshed)

    def _refreshed(self, _: "asyncio.Future[Head]") -> None:
        self._refreshes -= 1

    def _start(self, ask: Ask, stored: Entry | None, slot: Key, window: Window | None) -> Fill:
        fill = Fill(ask.key, slot, ask, stored, asyncio.get_running_loop().create_future(), window=window)
        fill.head.add_done_callback(lambda head: head.cancelled() or head.exception())  # nobody may be left to see it
        superseded = self._open.get(slot)
        if superseded is not None:
            superseded.is_doomed = True  # the younger answer is the one to keep, whichever ends first
        self._open[slot] = fill
        self._running.add(fill)
        self._metrics.open_fills.inc()
        task = self._group.create_task(self._run(fill), name=f"fill:{ask.key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return fill

    async def _run(self, fill: Fill) -> None:
        outcome = "failed"
        try:
            outcome = await self._exchange(fill)
        except PlayNetError as exc:
            self._fail(fill, exc)
        except Abandoned:
            outcome = "unstored"
            self._fail(fill, UpstreamFailed("nobody waited for the rest"))
        except asyncio.CancelledError:
            self._fail(fill, Unavailable("this node is stopping"))
            raise
        except Exception as exc:
            log.exception("fill.crashed", key=fill.key)
            self._fail(fill, UpstreamFailed("the fill failed", cause=type(exc).__name__))
        finally:
            self._metrics.fills.labels(outcome).inc()
            self._over(fill)

    def _over(self, fill: Fill) -> None:
        self._close_to_others(fill)
        self._running.discard(fill)
        self._metrics.open_fills.dec()
        fill.is_over = True
        fill.let_go()

    def _close_to_others(self, fill: Fill) -> None:
        if self._open.get(fill.slot) is fill:
            del self._open[fill.slot]

    def _learn(self, fill: Fill, entry: Entry) -> None:
        """The head has come: it may belong to another place than was expected, where others look from now on."""
        fill.learn(entry.tags)
        self._apart.pop(fill.key, None)
        self._store.variants.learn(fill.key, entry.selector)
        if entry.key != fill.slot and self._open.get(fill.slot) is fill:
            del self._open[fill.slot]
            if entry.key not in self._open:
                self._open[entry.key] = fill
        fill.slot = entry.key

    def _fail(self, fill: Fill, error: PlayNetError) -> None:
        if not fill.head.done():
            fill.head.set_exception(error)
        if fill.body is not None:
            fill.body.fail(error)

    async def _exchange(self, fill: Fill) -> str:
        """One exchange to its end; gives its outcome."""
        reply = await self._upstream.ask(_request(fill))
        if reply.exchange.status == 304 and fill.stored is not None:
            reply.close()
            return await self._confirm(fill, validated(fill.stored, reply.exchange), personal(reply.exchange))
        offer = offered(reply.exchange, reply.size_bytes, fill.window)
        form = form_of(offer, fill.window, self._keeping, now=self._clock())
        draft = self._draft(fill, offer, form)
        refusal = why_not_kept(offer, draft, asked=fill.ask.fields, stored=fill.stored, keeping=self._keeping)
        self._store.refusals.note(fill.key, refusal)
        if refusal is not None:
            return await self._hand_over(fill, reply)
        try:
            self._learn(fill, draft)
            take = self._receive if form is None else self._in_slices
            return await take(fill, reply, draft, offer)
        finally:
            reply.close()

    def _draft(self, fill: Fill, offer: Offer, form: Sliced | None) -> Entry:
        """What is stored of an answer, but for its body."""
        size_bytes = 0 if form is not None else offer.total_bytes or 0
        entry = new_entry(
            fill.key,
            offer.exchange,
            body="",
            size_bytes=size_bytes,
            asked=fill.ask.fields,
            negative_s=self._keeping.negative_s,
        )
        return replace(entry, sliced=form)

    async def _in_slices(self, fill: Fill, reply: Reply, head: Entry, offer: Offer) -> str:
        """A large object: its head is stored at once, its slices as they become complete."""
        form, part = head.sliced, offer.part
        assert form is not None
        first, last = (0, form.count - 1) if part is None else (form.number(part.first), form.number(part.last))
        cut = Cut(head, form, first, last, self._files, is_awaited=lambda: fill.viewers > 0)
        self._cutting.register(cut)
        try:
            fill.is_cut, fill.fresh_until = True, head.life.fresh_until
            if await self._publish_head(fill, head):
                self._close_to_others(fill)
            cut.is_doomed |= fill.is_doomed
            fill.head.set_result(InSlices(head, personal(offer.exchange)))
            return await self._cutting.receive(cut, reply)
        finally:
            self._cutting.over(cut)

    async def _publish_head(self, fill: Fill, head: Entry) -> bool:
        """Store the record of an object in slices, with an empty body; its slices of other bytes are forgotten."""
        room = self._store.reservation()
        temp = None if fill.is_doomed else await self._temporary(0, room)
        if temp is None:
            return False
        try:
            if fill.is_doomed or not await self._store.publish(replace(head, body=temp.id), temp, room):
                return False
            await self._forget_old_slices(fill, head.sliced)
            return True
        finally:
            os.close(temp.fd)
            await self._store.discard(temp)

    async def _forget_old_slices(self, fill: Fill, form: Sliced | None) -> None:
        old = fill.stored
        if old is not None and old.sliced is not None and old.sliced != form:
            await self._store.drop_slices(old)

    async def _confirm(self, fill: Fill, entry: Entry, own: Fields) -> str:
        """A 304: the stored entry lives on, unless it was purged meanwhile."""
        assert fill.stored is not None
        fill.learn(entry.tags)
        if not fill.is_doomed:
            if may_replace(fill.stored, entry):
                await self._store.update(entry)
            else:
                return await self._confirm_once(fill, entry, own)
        fill.head.set_result(Validated(entry, own))
        return "purged" if fill.is_doomed else "validated"

    async def _confirm_once(self, fill: Fill, entry: Entry, own: Fields) -> str:
        """A 304 that forbids to keep the entry, or to keep it under this key: those who wait may have it, nobody after."""
        self._close_to_others(fill)
        fill.head.set_result(Validated(entry, own))
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                while fill.viewers:
                    fill.left.clear()
                    await fill.left.wait()
        await self._store.drop(entry, Cause.UNCACHEABLE)
        return "validated"

    async def _hand_over(self, fill: Fill, reply: Reply) -> str:
        """An answer that is not for everybody: the viewer who asked takes it over, or it is cut when that one left."""
        status = reply.exchange.status
        if status >= 500 and reply.size_bytes is not None and reply.size_bytes <= _COPIED_BYTES:
            fill.head.set_result(await copied(reply))
            return "error"
        if status < 500 and status not in _OF_THE_ASKER:
            self._set_apart(fill.key)
            if fill.stored is not None and not fill.is_doomed:
                await self._store.drop(fill.stored, Cause.UNCACHEABLE)  # the origin has something else now
        is_for_leader = fill.has_leader and (fill.window is None or status not in {200, 206})  # else nobody's range
        if not is_for_leader:
            reply.close()
        fill.head.set_result(Private(reply if is_for_leader else None, status))
        return "error" if status >= 500 else "private"

    def _set_apart(self, key: Key) -> None:
        if len(self._apart) >= _MAX_APART:
            self._apart.clear()
        self._apart[key] = self._clock() + _APART_S

    async def _receive(self, fill: Fill, reply: Reply, draft: Entry, offer: Offer) -> str:
        room = self._store.reservation()
        is_admitted = self._store.admits(draft.key, _STEP_BYTES if reply.size_bytes is None else reply.size_bytes)
        temp = await self._temporary(reply.size_bytes, room) if is_admitted else None
        fill.fresh_until = draft.life.fresh_until
        body = fill.body = Growing(self._files, temp, reply.size_bytes, stall_s=_STALL_S)
        fill.head.set_result(Streaming(draft, personal(offer.exchange), body))
        try:
            async for chunk in reply.chunks():
                if not await self._has_room(room, body, len(chunk)):
                    body.give_up_disk()
                await body.append(chunk)
            if reply.size_bytes not in {None, body.size_bytes}:
                raise UpstreamFailed("the origin sent less than it promised")
            body.finish()
            return await self._keep(fill, draft, temp, room)
        finally:
            try:
                if temp is not None:
                    await self._store.discard(temp)  # first: until then its bytes stand on the disk
            finally:
                room.release()

    async def _keep(self, fill: Fill, draft: Entry, temp: Temp | None, room: Reservation) -> str:
        """Publish a complete body if it may be."""
        assert fill.body is not None
        if fill.body.refusal is not None:
            self._store.failed("fill", fill.body.refusal)
        if fill.is_doomed:
            return "purged"
        if temp is None or not fill.body.is_kept:
            return "stored" if self._keep_small(fill.body, draft) else "unstored"
        entry = replace(draft, body=temp.id, size_bytes=fill.body.size_bytes, checksum=fill.body.checksum)
        if not await self._store.publish(entry, temp, room):
            return "unstored"
        await self._forget_old_slices(fill, None)
        return "stored"

    def _keep_small(self, body: Growing, draft: Entry) -> bool:
        """A small body that may not stand on the disk may stand in memory."""
        data = body.in_memory
        return data is not None and self._store.keep_small(replace(draft, size_bytes=len(data)), data)

    async def _temporary(self, size_bytes: int | None, room: Reservation) -> Temp | None:
        """A file to fill; None when quota or disk refuse: then viewers are served all the same."""
        if not await room.grow(_STEP_BYTES if size_bytes is None else size_bytes):
            return None
        try:
            return await asyncio.shield(asyncio.wrap_future(self._files.submit(self._store.bodies.create)))
        except (Unavailable, StorageFull) as exc:
            self._store.failed("fill", exc)
            return None

    async def _has_room(self, room: Reservation, body: Growing, more_bytes: int) -> bool:
        """Whether the next bytes may stand on disk; only a body of unknown length can outgrow its reservation."""
        needed = body.size_bytes + more_bytes
        if not body.is_kept or needed <= min(room.held_bytes, self._keeping.max_object_bytes):
            return True
        return needed <= self._keeping.max_object_bytes and await room.grow(needed + _STEP_BYTES)


def _request(fill: Fill) -> Ask:
    """The request of a fill: it validates what is stored (RFC 9111 §4.3.1), and asks for no more than is wanted."""
    more = () if fill.stored is None else validators(fill.stored.fields)
    if fill.window is not None:
        more = (*more, ("range", fill.window.range))
    return replace(fill.ask, fields=fill.ask.fields.plus(*more)) if more else fill.ask
