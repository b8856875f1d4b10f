"""What is to be stored, as a stream of blocks."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiofiles
from aiofiles.threadpool.binary import AsyncBufferedReader

from playnet.errors import InvalidInput

BLOCK_BYTES = 1 << 20  # the port's bound on a chunk; thread switches cost under 2 % of moving this much


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
    """Size and blocks of a file that is to be stored. InvalidInput when it cannot be read, there or later in the block."""
    try:
        async with aiofiles.open(path, "rb") as file:
            yield os.fstat(file.fileno()).st_size, _blocks(file)
    except OSError as exc:
        raise InvalidInput(f"{path}: cannot be read: {exc.strerror or exc}") from exc


async def _blocks(file: AsyncBufferedReader) -> AsyncIterator[bytes]:
    while block := await file.read(BLOCK_BYTES):
        yield block


async def gathered(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in blocks of at least 1 MiB, the last one excepted."""
    parts: list[bytes] = []
    size_bytes = 0
    async for chunk in source:
        parts.append(chunk)
        size_bytes += len(chunk)
        if size_bytes >= BLOCK_BYTES:
            yield b"".join(parts)
            parts, size_bytes = [], 0
    if parts:
        yield b"".join(parts)
