"""The uploaded file as a local path: the store's own file where there is one, else a copy in the task's folder."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiofiles

from playnet.errors import StorageFull
from playnet.store.port import ObjectStore

_SPARE_BYTES = 256 << 20  # what stays free on the work disk


@asynccontextmanager
async def local_source(store: ObjectStore, key: str, folder: Path) -> AsyncIterator[Path]:
    """A readable path for as long as the block lasts. NotFound, Unavailable, StorageFull."""
    path = store.local_path(key)
    if path is not None:
        yield path
        return
    size_bytes = (await store.stat(key)).size_bytes
    require_space(folder, size_bytes)
    copy = folder / "source"
    try:
        await fetch(store, key, copy)
        yield copy
    finally:
        await asyncio.to_thread(copy.unlink, missing_ok=True)


async def fetch(store: ObjectStore, key: str, target: Path, *, append: bool = False) -> None:
    """Copy an object to a file, or to its end."""
    try:
        async with store.get(key) as body, aiofiles.open(target, "ab" if append else "wb") as file:
            async for chunk in body.chunks:
                await file.write(chunk)
    except OSError as exc:
        raise StorageFull(f"the work folder cannot hold {key}: {exc.strerror}") from exc


def require_space(folder: Path, size_bytes: int) -> None:
    """StorageFull unless `size_bytes` and a spare fit on the work disk."""
    free = shutil.disk_usage(folder).free
    if free < size_bytes + _SPARE_BYTES:
        raise StorageFull(
            f"the work disk has {free >> 20} MiB free, {(size_bytes + _SPARE_BYTES) >> 20} MiB are needed"
        )
