"""A body while it arrives: one writer, any number of readers, each at its own pace.

The bytes go into a temporary file, and readers read from there, so that a slow one costs no memory. When the disk
refuses (full, read-only, broken) or the quota does, what follows is held in memory instead: the writer then waits for
the slowest reader, and leaves behind one that does not move.
"""

import asyncio
import os
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Final

from edge.adapters.store.bodies import Temp, refused
from edge.adapters.store.reading import in_files
from playnet.errors import PlayNetError, StorageFull, Unavailable

_READ_BYTES: Final = 256 << 10
_WINDOW_BYTES: Final = 4 << 20  # held for the slowest reader when the disk is out


class Abandoned(Exception):
    """Nobody reads and nothing can be kept: the fill ends."""


class Growing:
    """`total_bytes` is None while the origin has not told it. Runs on the event loop; files are touched in `files`."""

    def __init__(
        self, files: Executor, temp: Temp | None, total_bytes: int | None, *, stall_s: float,
        is_awaited: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`is_awaited`: whether a reader is about to come, so that bytes in memory wait for it."""
        self._files, self._temp, self._stall_s, self._is_awaited = files, temp, stall_s, is_awaited
        self.total_bytes = total_bytes
        self.size_bytes = 0
        self.refusal: StorageFull | Unavailable | None = None
        self.checksum = 0  # CRC-32 of what stands in the file
        self._on_disk = temp is not None
        self._disk_bytes = 0
        self._latest = b""  # for readers that are as far as the writer: the file costs them a thread's work
        self._tail: deque[bytes] = deque()
        self._tail_start = 0
        self._readers: set[Reader] = set()
        self._left_behind: set[Reader] = set()
        self._ended = False
        self._failure: PlayNetError | None = None
        self._changed = asyncio.Event()
        self._is_released = False

    def place(self, temp: Temp) -> None:
        """Give it a file, as long as nothing has come."""
        assert self.size_bytes == 0
        self._temp, self._on_disk = temp, True

    @property
    def is_joinable(self) -> bool:
        """Whether a new reader can still get the body from its start."""
        return self._failure is None and (self._on_disk or self._tail_start == self._disk_bytes)

    @property
    def is_kept(self) -> bool:
        """Whether all bytes so far stand in the file."""
        return self._on_disk

    @property
    def in_memory(self) -> bytes | None:
        """All bytes so far where none of them stands in a file, or was let go."""
        return b"".join(self._tail) if not self._disk_bytes and not self._tail_start else None

    def give_up_disk(self) -> None:
        """Keep what follows in memory only; the body will not be stored."""
        if self._on_disk:
            self._on_disk = False
            self._tail_start = self.size_bytes

    async def append(self, data: bytes) -> None:
        """Add the next bytes. Raises Abandoned."""
        if self._on_disk and self._temp is not None:
            try:
                self.checksum = await in_files(
                    self._files, _write_all, self._temp.fd, data, self.size_bytes, self.checksum
                )
                self._disk_bytes += len(data)
            except OSError as exc:
                self.refusal = refused(exc)
                self.give_up_disk()
        if not self._on_disk:
            await self._make_window()
            self._tail.append(data)
        self.size_bytes += len(data)
        self._latest = data
        self._wake()

    def finish(self) -> None:
        """The body is complete."""
        self.total_bytes = self.size_bytes
        self._ended = True
        self._wake()

    def fail(self, error: PlayNetError) -> None:
        """The rest will never come. No effect on a body that is complete."""
        if not self._ended:
            self._failure = error
            self._ended = True
            self._wake()

    def release(self) -> None:
        """The writer needs the file no more; the last reader closes it."""
        self._is_released = True
        self._close_when_idle()

    @contextmanager
    def reading(self, first: int = 0, last: int | None = None) -> Iterator["Reader"]:
        """A reader from position `first` to `last` (included) or the end."""
        reader = Reader(self, first, last)
        self._readers.add(reader)
        self.moved()
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            self._left_behind.discard(reader)
            self._wake()
            self._close_when_idle()

    async def _make_window(self) -> None:
        """Wait until the memory window has room: what all readers have had is let go."""
        while self.size_bytes - self._tail_start > _WINDOW_BYTES:
            waiting = self._readers - self._left_behind
            if not waiting and not self._is_awaited():
                raise Abandoned
            slowest = min((reader.position for reader in waiting), default=0)
            if self._tail and self._tail_start + len(self._tail[0]) <= slowest:
                self._tail_start += len(self._tail.popleft())
                continue
            try:
                async with asyncio.timeout(self._stall_s):
                    await self._change()
            except TimeoutError as exc:
                waiting = self._readers - self._left_behind
                if not waiting:
                    raise Abandoned from exc
                self._left_behind |= {reader for reader in waiting if reader.position <= slowest}
                self._drop_head()

    def _drop_head(self) -> None:
        """Let go of the oldest bytes although a reader that fell behind wanted them."""
        if self._tail:
            self._tail_start += len(self._tail.popleft())
            self._wake()

    async def available(self, position: int) -> bool:
        """Wait until there is something at `position`; False at the end. Raises the failure of the fill."""
        while position >= self.size_bytes:
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return False
            await self._change()
        return True

    async def read(self, position: int, limit: int) -> bytes:
        """Up to `limit` bytes that are available. Raises Unavailable for a reader that was left behind."""
        if (behind := position - (self.size_bytes - len(self._latest))) >= 0:
            return self._latest[behind : behind + limit]
        if position < self._disk_bytes and self._temp is not None:
            try:
                return await in_files(
                    self._files, os.pread, self._temp.fd, min(limit, self._disk_bytes - position), position
                )
            except OSError as exc:
                raise refused(exc) from exc
        start = self._tail_start
        for chunk in self._tail:
            if start <= position < start + len(chunk):
                return chunk[position - start : position - start + limit]
            start += len(chunk)
        raise Unavailable("the viewer was too slow for a cache without a disk")

    async def _change(self) -> None:
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def moved(self) -> None:
        """A reader went on: the writer may wait for it."""
        if not self._on_disk:
            self._wake()

    def _close_when_idle(self) -> None:
        if self._is_released and not self._readers and self._temp is not None:
            os.close(self._temp.fd)
            self._temp = None
            self._on_disk = False


class Reader:
    """One viewer's way through a growing body."""

    def __init__(self, body: Growing, first: int, last: int | None) -> None:
        self._body, self.position, self._last = body, first, last

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Raises what ended the fill, or Unavailable when this reader was left behind."""
        while self._last is None or self.position <= self._last:
            if not await self._body.available(self.position):
                return
            limit = _READ_BYTES if self._last is None else min(_READ_BYTES, self._last - self.position + 1)
            chunk = await self._body.read(self.position, limit)
            self.position += len(chunk)
            self._body.moved()
            yield chunk


def _write_all(fd: int, data: bytes, position: int, checksum: int) -> int:
    """Write at `position`; gives the checksum that goes on from `checksum`."""
    view = memoryview(data)
    while view:
        written = os.pwrite(fd, view, position)
        position += written
        view = view[written:]
    return zlib.crc32(data, checksum)
