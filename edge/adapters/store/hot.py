"""The hot tree as the event loop knows it: which keys stand in it, and until when. The links are `Bodies`' concern.

A link is always derived from the index: it is taken away before a record changes and made after it, so that a crash at
any instant leaves links missing, never wrong. What is missing after a start is made again in the background.
"""

import asyncio
import heapq
import os
from collections.abc import Awaitable, Callable, Collection, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from edge.adapters.metrics import Metrics
from edge.core.key import Key
from edge.core.variants import primary_of

from .bodies import Bodies

_HEAP_SLACK: Final = 1024
_LONGEST_S: Final = 3600.0
_SHORTEST_S: Final = 0.01
_LOOKED_AT: Final = 500  # links at a time

Clock = Callable[[], float]


class HotTree:
    """Which keys nginx serves alone. `Store` says which, and makes the links."""

    def __init__(self, bodies: Bodies, metrics: Metrics, clock: Clock) -> None:
        self._bodies, self._metrics, self._clock = bodies, metrics, clock
        self._until: dict[Key, float] = {}
        self._ends: list[tuple[float, Key]] = []
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, key: object) -> bool:
        return key in self._until

    def replace(self, until: dict[Key, float]) -> None:
        """The keys that stand in it at the start."""
        self._until = dict(until)
        self._rebuild()
        self._changed.set()

    def settle(self, key: Key, until: float | None) -> None:
        """A new record: its key stands here until then, or not at all. A variant takes its primary out: nginx cannot choose."""
        if until is None:
            self.leave(primary_of(key))
            return
        self._until[key] = until
        if len(self._ends) > 2 * len(self._until) + _HEAP_SLACK:  # mostly of entries that left before their end
            self._rebuild()
        else:
            heapq.heappush(self._ends, (until, key))
        self._changed.set()

    def leave(self, key: Key) -> None:
        """The key is served by nginx no more."""
        self._until.pop(key, None)

    def clear(self) -> None:
        """Nothing is."""
        self._until.clear()
        self._ends.clear()

    def _rebuild(self) -> None:
        self._ends = [(until, key) for key, until in self._until.items()]
        heapq.heapify(self._ends)

    async def expire(self, unlink: Callable[[Key], Awaitable[None]]) -> None:
        """Take entries out when they stop being fresh. Runs for ever."""
        while True:
            while self._ends and self._ends[0][0] <= self._clock():
                until, key = heapq.heappop(self._ends)
                if self._until.get(key) == until:
                    del self._until[key]
                    await unlink(key)
            self._metrics.hot_entries.set(len(self._until))
            self._changed.clear()
            wait_s = min(self._ends[0][0] - self._clock(), _LONGEST_S) if self._ends else _LONGEST_S
            try:
                async with asyncio.timeout(max(wait_s, _SHORTEST_S)):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def reconcile(
        self, unlink: Callable[[Collection[Key]], Awaitable[None]], relink: Callable[[Collection[Key]], Awaitable[None]]
    ) -> None:
        """Once after a start: take away links of unknown keys, make those that are missing, some at a time."""
        standing: set[Key] = set()
        walk = chain(_keys(self._bodies.hot), _keys(self._bodies.sealed))
        while found := await asyncio.to_thread(lambda: list(islice(walk, _LOOKED_AT))):
            standing.update(found)
            if strangers := [key for key in found if key not in self._until]:
                await unlink(strangers)
        missing = [key for key in self._until if key not in standing]
        for start in range(0, len(missing), _LOOKED_AT):
            await relink(missing[start : start + _LOOKED_AT])


def _keys(root: Path) -> Iterator[Key]:
    """Keys of the links. Folders that go meanwhile are passed over."""
    for folder, _, names in os.walk(root):
        for name in names:
            yield Key(f"/{Path(folder, name).relative_to(root)}")
