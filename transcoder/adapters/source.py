"""Uploaded files as local paths: the store's own file where there is one, else a copy that the tasks of a process share.

A far source is fetched once for all of its chunks that this process encodes, not once for each. Copies that no task
uses are kept for the next chunk, a few of them, and give way when their space is needed.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiofiles

from playnet.errors import StorageFull
from playnet.store.port import ObjectStore

_SPARE_BYTES = 256 << 20  # what stays free on the work disk
_IDLE_COPIES = 2  # chunks of several assets take turns, but a disk is not there to hold them all


@dataclass(slots=True)
class _Copy:
    path: Path
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    whole: bool = False


class Sources:
    """The sources that the tasks of one process work on; copies stand in `folder`, which goes with the process."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._copies: dict[str, _Copy] = {}  # the one that was wanted last stands last

    @asynccontextmanager
    async def open(self, key: str) -> AsyncIterator[Path]:
        """A readable path for as long as the block lasts. NotFound, Unavailable, StorageFull."""
        path = self._store.local_path(key)
        if path is not None:
            yield path
            return
        copy = self._copies.pop(key, None) or _Copy(self._folder / f"source-{uuid4().hex}")
        self._copies[key] = copy
        copy.users += 1
        try:
            async with copy.lock:
                if not copy.whole:
                    await self._fill(key, copy)
            yield copy.path
        finally:
            copy.users -= 1
            while sum(one.users == 0 for one in self._copies.values()) > _IDLE_COPIES:
                await self._drop_idle()

    async def require_space(self, size_bytes: int) -> None:
        """StorageFull unless `size_bytes` and a spare fit on the work disk, without copies that nobody uses."""
        while (free := shutil.disk_usage(self._folder).free) < size_bytes + _SPARE_BYTES:
            if not await self._drop_idle():
                raise StorageFull(
                    f"the work disk has {free >> 20} MiB free, {(size_bytes + _SPARE_BYTES) >> 20} MiB are needed"
                )

    async def _fill(self, key: str, copy: _Copy) -> None:
        await self.require_space((await self._store.stat(key)).size_bytes)
        try:
            await fetch(self._store, key, copy.path)
            copy.whole = True
        finally:
            if not copy.whole:
                await asyncio.to_thread(copy.path.unlink, missing_ok=True)

    async def _drop_idle(self) -> bool:
        """Remove the copy that was not wanted for longest; False when all are in use."""
        idle = next((key for key, copy in self._copies.items() if copy.users == 0), None)
        if idle is None:
            return False
        await asyncio.to_thread(self._copies.pop(idle).path.unlink, missing_ok=True)
        return True


async def fetch(store: ObjectStore, key: str, target: Path, *, append: bool = False) -> None:
    """Copy an object to a file, or to its end."""
    try:
        async with store.get(key) as body, aiofiles.open(target, "ab" if append else "wb") as file:
            async for chunk in body.chunks:
                await file.write(chunk)
    except OSError as exc:
        raise StorageFull(f"the work folder cannot hold {key}: {exc.strerror}") from exc
