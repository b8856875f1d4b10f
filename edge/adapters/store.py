"""The store of one node: index, bodies, hot tree and quota as one thing.

All changes of the disk run in one worker thread, in the order in which the event loop asked for them. That order is
what makes purges right: whatever was published before a purge was asked for is there when the purge runs, and
whatever comes after it was allowed by somebody who knew of the purge.
"""

import asyncio
import heapq
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from edge.core.causes import Cause, Causes, Refusals
from edge.core.decide import Marks
from edge.core.entry import Entry
from edge.core.eviction import Policy
from edge.core.hot import is_hot
from edge.core.key import Key
from edge.core.room import Room
from edge.core.variants import Variants, primary_of
from playnet.errors import PlayNetError, StorageFull, Unavailable
from playnet.http.fields import Fields
from playnet.logs import logger
from playnet.purge.order import PurgeOrder

from .bodies import Bodies, Temp
from .index import Index
from .metrics import Metrics
from .recovery import recover
from .reservation import Limits, Reservation

log = logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_MEMORY_ENTRIES: Final = 4096  # parsed entries kept at hand, about 3 KiB each
_HEAP_SLACK: Final = 1024
_POSITION: Final = "purge-position"
_STALE_BEFORE: Final = "stale-before"
_VALIDATE_BEFORE: Final = "validate-before"

Clock = Callable[[], float]


