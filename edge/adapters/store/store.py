"""The store of one node: index, bodies, hot tree and quota as one thing.

All changes of the index run in one worker thread, in the order in which the event loop asked for them. That order is
what makes purges right: whatever was published before a purge was asked for is there when the purge runs, and
whatever comes after it was allowed by somebody who knew of the purge.

Long, because whatever changes what is stored takes its turn here; what it decides by, and the files themselves, have
modules of their own.
"""

import asyncio
import secrets
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.adapters.metrics import Metrics
from edge.core.admission import Admission
from edge.core.causes import Cause, Causes, Refusals
from edge.core.decide import Marks
from edge.core.entry import Entry
from edge.core.eviction import Policy
from edge.core.hot import is_hot
from edge.core.key import Key
from edge.core.standing import Standing
from edge.core.variants import Variants
from playnet.errors import PlayNetError, StorageFull, Unavailable
from playnet.http.fields import Fields
from playnet.logs import logger
from playnet.purge.order import PurgeOrder

from .bodies import Bodies, Temp
from .disk import Disk, Opening
from .forgetting import Forgetting
from .health import Health
from .hot import HotTree
from .memory import Memory
from .quota import Quota
from .records import Records
from .reservation import Limits, Reservation
from .sweeper import Sweeper
from .verification import Verification
from .worker import Worker

