"""Making one body of an object that is complete in slices, so that nginx alone can send it.

Through the brain a megabyte costs seven times what it costs nginx with sendfile (docs/decisions/edge-slices.md). So what
was read again when it was complete is copied together, by the kernel, one object at a time.
"""

import asyncio
import errno
import os
from concurrent.futures import Executor
from dataclasses import replace
from typing import Final

from edge.adapters.metrics import Metrics
from edge.adapters.store.bodies import Temp, refused
from edge.adapters.store.reading import in_files
from edge.adapters.store.store import Store
from edge.core.checksum import joined
from edge.core.entry import Entry
from edge.core.forget import concerns
from playnet.errors import PlayNetError, Unavailable
from playnet.logs import logger
from playnet.purge.order import PurgeOrder

log = logger(__name__)

_COPY_BYTES: Final = 64 << 20  # of one system call
_READ_BYTES: Final = 1 << 20  # where the file system cannot copy
_NOT_COPIED: Final = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL})


class Joining:
    """At most one object at a time. `most_bytes`: of an object; larger ones stay in slices, which leave one by one."""

    def __init__(
        self, store: Store, group: asyncio.TaskGroup, files: Executor, *, metrics: Metrics, most_bytes: int
    ) -> None:
        self._store, self._group, self._files, self._most_bytes = store, group, files, most_bytes
        self._joining = metrics.queue_depth.labels("join")
        self._head: Entry | None = None
        self._is_doomed = False
        self._task: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """End what is being copied."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def forget(self, order: PurgeOrder) -> None:
        """A purge: what is being copied may be meant."""
        if self._head is not None:
            self._is_doomed |= concerns(order, self._head.key, self._head.tags)

    def consider(self, head: Entry) -> None:
        """The object was read, from slices alone: join it if they are all there."""
        if self._head is None and head.length_bytes <= self._most_bytes and all(map(self._store.has, head.slice_keys)):
            self._head, self._is_doomed = head, False
            self._joining.set(1)
            self._task = self._group.create_task(self._run(head), name=f"join:{head.key}")

    async def _run(self, head: Entry) -> None:
        try:
            if await self._join(head):
                await self._store.drop_slices(head)
                log.info("slices.joined", key=head.key, bytes=head.length_bytes)
        except PlayNetError as exc:
            self._store.failed("join", exc)
        except Exception:
            log.exception("slices.join_crashed", key=head.key)
        finally:
            self._head = self._task = None
            self._joining.set(0)

    async def _join(self, head: Entry) -> bool:
        """Copy and publish; False when something changed meanwhile, or there is no room."""
        room = self._store.reservation()
        if not await room.grow(head.length_bytes):
            return False
        temp: Temp | None = None
        try:
            temp = await in_files(self._files, self._store.bodies.create)
            checksum = await self._copy(head, temp)
            stored = await self._store.at(head.key)
            if checksum is None or self._is_doomed or stored is None or stored.sliced != head.sliced:
                return False
            if not self._store.is_current(stored):
                return False  # a 304 came meanwhile, which may have closed it to the public
            whole = replace(stored, sliced=None, body=temp.id, size_bytes=head.length_bytes, checksum=checksum)
            return await self._store.publish(whole, temp, room)
        finally:
            try:
                if temp is not None:
                    os.close(temp.fd)
                    await self._store.discard(temp)
            finally:
                room.release()

    async def _copy(self, head: Entry, temp: Temp) -> int | None:
        """All slices into one file; gives its checksum, None when one of them is gone."""
        checksum = position = 0
        for key in head.slice_keys:
            entry = await self._store.at(key)
            fd = None if entry is None else self._store.bodies.open(entry.body)
            if entry is None or fd is None or self._is_doomed:
                if fd is not None:
                    os.close(fd)
                return None
            try:
                await in_files(self._files, _append, fd, temp.fd, position, entry.size_bytes)
            finally:
                os.close(fd)
            checksum = joined(checksum, entry.checksum, entry.size_bytes)
            position += entry.size_bytes
        return checksum


def _append(source: int, target: int, position: int, size_bytes: int) -> None:
    """Copy within the file system, without the bytes coming here where it can. Raises Unavailable, StorageFull."""
    done = 0
    try:
        while done < size_bytes:
            copied = _copied(source, target, size_bytes - done, done, position + done)
            if not copied:
                raise Unavailable("a stored slice is shorter than its entry says")
            done += copied
    except OSError as exc:
        raise refused(exc) from exc


def _copied(source: int, target: int, size_bytes: int, first: int, position: int) -> int:
    try:
        return os.copy_file_range(source, target, min(size_bytes, _COPY_BYTES), first, position)
    except OSError as exc:
        if exc.errno not in _NOT_COPIED:
            raise
        return os.pwrite(target, os.pread(source, min(size_bytes, _READ_BYTES), first), position)
