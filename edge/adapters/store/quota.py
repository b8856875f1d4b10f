"""Room: what the node may hold, who leaves when it is full, and what is written at all. No disk is touched here."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from edge.adapters.metrics import Metrics
from edge.core.admission import Admission
from edge.core.eviction import Policy
from edge.core.key import Key
from edge.core.room import Room

from .bodies import Bodies
from .reservation import Limits
from .sweeper import Sweeper

_MEAN_BYTES: Final = 16 << 10  # of an entry, at least: an index of empty answers would fill memory, never the quota
_FREE_ENTRIES: Final = 1 << 16  # however small they are


class Quota:
    """`policy` is empty at first and knows all keys that are stored."""

    def __init__(
        self, policy: Policy, admission: Admission, limits: Limits, bodies: Bodies, sweeper: Sweeper, metrics: Metrics
    ) -> None:
        self.policy = policy
        self._admission, self._limits, self._bodies, self._sweeper = admission, limits, bodies, sweeper
        self._metrics = metrics
        self._reserved_bytes = self._leaving_bytes = 0
        self._leaving: set[asyncio.Future[None]] = set()
        self._most_entries = max(limits.quota_bytes // _MEAN_BYTES, _FREE_ENTRIES)
        metrics.quota_bytes.set(limits.quota_bytes)

    def replace(self, sizes: dict[Key, int]) -> None:
        """What is stored at a start, oldest first."""
        while self.policy.evict() is not None:
            pass
        for key, size_bytes in sizes.items():
            self.policy.insert(key, size_bytes)

    def admits(self, key: Key, size_bytes: int) -> bool:
        """Whether a body that is about to come should be written; asked once for each."""
        if key in self.policy:
            return True
        is_full = self._excess(size_bytes) != 0
        admitted = self._admission.admits(key, is_full=is_full, held=len(self.policy))
        if not admitted:
            self._metrics.passed_by.inc()
        return admitted

    async def reserve(self, size_bytes: int) -> list[Key] | None:
        """Hold room, and name those who must leave for it; None, and nothing held, when all of them would not do."""
        if self._excess(size_bytes) and (self._leaving or self._sweeper.size_bytes):
            if self._leaving:
                await asyncio.wait(self._leaving)
            await self._sweeper.drain()  # rather than evict for bodies that are going anyway
        excess = self._excess(size_bytes)
        if excess is None:
            self._metrics.refusals.inc()
            return None
        kept_bytes = self.policy.size_bytes - excess
        victims: list[Key] = []
        while self.policy.size_bytes > kept_bytes or len(self.policy) >= self._most_entries:
            victim = self.policy.evict()
            if victim is None:
                break
            victims.append(victim)
        self._reserved_bytes += size_bytes
        self._metrics.evictions.inc(len(victims))
        return victims

    def give_back(self, size_bytes: int) -> None:
        """The opposite of `reserve`."""
        self._reserved_bytes -= size_bytes

    @contextmanager
    def leaving(self, keys: list[Key]) -> Iterator[None]:
        """These are dropped; until the block ends their bytes stand on the disk, and then the sweeper knows of them."""
        before = self.policy.size_bytes
        for key in keys:
            self.policy.remove(key)
        left_bytes = before - self.policy.size_bytes
        self._leaving_bytes += left_bytes
        gone = asyncio.get_running_loop().create_future()
        self._leaving.add(gone)
        try:
            yield
        finally:
            self._leaving_bytes -= left_bytes
            self._leaving.discard(gone)
            gone.set_result(None)

    def _excess(self, size_bytes: int) -> int | None:
        free_bytes = self._bodies.free_bytes()
        if free_bytes is None:
            return None  # a disk that went away must not cost what stands on it
        room = Room(
            self._limits.quota_bytes,
            self.policy.size_bytes,
            self._reserved_bytes + self._leaving_bytes + self._sweeper.size_bytes,
            free_bytes,
            self._limits.spare_bytes,
        )
        return room.excess(size_bytes)
