"""One request's bytes on their way into the parts of a resumable upload.

While one part is being stored, the next one arrives; a third is not begun. Memory: two parts, and the copy that the
store's client makes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from origin.core.resumable import Resumable
from playnet.errors import PlayNetError
from playnet.store.port import Part, PartedStore

from .digests import Digest


@dataclass(frozen=True, slots=True)
class Progress:
    """What is durable now. `digest`: the SHA-256 of all parts so far, where all of them went through this process."""

    parts: tuple[Part, ...]
    parts_bytes: int
    digest: Digest | None


Commit = Callable[[Progress], Awaitable[None]]


class Receiver:
    """Cuts a stream into parts and stores them. `commit` is called after each part, in order."""

    def __init__(
        self, store: PartedStore, upload: Resumable, *, tail: bytes, digest: Digest | None, commit: Commit
    ) -> None:
        """`tail`: the bytes before the stream that fill no part yet. `digest`: of all parts before; it is not changed."""
        self._store, self._upload, self._commit = store, upload, commit
        self._buffer = bytearray(tail)
        self._start = upload.parts_bytes
        self._digest = digest.copy() if digest is not None else None
        self._pending: asyncio.Task[None] | None = None

    @property
    def offset(self) -> int:
        """How many bytes of the upload have come."""
        return self._start + len(self._buffer)

    @property
    def tail(self) -> bytes:
        """Those that fill no part yet."""
        return bytes(self._buffer)

    async def add(self, chunk: bytes) -> None:
        """Take the next bytes. Raises what the store or `commit` raised for an earlier part."""
        self._buffer += chunk
        size_bytes = self._upload.part_bytes
        while len(self._buffer) >= size_bytes:
            await self._begin(size_bytes)

    async def finish(self) -> None:
        """There will be no more: the rest is the last part."""
        if self._buffer:
            await self._begin(len(self._buffer))
        await self.settle()

    async def settle(self) -> None:
        """Wait for the part that is being stored."""
        pending, self._pending = self._pending, None
        if pending is not None:
            await pending

    async def abandon(self) -> None:
        """The same, but nobody wants to know any more how it ends."""
        with suppress(PlayNetError):
            await self.settle()

    async def _begin(self, size_bytes: int) -> None:
        await self.settle()
        data = bytes(memoryview(self._buffer)[:size_bytes])
        del self._buffer[:size_bytes]
        number = self._start // self._upload.part_bytes + 1
        self._pending = asyncio.create_task(
            self._keep(number, self._start, data), name=f"part-{self._upload.id}-{number}"
        )
        self._start += size_bytes

    async def _keep(self, number: int, start: int, data: bytes) -> None:
        tag = await self._store.put_part(self._upload.key, self._upload.handle, number, start, data)
        digest = self._digest
        if digest is not None:
            await asyncio.to_thread(digest.update, data)
            digest = digest.copy()
        part = Part(number, start, len(data), tag)
        await self._commit(Progress((part,), start + len(data), digest))
