"""Whether the cache's disk works, and how a node comes back when it does again.

A disk that refuses (broken, read-only, taken away, locked) costs viewers nothing: nothing is looked up or stored, every
request goes through to the origin, and the node tries again until it can open everything anew. A full disk is not ill.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from edge.adapters.metrics import Metrics
from playnet.errors import PlayNetError, Unavailable
from playnet.logs import logger

log = logger(__name__)

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 10.0


class Health:
    """Well until told otherwise."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._loop = asyncio.get_running_loop()
        self._noticed = asyncio.Event()
        self.is_ill = False
        metrics.disk_ok.set(1)

    def refused(self, exc: PlayNetError) -> None:
        """The disk or the index refused something. Any thread."""
        if isinstance(exc, Unavailable) and not self.is_ill:
            self.is_ill = True
            self._metrics.disk_ok.set(0)
            log.error("store.ill", reason=str(exc), **exc.context)
            self._loop.call_soon_threadsafe(self._noticed.set)

    async def mend(self, reopen: Callable[[], Awaitable[None]], reopened: Callable[[], None]) -> None:
        """Try `reopen` until it works, whenever the disk fell ill. Runs for ever."""
        while True:
            await self._noticed.wait()
            self._noticed.clear()
            pause_s = _FIRST_PAUSE_S
            while self.is_ill:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                try:
                    await reopen()
                except PlayNetError as exc:
                    log.warning("store.still_ill", reason=str(exc), **exc.context)
                else:
                    self.is_ill = False
                    self._metrics.disk_ok.set(1)
                    log.info("store.well")
                    reopened()
