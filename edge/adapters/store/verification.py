"""Whether a body still has the bytes that were written: asked after a power loss, of each body before its first use.

Bodies are not synced to the disk (docs/decisions/edge-durability.md): after `kill -9` the page cache has them, after a
power loss nobody knows. A checksum was taken while the body arrived; it is read back before anything is served.
"""

import asyncio
import os
import zlib
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from edge.adapters.metrics import Metrics
from edge.core.entry import Entry
from edge.core.key import Key
from playnet.errors import Unavailable
from playnet.logs import logger

from .bodies import Bodies

log = logger(__name__)

_THREADS: Final = 2
_READ_BYTES: Final = 1 << 20
_PATIENCE_S: Final = 10.0  # of a viewer whose body is being verified; then the origin is asked
_PACE_BYTES_S: Final = 64 << 20  # of verification in the background: a disk with viewers has other work
_BATCH: Final = 64


class Verification:
    """Knows which bodies are to be verified. `trust` notes numbers of entries whose bodies are right."""

    def __init__(self, bodies: Bodies, metrics: Metrics, trust: Callable[[list[int]], Awaitable[None]]) -> None:
        self._bodies, self._metrics, self._trust = bodies, metrics, trust
        self._unverified: dict[Key, int] = {}
        self._reading: dict[Key, asyncio.Future[bool]] = {}  # until somebody has heard the result
        self._verified: list[int] = []
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="edge-verify")

    def __contains__(self, key: object) -> bool:
        return key in self._unverified

    def close(self) -> None:
        """Wait for what is being read."""
        self._threads.shutdown(cancel_futures=True)

    def replace(self, unverified: Iterable[tuple[Key, int]]) -> None:
        """Keys and numbers of the entries whose bodies nobody knows about."""
        self._unverified = dict(unverified)
        self._reading.clear()
        self._metrics.unverified_entries.set(len(self._unverified))

    def leave(self, key: Key) -> None:
        """The key has another body now, or none."""
        self._reading.pop(key, None)
        if self._unverified.pop(key, None) is not None:
            self._metrics.unverified_entries.set(len(self._unverified))

    async def holds(self, entry: Entry) -> bool | None:
        """Whether the entry's body may be served; None: nobody knows in time. However many ask, it is read once."""
        if entry.key not in self._unverified:
            return True
        reading = self._reading.get(entry.key)
        if reading is None:
            reading = asyncio.wrap_future(self._threads.submit(is_intact, self._bodies, entry))
            self._reading[entry.key] = reading
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                intact = await asyncio.shield(reading)
                self._settle(entry, intact)
                return intact
        return None

    def _settle(self, entry: Entry, intact: bool) -> None:
        number = self._unverified.get(entry.key)
        if number is None:
            return
        self.leave(entry.key)
        if intact:
            self._verified.append(number)
        else:
            self._metrics.damaged.inc()
            log.error("store.damaged", key=entry.key, body=entry.body, size_bytes=entry.size_bytes)

    async def flush(self) -> None:
        """Note what was verified, so that it need not be once more after a crash."""
        verified, self._verified = self._verified, []
        if verified:
            await self._trust(verified)

    async def run(self, visit: Callable[[Key], Awaitable[int]]) -> None:
        """Verify everything, newest first, at a pace. `visit` looks an entry up, as a viewer would, and gives its size."""
        for key in list(reversed(self._unverified)):
            size_bytes = await visit(key) if key in self._unverified else 0
            if (reading := self._reading.get(key)) is not None:  # a large one, on a slow disk
                await asyncio.wait([reading])
                size_bytes = await visit(key)
            await asyncio.sleep(size_bytes / _PACE_BYTES_S)
            if len(self._verified) >= _BATCH:
                await self.flush()
        await self.flush()


def is_intact(bodies: Bodies, entry: Entry) -> bool:
    """Read a body and compare size and checksum. Blocking."""
    try:
        fd = bodies.open(entry.body)
    except Unavailable:
        return False
    if fd is None:
        return False
    try:
        size_bytes, checksum = 0, 0
        while chunk := os.read(fd, _READ_BYTES):
            size_bytes += len(chunk)
            checksum = zlib.crc32(chunk, checksum)
    except OSError:
        return False
    finally:
        os.close(fd)
    return (size_bytes, checksum) == (entry.size_bytes, entry.checksum)
