"""Reading stored bodies: large blocks, the next one from the disk while the one before is on its way."""

import asyncio
import os
from collections.abc import AsyncGenerator
from typing import Final

from playnet.errors import Unavailable

from .bodies import refused

BLOCK_BYTES: Final = 512 << 10  # docs/decisions/edge-slices.md: larger ones save nothing, smaller ones cost


async def blocks(fd: int, first: int, last: int) -> AsyncGenerator[bytes, None]:
    """The bytes from `first` to `last` (included) of a file, which stays open. Raises Unavailable, StorageFull."""
    position = first
    ahead: asyncio.Future[bytes] | None = None
    try:
        while position <= last:
            block = await (ahead or _read(fd, position, last))
            ahead = None
            if not block:
                raise Unavailable("a stored body is shorter than its entry says")
            position += len(block)
            if position <= last:
                ahead = _read(fd, position, last)
            yield block
    except OSError as exc:
        raise refused(exc) from exc
    finally:
        if ahead is not None:
            await asyncio.wait([ahead])  # it uses the descriptor
            ahead.exception()


def _read(fd: int, position: int, last: int) -> "asyncio.Future[bytes]":
    loop = asyncio.get_running_loop()
    return loop.run_in_executor(None, os.pread, fd, min(BLOCK_BYTES, last - position + 1), position)
