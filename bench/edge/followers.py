"""Followers: many viewers ask for one cold object at once, and some more while it is on its way.

The origin thinks for a while and then sends slowly. Told: how long after the first viewer's first byte the others see
theirs, how long latecomers wait for theirs, and how many requests the origin got.
"""

import asyncio
import time
from collections.abc import Iterator
from functools import partial
from typing import Final

from bench.rounds import Sample, interleave

from .bed import VARNISH_FILE, behind_a_line
from .contenders import fetch
from .pacing import paced_path
from .report import Table
from .servers import Server

_VIEWERS: Final = 64
_LATE: Final = 16
_LATE_AFTER_S: Final = 0.5
_DELAY_MS: Final = 200
_SIZE_BYTES: Final = 2 << 20
_BYTES_PER_S: Final = 2 << 20
_DEADLINE_S: Final = 60


def tables(*, rounds: int) -> Iterator[Table]:
    """Viewers who came together, and latecomers."""
    with behind_a_line() as (origin, caches):
        for note, take in (("with the first", 0), ("half a second later", 1)):
            runs = {one.name: partial(_measure, one.server, origin, take) for one in caches if one.name != VARNISH_FILE}
            figures, steal = interleave(runs, rounds=rounds)
            yield Table(
                kind="followers", size_bytes=_SIZE_BYTES, connections=_VIEWERS, cost="ms behind, slowest",
                rate="origin requests", peer=next(iter(figures)), steal=steal, rows=figures, note=note,
            )  # fmt: skip


def _measure(server: Server, origin: Server, take: int) -> Sample:
    """Milliseconds of the slowest follower, and what the origin was asked."""
    path = paced_path(delay_ms=_DELAY_MS, size_bytes=_SIZE_BYTES, bytes_per_s=_BYTES_PER_S)
    before = _asked(origin)
    together, late = asyncio.run(_watch(server.port, path))
    behind = max(together) - min(together) if take == 0 else max(late)
    return Sample(behind * 1000, _asked(origin) - before)


def _asked(origin: Server) -> int:
    return int(fetch(origin, "/asked").body)


async def _watch(port: int, path: str) -> tuple[list[float], list[float]]:
    """First body byte of each viewer: when, for those who came together; after how long, for latecomers."""
    async with asyncio.timeout(_DEADLINE_S), asyncio.TaskGroup() as group:
        go = asyncio.Event()
        viewers = [group.create_task(_view(port, path, go)) for _ in range(_VIEWERS)]
        go.set()
        await asyncio.sleep(_DELAY_MS / 1000 + _LATE_AFTER_S)
        asked_at = time.monotonic()
        late = [group.create_task(_view(port, path, go)) for _ in range(_LATE)]
    return [one.result() for one in viewers], [one.result() - asked_at for one in late]


async def _view(port: int, path: str, go: asyncio.Event) -> float:
    """GET to the end; gives when the first byte of the body came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    try:
        await go.wait()
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {head!r}")
        await reader.readexactly(1)
        first_at = time.monotonic()
        left = _SIZE_BYTES - 1
        while left > 0:
            chunk = await reader.read(min(left, 1 << 18))
            if not chunk:
                raise RuntimeError(f"{path}: {left} bytes short")
            left -= len(chunk)
        return first_at
    finally:
        writer.close()
