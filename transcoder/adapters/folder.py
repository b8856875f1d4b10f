"""One revision as the files of one folder, named as on the wire below it, with a source that stands elsewhere."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from playnet.errors import NotFound
from playnet.names import AssetId, Revision, revision_prefix, source_key
from playnet.store.file import FileStore
from playnet.store.port import Body, Stat


class FolderStore:
    """ObjectStore of one revision and its source, for the steps; other keys are NotFound."""

    def __init__(self, files: FileStore, source: Path, asset: AssetId, revision: Revision) -> None:
        self._files = files
        self._source = source
        self._prefix = revision_prefix(asset, revision)
        self.source_key = source_key(asset, "local")

    async def put(self, key: str, source: Path | AsyncIterator[bytes]) -> Stat:
        return self._named(await self._files.put(self._inside(key), source))

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> AbstractAsyncContextManager[Body]:
        return self._files.get(self._inside(key), start=start, length=length)

    async def stat(self, key: str) -> Stat:
        return self._named(await self._files.stat(self._inside(key)))

    async def list(self, prefix: str) -> AsyncIterator[Stat]:
        async for stat in self._files.list(self._inside(prefix)):
            yield self._named(stat)

    async def delete(self, key: str) -> None:
        await self._files.delete(self._inside(key))

    async def delete_prefix(self, prefix: str) -> int:
        return await self._files.delete_prefix(self._inside(prefix))

    def local_path(self, key: str) -> Path | None:
        return self._source if key == self.source_key else self._files.local_path(self._inside(key))

    async def free_bytes(self) -> int | None:
        return await self._files.free_bytes()

    async def check(self) -> None:
        await self._files.check()

    async def close(self) -> None:
        await self._files.close()

    def _inside(self, key: str) -> str:
        if not key.startswith(self._prefix):
            raise NotFound(f"{key}: not of this revision")
        return key.removeprefix(self._prefix)

    def _named(self, stat: Stat) -> Stat:
        return replace(stat, key=self._prefix + stat.key)
