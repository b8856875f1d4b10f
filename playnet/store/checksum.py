"""SHA-256 of an object, kept with its file as an extended attribute. File systems without attributes go without."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import suppress

from playnet.errors import Unavailable

_ATTRIBUTE = "user.playnet.sha256"


async def digest_of(blocks: AsyncIterator[bytes]) -> bytes:
    """The checksum of a stream; hashing happens in a thread."""
    digest = hashlib.sha256()
    async for block in blocks:
        await asyncio.to_thread(digest.update, block)
    return digest.digest()


def keep(fd: int, digest: bytes) -> None:
    """Store the checksum with a writable file; where that is not possible, don't: it is not worth failing for."""
    with suppress(OSError):
        os.setxattr(fd, _ATTRIBUTE, digest)


def kept(fd: int) -> bytes | None:
    """The checksum of an open file, where it has one."""
    try:
        return os.getxattr(fd, _ATTRIBUTE)
    except OSError:
        return None


async def checked(key: str, chunks: AsyncIterator[bytes], size_bytes: int, expected: bytes) -> AsyncIterator[bytes]:
    """The chunks of a whole object; Unavailable instead of the last one when the checksum differs.

    So a reader who knows the length never holds a complete but damaged object.
    """
    digest = hashlib.sha256()
    async for block in chunks:
        await asyncio.to_thread(digest.update, block)
        size_bytes -= len(block)
        if not size_bytes and digest.digest() != expected:
            raise Unavailable(f"{key}: the stored bytes do not match their checksum")
        yield block
