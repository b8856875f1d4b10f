"""Bodies that no entry names any more: deleted behind everybody's back, in a thread of their own, some at a time."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final

from edge.adapters.metrics import Metrics
from playnet.errors import Unavailable

from .bodies import Bodies
from .index import Left

_BATCH: Final = 200
_FEW: Final = 64


class Sweeper:
    """They still take room on the disk: `size_bytes` of it. A crash leaves them to the next start."""

    def __init__(self, bodies: Bodies, metrics: Metrics) -> None:
        self._bodies = bodies
        self._waiting = metrics.queue_depth.labels("sweep")
        self._loop = asyncio.get_running_loop()
        self._left: deque[Left] = deque()
        self._came = asyncio.Event()
        self._turn = asyncio.Lock()
        self.size_bytes = 0

    def add(self, left: Iterable[Left]) -> None:
        """These may go."""
        for item in left:
            self._left.append(item)
            self.size_bytes += item.size_bytes
            self._waiting.inc()
        self._came.set()

    def told(self, left: list[Left]) -> None:
        """As `add`, from any thread: who asked for the deletion may have left meanwhile."""
        self._loop.call_soon_threadsafe(self.add, left)

    async def drain_few(self) -> None:
        """Delete what there is if that is quick, so that who forgets one object finds it gone."""
        if len(self._left) <= _FEW:
            await self.drain()

    async def drain(self) -> None:
        """Delete all there are, and wait for those that are being deleted: they hold room."""
        while self._left or self._turn.locked():
            async with self._turn:
                await self._some()

    async def run(self) -> None:
        """Delete what comes. Runs for ever."""
        while True:
            await self._came.wait()
            self._came.clear()
            await self.drain()

    async def _some(self) -> None:
        batch = [self._left.popleft() for _ in range(min(_BATCH, len(self._left)))]
        if not batch:
            return
        try:
            await asyncio.to_thread(_remove, self._bodies, [item.body for item in batch])
        finally:
            self.size_bytes -= sum(item.size_bytes for item in batch)
            self._waiting.dec(len(batch))


def _remove(bodies: Bodies, names: list[str]) -> None:
    for name in names:
        try:
            bodies.remove(name)
        except Unavailable:  # the disk is ill, and what stands there will be an orphan of the next start
            return
