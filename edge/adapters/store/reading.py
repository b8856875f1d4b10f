"""Reading stored bodies: the next block comes from the disk while the one before is on its way to the viewer.

Blocks grow for viewers who take them at once and shrink for slow ones, of whom a node has many: two blocks are held for
each.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from typing import Final, ParamSpec, TypeVar

from playnet.errors import Unavailable

from .bodies import refused

P = ParamSpec("P")
T = TypeVar("T")

FIRST_BYTES: Final = 256 << 10
_MOST_BYTES: Final = 1 << 20  # docs/decisions/edge-slices.md: larger ones save nothing
_LEAST_BYTES: Final = 64 << 10
_AT_ONCE_S: Final = 0.05


async def blocks(fd: int, first: int, last: int) -> AsyncGenerator[bytes, None]:
    """The bytes from `first` to `last` (included) of a file, which stays open. Raises Unavailable, StorageFull."""
    position, size = first, FIRST_BYTES
    ahead: asyncio.Future[bytes] | None = None
    try:
        while position <= last:
            block = await (ahead or _read(fd, position, last, size))
            ahead = None
            if not block:
                raise Unavailable("a stored body is shorter than its entry says")
            position += len(block)
            if position <= last:
                ahead = _read(fd, position, last, size)
            given_at = time.monotonic()
            yield block
            is_quick = time.monotonic() - given_at < _AT_ONCE_S
            size = min(size * 2, _MOST_BYTES) if is_quick else max(size // 2, _LEAST_BYTES)
    except OSError as exc:
        raise refused(exc) from exc
    finally:
        if ahead is not None:
            await asyncio.wait([ahead])  # it uses the descriptor
            ahead.exception()


def _read(fd: int, position: int, last: int, size: int) -> "asyncio.Future[bytes]":
    loop = asyncio.get_running_loop()
    return loop.run_in_executor(None, os.pread, fd, min(size, last - position + 1), position)


async def in_files(files: Executor, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run in a thread; the job ends before its caller does, also when that is cancelled: it uses a descriptor."""
    future = asyncio.wrap_future(files.submit(job, *args, **kwargs))
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.wait([future])
        raise
