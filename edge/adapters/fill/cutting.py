"""Exchanges that bring slices: each missing run is asked for once, and every slice is published as soon as it is whole.

An exchange ends between two slices when nobody reads from it, or when it has come too far ahead of everybody who does.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from edge.adapters.metrics import Metrics
from edge.adapters.store.bodies import Temp
from edge.adapters.store.reading import in_files
from edge.adapters.store.store import Store
from edge.adapters.upstream.upstream import Ask, Reply, Upstream, UpstreamFailed
from edge.core.causes import Cause
from edge.core.entry import Entry
from edge.core.key import Key
from edge.core.slices import JOIN_DISTANCE, Window, answered, missing_run, sliced, validator
from playnet.errors import PlayNetError, StorageFull, Unavailable
from playnet.http.fields import Fields
from playnet.logs import logger
from playnet.purge.order import PurgeOrder

from .cut import Cut, Place
from .growing import Abandoned

log = logger(__name__)

_PAUSE_S: Final = 10.0  # how long an exchange that is far ahead waits for its viewers; origins give up after a minute
_EMPTY: Final = Fields()


class Changed(UpstreamFailed):
    """The origin has another representation now: what began with the old one cannot be completed."""

    code = "upstream-changed"


class Cutting:
    """The exchanges of one node that are cut into slices. `group` runs those that begin here; `close` ends them."""

    def __init__(
        self, store: Store, upstream: Upstream, group: asyncio.TaskGroup, files: Executor, *, metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._store, self._upstream, self._group, self._files = store, upstream, group, files
        self._metrics, self._clock = metrics, clock
        self._open: dict[Key, Cut] = {}
        self._cuts: set[Cut] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """End all exchanges that began here."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def forget(self, order: PurgeOrder) -> None:
        """A purge order: what began before it is not stored, and nobody joins it any more."""
        for cut in self._cuts:
            if cut.forget(order):
                self._close_to_others(cut)

    def joinable(self, key: Key, number: int) -> Cut | None:
        """The exchange that will bring a slice soon."""
        cut = self._open.get(key)
        return cut if cut is not None and cut.is_joinable(number) else None

    def is_coming(self, key: Key) -> bool:
        """Whether an exchange will bring a slice, perhaps much later."""
        return key in self._open

    def begin(self, head: Entry, ask: Ask, number: int, upto: int) -> Cut:
        """Ask for a run of missing slices, from `number` to at most `upto`. `ask`: a request without conditions."""
        form = head.sliced
        assert form is not None

        def is_there(at: int) -> bool:
            key = form.key(head.key, at)
            return self.is_coming(key) or self._store.has(key)

        cut = Cut(head, form, number, missing_run(number, upto, is_there), self._files)
        self.register(cut)
        self._metrics.open_fills.inc()
        task = self._group.create_task(self._run(cut, ask), name=f"slices:{head.key}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return cut

    def register(self, cut: Cut) -> None:
        """Others find its slices here. An exchange under way that would come to them much later ends before them."""
        self._cuts.add(cut)
        for number in range(cut.first, cut.last + 1):
            other = self._open.get(cut.key(number))
            if other is not None and other.at < cut.first:
                other.last = min(other.last, cut.first - 1)
            self._open[cut.key(number)] = cut

    async def _run(self, cut: Cut, ask: Ask) -> None:
        """One request for slices that are missing. RFC 9110 §13.1.5: only if they are still of the same object."""
        outcome = "failed"
        try:
            window = Window(cut.sliced.part(cut.first).first, cut.sliced.part(cut.last).last)
            strong = validator(cut.head.fields, now=self._clock()) or ""
            fields = ask.fields.plus(("range", window.range), ("if-range", strong))
            reply = await self._upstream.ask(replace(ask, fields=fields))
            try:
                await self._agree(cut, window, reply)
                outcome = await self.receive(cut, reply)
            finally:
                reply.close()
        except PlayNetError as exc:
            cut.fail(exc)
        except asyncio.CancelledError:
            cut.fail(Unavailable("this node is stopping"))
            raise
        except Exception as exc:
            log.exception("slices.crashed", key=cut.head.key)
            cut.fail(UpstreamFailed("the fill failed", cause=type(exc).__name__))
        finally:
            self._metrics.fills.labels(outcome).inc()
            self._metrics.open_fills.dec()
            self.over(cut)

    async def _agree(self, cut: Cut, window: Window, reply: Reply) -> None:
        """Raises Changed, and forgets the object, when the origin has other bytes now."""
        exchange = reply.exchange
        if exchange.status >= 500 or exchange.status in {408, 425, 429}:
            raise UpstreamFailed("the origin has no slice for us now", cause=str(exchange.status))
        told = answered(window, exchange.status, exchange.fields, reply.size_bytes)
        form = cut.sliced
        if told is not None and told.total_bytes == form.total_bytes:
            same = sliced(
                exchange.fields, total_bytes=form.total_bytes, slice_bytes=form.slice_bytes, now=self._clock()
            )
            if same == form:
                return
        cut.is_doomed = True
        self._close_to_others(cut)
        stored = await self._store.at(cut.head.key)
        if stored is not None and stored.sliced == form:
            await self._store.drop(stored, Cause.UNCACHEABLE)
        raise Changed("the origin has another object there now")

    async def receive(self, cut: Cut, reply: Reply) -> str:
        """Take slices until the last, publish each; gives what became of them. The caller closes `reply`."""
        try:
            async with aclosing(reply.chunks()) as chunks:
                async for chunk in chunks:
                    if not await self._take(cut, chunk):
                        return cut.outcome
            if cut.at <= cut.last:
                raise UpstreamFailed("the origin sent less than it promised")
            return cut.outcome
        except Abandoned:
            return "unstored"
        except PlayNetError as exc:
            cut.fail(exc)
            raise
        finally:
            if cut.place is not None:
                await self._let_go(cut.place)

    async def _take(self, cut: Cut, chunk: bytes) -> bool:
        """Put bytes where they belong; False when no more are wanted."""
        position = 0
        while position < len(chunk):
            if cut.place is None:
                if not await self._goes_on(cut):
                    return False
                cut.place = await self._place(cut)
            missing = cut.sliced.part(cut.at).size_bytes - cut.place.body.size_bytes
            piece = chunk[position : position + missing]
            await cut.place.body.append(piece)
            position += len(piece)
            if len(piece) == missing:
                cut.outcome = await self._publish(cut, cut.place)
                cut.place = None
                cut.at += 1
        return cut.at <= cut.last

    async def _goes_on(self, cut: Cut) -> bool:
        """Between two slices: whether the next is wanted, and not too early."""
        try:
            async with asyncio.timeout(_PAUSE_S):
                while True:
                    if cut.at > cut.last or (cut.at > cut.first and not cut.is_wanted):
                        return False
                    if cut.lead <= JOIN_DISTANCE:
                        return True
                    cut.changed.clear()
                    await cut.changed.wait()
        except TimeoutError:
            return False

    async def _place(self, cut: Cut) -> Place:
        """Room and a file for the slice that comes; without either it goes through memory."""
        body, room = cut.slice(cut.at), self._store.reservation()
        temp: Temp | None = None
        size_bytes = cut.sliced.part(cut.at).size_bytes
        if self._store.admits(cut.key(cut.at), size_bytes) and await room.grow(size_bytes):
            try:
                temp = await in_files(self._files, self._store.bodies.create)
                body.place(temp)
            except (Unavailable, StorageFull) as exc:
                self._store.failed("fill", exc)
        return Place(body, temp, room)

    async def _publish(self, cut: Cut, place: Place) -> str:
        """A slice is complete: store it unless it was purged, and let its readers come to their end."""
        body, temp = place.body, place.temp
        body.finish()
        outcome = "purged" if cut.is_doomed else "unstored"
        if body.refusal is not None:
            self._store.failed("fill", body.refusal)
        if temp is not None and body.is_kept and not cut.is_doomed:
            entry = Entry(
                key=cut.key(cut.at), status=206, fields=_EMPTY, tags=cut.head.tags, body=temp.id,
                size_bytes=body.size_bytes, checksum=body.checksum, requested_at=cut.head.requested_at, life=cut.head.life,
            )  # fmt: skip
            outcome = "stored" if await self._store.publish(entry, temp, place.room) else "unstored"
        self._closed(cut, cut.at)
        await self._let_go(place)
        cut.arriving.pop(cut.at, None)
        return outcome

    async def _let_go(self, place: Place) -> None:
        place.body.release()
        try:
            if place.temp is not None:
                await self._store.discard(place.temp)  # first: until then its bytes stand on the disk
        finally:
            place.room.release()

    def _closed(self, cut: Cut, number: int) -> None:
        if self._open.get(cut.key(number)) is cut:
            del self._open[cut.key(number)]

    def _close_to_others(self, cut: Cut) -> None:
        for number in range(cut.first, cut.last + 1):
            self._closed(cut, number)

    def over(self, cut: Cut) -> None:
        """The exchange has ended: nobody waits for it any more."""
        self._close_to_others(cut)
        self._cuts.discard(cut)
        cut.fail(UpstreamFailed("this exchange ended before the slice"))