class Store:
    """Made by `open`, closed by `close`. Methods run on the event loop."""

    def __init__(
        self,
        worker: ThreadPoolExecutor,
        bodies: Bodies,
        policy: Policy,
        limits: Limits,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self.bodies = bodies
        self.marks = Marks()
        self.causes, self.refusals = Causes(), Refusals()
        self._worker, self._metrics, self._clock = worker, metrics, clock
        self._quota_bytes, self._spare_bytes = limits.quota_bytes, limits.spare_bytes
        self._index: Index
        self._policy = policy
        self._reserved_bytes = 0
        self.variants = Variants()
        self._memory: OrderedDict[Key, Entry] = OrderedDict()
        self._changes = 0  # counts what was asked of the worker: an entry read before a change is not remembered
        self._hot: dict[Key, float] = {}
        self._hot_ends: list[tuple[float, Key]] = []
        self._hot_changed = asyncio.Event()

    @classmethod
    async def open(cls, folder: Path, *, policy: Policy, limits: Limits, metrics: Metrics, clock: Clock) -> "Store":
        """Open or create the store and bring it to agree with itself. `policy` is empty. Raises StartupFailed, Unavailable."""
        bodies = Bodies(folder)
        bodies.lock()
        worker = ThreadPoolExecutor(1, thread_name_prefix="edge-store")
        store = cls(worker, bodies, policy, limits, metrics, clock)
        try:
            await store._run(store._recover, folder / "index")
        except PlayNetError:
            worker.shutdown()
            bodies.unlock()
            raise
        metrics.quota_bytes.set(limits.quota_bytes)
        await store.make_room(0)
        store._told()
        return store

    async def close(self) -> None:
        """Let the worker finish, close the index."""
        await self._run(self._index.close)
        self._worker.shutdown()
        self.bodies.unlock()

    def _recover(self, folder: Path) -> None:
        self._index = Index.opened(folder)
        self.marks = Marks(self._index.number(_STALE_BEFORE) or 0, self._index.number(_VALIDATE_BEFORE) or 0)
        found = recover(self._index, self.bodies, marks=self.marks, now=self._clock())
        for key, size_bytes in found.sizes.items():
            self._policy.insert(key, size_bytes)
        for key, selector in found.selectors.items():
            self.variants.add(key, selector)
        self._hot = dict(found.hot)
        self._hot_ends = [(until, key) for key, until in found.hot.items()]
        heapq.heapify(self._hot_ends)
        log.info(
            "store.recovered",
            entries=len(found.sizes),
            hot=len(found.hot),
            dropped=found.dropped,
            orphans=found.orphans,
        )

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
        """What is stored in exactly this place: a key, or `KEY#…` of a variant or slice."""
        if key not in self._policy:
            return None
        entry = self._memory.get(key)
        if entry is not None:
            self._memory.move_to_end(key)
            return entry
        changes = self._changes
        try:
            entry = await self._run(self._index.get, key)
        except Unavailable as exc:
            self.failed("lookup", exc)
            return None
        if entry is not None and changes == self._changes:
            self._memory[key] = entry
            if len(self._memory) > _MEMORY_ENTRIES:
                self._memory.popitem(last=False)
        return entry

    async def all_of(self, key: Key) -> list[Entry]:
        """Everything that is stored under a key that viewers ask for. Raises Unavailable."""
        return [entry for place in await self._run(self._index.keys_of, key) if (entry := await self.at(place))]

    def is_linked(self, key: Key) -> bool:
        """Whether nginx finds the key in the hot tree."""
        return key in self._hot

    def hit(self, key: Key) -> None:
        """The entry was used, by the brain or by nginx."""
        self._policy.hit(key)

    # --- room

    def reservation(self) -> Reservation:
        """Room for a body, empty at first."""
        return Reservation(self)

    async def make_room(self, size_bytes: int) -> bool:
        """Reserve; evicts what the policy names until quota and disk allow it. False when they cannot."""
        room = Room(
            self._quota_bytes,
            self._policy.size_bytes,
            self._reserved_bytes,
            self.bodies.free_bytes(),
            self._spare_bytes,
        )
        excess = room.excess(size_bytes)
        if excess is None:
            self._metrics.refusals.inc()
            return False
        kept_bytes = self._policy.size_bytes - excess
        victims: list[Key] = []
        while self._policy.size_bytes > kept_bytes and (victim := self._policy.evict()) is not None:
            victims.append(victim)
        self._reserved_bytes += size_bytes
        if victims:
            self._metrics.evictions.inc(len(victims))
            await self._drop(victims, "evict", Cause.EVICTED)
        return True

    def give_back(self, size_bytes: int) -> None:
        """The opposite of `make_room`."""
        self._reserved_bytes -= size_bytes

    # --- changing

    async def publish(self, entry: Entry, temp: Temp, room: Reservation) -> bool:
        """Store a complete body under its entry; False, and nothing stored, when the disk refuses.

        Asks the worker before the first await: a caller that just looked whether the key was purged may rely on it.
        """
        hot = self._settle(entry)
        room.release()
        self._policy.insert(entry.key, entry.size_bytes)
        surplus = self.variants.add(entry.key, entry.selector)
        self._changed([entry.key])
        try:
            await self._run(self._publish, entry, temp, hot)
        except (Unavailable, StorageFull) as exc:
            self.failed("publish", exc)
            await self._drop([entry.key], "publish", Cause.UNCACHEABLE)
            return False
        self._told()
        if surplus:
            await self._drop(surplus, "variants", Cause.EVICTED)
        return True

    def _publish(self, entry: Entry, temp: Temp, hot: bool) -> None:
        replaced = self._index.get(entry.key)
        self.bodies.publish(temp, entry.modified_s)
        try:
            self._index.put(entry)
        except Unavailable:
            self.bodies.remove(entry.body)
            raise
        self._link(entry, hot)
        if replaced is not None and replaced.body != entry.body:
            self.bodies.remove(replaced.body)

    async def update(self, entry: Entry, *, raising: bool = False) -> None:
        """Replace the record of a stored body: after a 304, or a soft purge. No effect when the key is gone."""
        if entry.key not in self._policy:
            return
        hot = self._settle(entry)
        self._changed([entry.key])
        try:
            await self._run(self._update, entry, hot)
        except (Unavailable, StorageFull) as exc:
            self.failed("update", exc)
            if raising:
                raise

    def _update(self, entry: Entry, hot: bool) -> None:
        stored = self._index.get(entry.key)
        if stored is not None and stored.body == entry.body:
            self._index.put(entry)
            self._link(entry, hot)

    async def discard(self, temp: Temp) -> None:
        """Delete an unfinished body."""
        await self._run(self.bodies.discard, temp)

    async def drop(self, entry: Entry, cause: Cause = Cause.EVICTED) -> None:
        """Forget one entry: its body is not there, or (UNCACHEABLE) the origin has something else now."""
        await self._drop([entry.key], "drop", cause)

    # --- forgetting

    async def forget(self, order: PurgeOrder) -> int:
        """Apply a purge order; gives the number of entries it meant. Raises Unavailable: then ask again."""
        if order.kind == "all":
            return await self._forget_all(soft=order.soft)
        keys = await self._run(self._meant, order)
        if order.soft:
            await self._soften(keys)
        else:
            await self._drop(keys, "purge", Cause.PURGED, raising=True)
        return len(keys)

    def _meant(self, order: PurgeOrder) -> list[Key]:
        if order.kind == "tag":
            return self._index.keys_tagged(order.value)
        return self._index.keys_below(order.value) if order.kind == "prefix" else self._index.keys_of(Key(order.value))

    async def _soften(self, keys: Iterable[Key]) -> None:
        now = self._clock()
        for key in keys:
            entry = await self._run(self._index.get, key)
            if entry is not None:
                await self.update(replace(entry, soft_purged_at=now), raising=True)

    async def _forget_all(self, *, soft: bool) -> int:
        count = len(self._policy)
        if soft:
            await self._mark(replace(self.marks, stale_before=self._clock()))
            return count
        keys = await self._run(self._index.keys_below, "/")
        await self._clear_hot()
        await self._drop(keys, "purge", Cause.PURGED, raising=True)
        return count

    async def lapse(self) -> None:
        """Purge orders were missed: nothing is served any more before it was validated."""
        await self._mark(replace(self.marks, validate_before=self._clock()))

    async def _mark(self, marks: Marks) -> None:
        self.marks = marks
        self._changes += 1
        await self._clear_hot()  # first: it needs no space on the disk, and nginx asks nobody
        await self._run(self._index.remember, _STALE_BEFORE, marks.stale_before)
        await self._run(self._index.remember, _VALIDATE_BEFORE, marks.validate_before)

    async def position(self) -> int:
        """How far the purge log was applied."""
        return int(await self._run(self._index.number, _POSITION) or 0)

    async def remember_position(self, position: int) -> None:
        """Keep `position` across restarts. Raises Unavailable."""
        await self._run(self._index.remember, _POSITION, position)

    # --- the hot tree

    async def expire_hot(self) -> None:
        """Take entries out of the hot tree when they stop being fresh. Runs for ever."""
        while True:
            while self._hot_ends and self._hot_ends[0][0] <= self._clock():
                until, key = heapq.heappop(self._hot_ends)
                if self._hot.get(key) == until:
                    del self._hot[key]
                    await self._unlinked(key)
            self._hot_changed.clear()
            wait_s = min(self._hot_ends[0][0] - self._clock(), 3600.0) if self._hot_ends else 3600.0
            try:
                async with asyncio.timeout(max(wait_s, 0.01)):
                    await self._hot_changed.wait()
            except TimeoutError:
                continue

    async def _unlinked(self, key: Key) -> None:
        try:
            await self._run(self.bodies.unlink_hot, key)
        except Unavailable as exc:
            self.failed("hot", exc)

    async def _clear_hot(self) -> None:
        self._hot.clear()
        self._hot_ends.clear()
        await self._run(self.bodies.clear_hot)
        self._told()

    def _settle(self, entry: Entry) -> bool:
        """Whether the entry goes into the hot tree; remembers until when."""
        if not is_hot(entry, marks=self.marks, now=self._clock()):
            self._hot.pop(primary_of(entry.key), None)
            return False
        self._hot[entry.key] = entry.life.fresh_until
        if len(self._hot_ends) > 2 * len(self._hot) + _HEAP_SLACK:  # mostly of entries that left before their end
            self._hot_ends = [(until, key) for key, until in self._hot.items()]
            heapq.heapify(self._hot_ends)
        else:
            heapq.heappush(self._hot_ends, (entry.life.fresh_until, entry.key))
        self._hot_changed.set()
        return True

    def _link(self, entry: Entry, hot: bool) -> None:
        if hot:
            try:
                self.bodies.link_hot(entry.key, entry.body)
            except (Unavailable, StorageFull) as exc:  # another key's folder stands there, or the disk is full
                self.failed("hot", exc)
                self.bodies.unlink_hot(entry.key)
        else:
            self.bodies.unlink_hot(primary_of(entry.key))  # also when a variant came: nginx cannot choose among them

    # --- the worker

    async def _drop(self, keys: list[Key], action: str, cause: Cause, *, raising: bool = False) -> None:
        self._changed(keys)
        for key in keys:
            self.causes.note(key, cause)
            self._policy.remove(key)
            self.variants.remove(key)
            self._hot.pop(key, None)
        try:
            await self._run(self._drop_files, keys)
        except (Unavailable, StorageFull) as exc:
            self.failed(action, exc)
            if raising:
                raise
        self._told()

    def _drop_files(self, keys: list[Key]) -> None:
        for key in keys:
            self.bodies.unlink_hot(key)
        for entry in self._index.drop(keys):
            self.bodies.remove(entry.body)

    def _changed(self, keys: Iterable[Key]) -> None:
        self._changes += 1
        for key in keys:
            self._memory.pop(key, None)

    def _told(self) -> None:
        self._metrics.stored_bytes.set(self._policy.size_bytes)
        self._metrics.stored_entries.set(len(self._policy))
        self._metrics.hot_entries.set(len(self._hot))

    def failed(self, action: str, exc: PlayNetError) -> None:
        """Count and log a refusal of the disk or the index. Any thread."""
        self._metrics.storage_failures.labels(action).inc()
        log.error("store.failed", action=action, reason=str(exc), **exc.context)

    async def _run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in the worker; a cancelled caller does not stop it."""
        future = self._worker.submit(job, *args, **kwargs)
        waiting = self._metrics.queue_depth.labels("store")
        waiting.inc()
        future.add_done_callback(lambda _: waiting.dec())
        return await asyncio.shield(asyncio.wrap_future(future))
