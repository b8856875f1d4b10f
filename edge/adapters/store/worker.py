"""The one thread that changes the disk: jobs run in the order in which the event loop asked for them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from edge.adapters.metrics import Metrics
from playnet.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_DEADLINE_S: Final = 10.0  # for a job and all that waits before it; a healthy disk needs milliseconds


class Worker:
    """Made on the event loop, closed by `close`."""

    def __init__(self, metrics: Metrics) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="edge-store")
        self._waiting = metrics.queue_depth.labels("store")

    def close(self) -> None:
        """Finish what was asked for."""
        self._thread.shutdown()

    async def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A short job; a cancelled caller does not stop it. Raises Unavailable when the disk does not answer in time."""
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await self.run_long(job, *args, **kwargs)
        except TimeoutError as exc:
            raise Unavailable("the cache's disk does not answer", cause=f"no answer in {_DEADLINE_S:.0f} s") from exc

    async def run_long(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A job of the start, that may take as long as it needs."""
        future = self._thread.submit(job, *args, **kwargs)
        self._waiting.inc()
        future.add_done_callback(lambda _: self._waiting.dec())
        return await asyncio.shield(asyncio.wrap_future(future))