log = logger(__name__)

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a store keeps, and what it trusts. `policy` is empty. `boot_id`: see `system_boot_id`."""

    policy: Policy
    admission: Admission
    limits: Limits
    boot_id: str


class Store:
    """Made by `open`, closed by `close`; `upkeep` runs in between. Methods run on the event loop."""

    def __init__(self, folder: Path, bodies: Bodies, rules: Rules, metrics: Metrics, clock: Clock) -> None:
        self.bodies = bodies
        self.marks = Marks()
        self.causes, self.refusals = Causes(), Refusals()
        self.variants = Variants()
        self.settled = asyncio.Event()  # nothing of the start is left to do
        self._unsettled = asyncio.Event()
        self._unsettled.set()
        self._newest_asked = 0.0
        self._folder, self._rules, self._metrics, self._clock = folder, rules, metrics, clock
        self._worker = Worker(metrics)
        self._hot = HotTree(bodies, metrics, clock)
        self._sweeper = Sweeper(bodies, metrics)
        self._disk = Disk(bodies, self.is_linked, self._unlinked, self._sweeper.told)
        self._health = Health(metrics)
        self._quota = Quota(rules.policy, rules.admission, rules.limits, bodies, self._sweeper, metrics)
        self._making_room = asyncio.Lock()
        self._memory = Memory(rules.limits.memory_bytes, metrics)
        self._records = Records(self._worker, self._disk)
        self._verification = Verification(bodies, metrics, self._trust)
        self._standing = Standing()
        self._forgetting = Forgetting(self, self._standing, self._now_or_later)

    @classmethod
    async def open(cls, folder: Path, rules: Rules, *, metrics: Metrics, clock: Clock) -> "Store":
        """Open or create the store. Raises StartupFailed, Unavailable."""
        bodies = Bodies(folder)
        bodies.lock()
        store = cls(folder, bodies, rules, metrics, clock)
        try:
            await store._take_over(store._disk.open)
        except PlayNetError:
            store._worker.close()
            bodies.unlock()
            raise
        await store.make_room(0)
        store._told()
        return store

    async def close(self) -> None:
        """Let the worker finish, close the index."""
        self._verification.close()
        await self._worker.run_long(self._disk.close)
        self._worker.close()
        self.bodies.unlock()

    async def _take_over(self, opened: "Callable[..., Opening]") -> None:
        now = self._clock()
        opening = await self._worker.run_long(
            opened, self._folder, boot_id=self._rules.boot_id, marks=self.marks, now=now
        )
        found, self.marks = opening.found, opening.marks
        self._newest_asked = max(self._newest_asked, found.newest_asked)
        self._quota.replace(found.sizes)
        self._records.clear()
        for key, selector in found.selectors.items():
            self.variants.add(key, selector)
        self._hot.replace(found.hot)
        self._verification.replace(found.unverified)
        self._sweeper.add(found.orphans)
        log.info(
            "store.recovered", entries=len(found.sizes), hot=len(found.hot), dropped=found.dropped,
            orphans=len(found.orphans), unverified=len(found.unverified),
        )  # fmt: skip

    async def upkeep(self) -> None:
        """What goes on beside the requests. Runs for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._hot.expire(self._expired), name="expire-hot")
            group.create_task(self._sweeper.run(), name="sweep")
            group.create_task(self._settle(), name="settle")
            group.create_task(self._health.mend(self._mend, self._unsettled.set), name="mend")

    async def _mend(self) -> None:
        """Open the disk anew, and do there what it refused: what was to be forgotten meanwhile."""
        await self._take_over(self._disk.reopen)
        self._told()
        await self._worker.run(self._disk.mark, self.marks)
        for order in self._standing.orders:
            await self.forget(order)

    async def _settle(self) -> None:
        """After each opening of the disk, beside all else: it may take hours. Runs for ever."""
        while True:
            await self._unsettled.wait()
            self._unsettled.clear()
            await self._settle_down()

    async def _settle_down(self) -> None:
        """What a start left for later."""
        await asyncio.to_thread(self.bodies.empty_trash)
        try:
            await self._hot.reconcile(self._unlink_strangers, self._relink)
            await self._verification.run(self._visit)
        except Unavailable as exc:
            self.failed("settle", exc)
        self.settled.set()
        log.info("store.settled", hot=len(self._hot))

    # --- reading

    async def lookup(self, key: Key, asked: Fields) -> Entry | None:
        """What is stored for a request: of several variants that suit it the newest (RFC 9111 §4.1).

        `asked` are the fields that the origin would see. An index that does not work is an empty one.
        """
        newest = await self.at(key)
        for place in self.variants.suiting(key, asked):
            entry = await self.at(place)
            if entry is not None and (newest is None or entry.requested_at > newest.requested_at):
                newest = entry
        return newest

    async def at(self, key: Key) -> Entry | None:
        """What is stored in exactly this place: a key, or `KEY#…` of a variant or slice. Its body may be served."""
        if key not in self._quota.policy:
            alone = self._memory.entry(key)
            return self._standing.applied(alone) if alone is not None else None
        if self._health.is_ill:
            return None
        try:
            entry = await self._records.get(key)
        except Unavailable as exc:
            self.failed("lookup", exc)
            return None
        if entry is not None:
            entry = self._standing.applied(entry)
        return await self._verified(entry) if entry is not None and key in self._verification else entry

    async def small_body(self, entry: Entry) -> bytes | None:
        """The body if it is a small one, from memory or into it; None: ask the disk. What nginx serves alone is left to it."""
        data = self._memory.body(entry)
        if data is not None or entry.sliced or not self._memory.takes(entry.size_bytes) or entry.key in self._hot:
            return data
        changes = self._records.changes
        data = await asyncio.to_thread(self.bodies.read, entry.body)
        if data is None or zlib.crc32(data) != entry.checksum:
            return None
        if changes == self._records.changes:
            self._memory.keep(entry, data)
        return data

    async def all_of(self, key: Key) -> list[Entry]:
        """Everything that is stored under a key that viewers ask for. Raises Unavailable."""
        places = dict.fromkeys([*await self._worker.run(self._disk.places_of, key), key])
        return [entry for place in places if (entry := await self.at(place))]

    def is_in_memory(self, entry: Entry) -> bool:
        """Whether its body is at hand."""
        return self._memory.has(entry)

    def is_linked(self, key: Key) -> bool:
        """Whether nginx finds the key in the hot tree."""
        return key in self._hot

    def has(self, key: Key) -> bool:
        """Whether something is stored in exactly this place, as far as can be told without the disk."""
        return key in self._quota.policy

    def hit(self, key: Key) -> None:
        """The entry was used, by the brain or by nginx."""
        self._quota.policy.hit(key)
        self._records.hit(key)

    # --- room

    def reservation(self) -> Reservation:
        """Room for a body, empty at first."""
        return Reservation(self)

    def admits(self, key: Key, size_bytes: int) -> bool:
        """Whether a body that is about to come should be written; asked once for each."""
        return not self._health.is_ill and self._quota.admits(key, size_bytes)

    async def make_room(self, size_bytes: int) -> bool:
        """Reserve; evicts what the policy names until quota and disk allow it. False when they cannot, or the disk is ill."""
        async with self._making_room:  # one by one: what a victim leaves over is nobody's before its body is deleted
            victims = await self._quota.reserve(size_bytes) if self._is_there() else None
            if victims:
                await self._drop(victims, "evict", Cause.EVICTED)
                await self._sweeper.drain()
            return victims is not None

    def _is_there(self) -> bool:
        """Whether the disk can be used. One that was taken away is no reason to forget what stands on it."""
        try:
            self.bodies.find_again()
        except Unavailable as exc:
            self.failed("open", exc)
        return not self._health.is_ill

    def give_back(self, size_bytes: int) -> None:
        """The opposite of `make_room`."""
        self._quota.give_back(size_bytes)

    # --- changing

    async def publish(self, entry: Entry, temp: Temp, room: Reservation) -> bool:
        """Store a complete body under its entry; False, and nothing stored, when the disk refuses.

        Asks the worker before the first await: a caller that just looked whether the key was purged may rely on it.
        """
        room.release()
        if self._health.is_ill:  # and soon read anew: nobody would know of what came in between
            return False
        hot_until = self._settled(entry)
        self._quota.policy.insert(entry.key, entry.size_bytes)
        self._memory.leave(entry.key)
        surplus = self.variants.add(entry.key, entry.selector)
        self._verification.leave(entry.key)
        try:
            await self._worker.run(self._disk.publish, entry, temp, hot_until)
        except (Unavailable, StorageFull) as exc:
            self.failed("publish", exc)
            await self._drop([entry.key], "publish", Cause.UNCACHEABLE)
            return False
        self._told()
        if surplus:
            await self._drop(surplus, "variants", Cause.EVICTED)
        return True

    def keep_small(self, entry: Entry, data: bytes) -> bool:
        """Store a complete response in memory alone; False when it is too large, a variant, or should replace one on disk."""
        if entry.selector or entry.key in self._quota.policy or not self._memory.takes(len(data)):
            return False
        self._memory.keep(replace(entry, body=secrets.token_hex(16)), data, alone=True)
        return True

    async def update(self, entry: Entry, *, expected: Entry | None = None) -> None:
        """Replace the record of a stored body, after a 304. No effect when the key is gone, or its record not `expected`."""
        if self._memory.replace(entry) or entry.key not in self._quota.policy:
            return
        hot_until = self._settled(entry)
        try:
            if not await self._worker.run(self._disk.update, entry, hot_until, expected) and hot_until is not None:
                await self.unlink([entry.key])  # what stands there instead is linked at its next change
        except (Unavailable, StorageFull) as exc:
            self.failed("update", exc)

    def _settled(self, entry: Entry) -> float | None:
        """Until when the entry stands in the hot tree, which knows of it now. Whatever was at hand is not any more."""
        hot_until = entry.life.fresh_until if is_hot(entry, marks=self.marks, now=self._clock()) else None
        self._hot.settle(entry.key, hot_until)
        self._records.changed([entry.key])
        self._newest_asked = max(self._newest_asked, entry.requested_at)
        return hot_until

    async def discard(self, temp: Temp) -> None:
        """Delete an unfinished body."""
        await self._worker.run(self.bodies.discard, temp)

    async def drop(self, entry: Entry, cause: Cause = Cause.EVICTED) -> None:
        """Forget one entry, with its slices: its body is not there, or (UNCACHEABLE) the origin has something else now.

        In the first case no effect on another body that stands there by now.
        """
        if cause is not Cause.EVICTED or (self._is_there() and await self._is_still(entry)):
            await self._drop([entry.key, *filter(self.has, entry.slice_keys)], "drop", cause)

    async def _is_still(self, entry: Entry) -> bool:
        try:
            return await self._records.has_still(entry)
        except Unavailable as exc:
            self.failed("lookup", exc)
            return False

    def is_current(self, entry: Entry) -> bool:
        """Whether the entry was looked up a moment ago and nothing happened to its key since."""
        return self._records.latest(entry.key) == entry

    async def drop_slices(self, head: Entry) -> None:
        """Forget the slices of an object that has become another."""
        keys = [key for key in head.slice_keys if self.has(key)]
        if keys:
            await self._drop(keys, "drop", Cause.UNCACHEABLE)

    # --- forgetting

    async def forget(self, order: PurgeOrder) -> int:
        """Apply a purge order; gives the number of entries it meant. Raises Unavailable: then ask again."""
        if order.kind == "all":
            count = len(self._quota.policy)
            if order.soft:
                await self._mark(replace(self.marks, stale_before=self._now_or_later()))
                return count
            await self._clear_hot()
        alone = self._memory.meant(order)
        for key in alone:
            self.causes.note(key, Cause.PURGED)
            self._memory.leave(key)
        count = len(alone) + await self._forgetting.carry_out(order)
        if order.kind == "all":
            await asyncio.to_thread(self.bodies.empty_trash)  # last: nobody is served from there
        return count

    async def count(self, order: PurgeOrder) -> int:
        """How many entries an order would mean, now. Raises Unavailable."""
        return len(self._quota.policy) if order.kind == "all" else await self._forgetting.count(order)

    async def page(self, order: PurgeOrder, after: Any, length: int) -> tuple[list[Key], Any]:
        """Some of the keys that an order means; see `Index.meant`."""
        return await self._worker.run(self._disk.meant, order, after, length)

    async def unlink(self, keys: Collection[Key]) -> None:
        """Take keys out of the hot tree. Raises Unavailable."""
        for key in keys:
            self._hot.leave(key)
        await self._worker.run(self._disk.unlink, keys)

    async def drop_purged(self, keys: list[Key]) -> None:
        """Forget entries by order. Raises Unavailable."""
        await self._drop(keys, "purge", Cause.PURGED, raising=True)

    async def soften(self, keys: list[Key], at: float) -> None:
        """Entries that were asked for until `at` are stale. Raises Unavailable."""
        self._records.changed(keys)
        for key in keys:
            self._hot.leave(key)
        await self._worker.run(self._disk.soften, keys, at)

    async def lapse(self) -> None:
        """Purge orders were missed: nothing is served any more before it was validated."""
        await self._mark(replace(self.marks, validate_before=self._now_or_later()))

    def _now_or_later(self) -> float:
        """The time of an order: all that is stored was asked for until then, even if the clock was put back since."""
        return max(self._clock(), self._newest_asked)

    async def _mark(self, marks: Marks) -> None:
        self.marks = marks
        self._records.changed([])
        await self._clear_hot()  # first: it needs no space on the disk, and nginx asks nobody
        await self._worker.run(self._disk.mark, marks)
        await asyncio.to_thread(self.bodies.empty_trash)

    async def position(self) -> int:
        """How far the purge log was applied."""
        return await self._worker.run(self._disk.position)

    async def remember_position(self, position: int) -> None:
        """Keep `position` across restarts. Raises Unavailable."""
        await self._worker.run(self._disk.remember_position, position)

    # --- the hot tree

    async def _clear_hot(self) -> None:
        self._hot.clear()
        await self._worker.run(self.bodies.clear_hot)
        self._told()

    async def _expired(self, key: Key) -> None:
        try:
            await self._worker.run(self.bodies.unlink_hot, key)
        except Unavailable as exc:
            self.failed("hot", exc)

    async def _unlink_strangers(self, keys: Collection[Key]) -> None:
        await self._worker.run(self._disk.unlink_strangers, keys)

    async def _relink(self, keys: Collection[Key]) -> None:
        await self._worker.run(self._disk.relink, keys)

    # --- verification

    async def _verified(self, entry: Entry) -> Entry | None:
        """The entry if its body has the bytes that were written; from then on nginx may serve it."""
        intact = await self._verification.holds(entry)
        if intact is False:
            await self.drop(entry)
        if not intact:
            return None
        stored = self._records.latest(entry.key)
        if stored is None or stored.body != entry.body:
            return await self.at(entry.key)  # another one came meanwhile
        try:
            if self._settled(entry) is not None:
                await self._relink([entry.key])
        except Unavailable as exc:
            self.failed("hot", exc)
        return entry

    async def _visit(self, key: Key) -> int:
        entry = await self.at(key)
        return entry.size_bytes if entry is not None else 0

    async def _trust(self, entries: list[int]) -> None:
        await self._worker.run(self._disk.trust, entries)

    # --- dropping

    async def _drop(self, keys: list[Key], action: str, cause: Cause, *, raising: bool = False) -> None:
        """Forget in the index, and in the hot tree before; bodies go behind our back."""
        self._records.changed(keys)
        for key in keys:
            self.causes.note(key, cause)
            self._memory.leave(key)
            self.variants.remove(key)
            self._verification.leave(key)
            self._hot.leave(key)
        try:
            with self._quota.leaving(keys):
                await self._worker.run(self._disk.drop, keys)
            await self._sweeper.drain_few()
        except (Unavailable, StorageFull) as exc:
            self.failed(action, exc)
            if raising:
                raise
        self._told()

    def _told(self) -> None:
        self._metrics.stored_bytes.set(self._quota.policy.size_bytes)
        self._metrics.stored_entries.set(len(self._quota.policy))
        self._metrics.hot_entries.set(len(self._hot))

    def failed(self, action: str, exc: PlayNetError) -> None:
        """Count and log a refusal of the disk or the index."""
        self._metrics.storage_failures.labels(action).inc()
        log.error("store.failed", action=action, reason=str(exc), **exc.context)
        self._health.refused(exc)

    def _unlinked(self, exc: PlayNetError) -> None:
        """A link could not be made, which need not be the disk's fault. Any thread."""
        self._metrics.storage_failures.labels("hot").inc()
        log.error("store.failed", action="hot", reason=str(exc), **exc.context)
