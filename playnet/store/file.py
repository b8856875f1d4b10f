"""Objects as plain files: the key is the path below one root folder.

How a put becomes atomic and durable: the bytes go to a file in the scratch folder (same file system), that file is
synced, then renamed into place, then every folder from the object up to the root is synced. All ancestors, not only
those that this call made: another process may have made one a moment ago and not have synced it yet.

Folders exist only while they hold objects. A delete removes the ones it emptied, bottom up, with `rmdir`, which the
kernel refuses for a folder in use; a put that finds its folder gone makes it again. No locks, any number of processes.

Checksums: SHA-256 is computed over the bytes as they arrive and kept with the object as an extended attribute; a read
of the whole object compares before it hands out the last chunk. That finds what fsync cannot: decay, a torn restore, a
file written to after its put. File systems without attributes (some NFS, old tmpfs) go without, `local_path` too.
"""

import asyncio
import errno
import hashlib
import os
import shutil
import stat as modes
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import islice
from pathlib import Path

import aiofiles
from aiofiles.threadpool.binary import AsyncBufferedReader

from playnet.errors import ConfigError, InvalidInput, NotFound, PlayNetError, StorageFull, Unavailable

from .assembly import Assemblies, checked_size
from .cancel import finished
from .checksum import checked, digest_of, keep, kept
from .keys import check_key, check_prefix, check_range
from .port import Body, Part, Stat
from .scratch import Scratch
from .source import BLOCK_BYTES, gathered, opened
from .walk import regular, stat_of, walk

_LIST_BATCH = 512
_CHECK_DEADLINE_S = 5.0  # a healthy file system answers in microseconds; a dead network mount never does
_RENAME_ATTEMPTS = 100  # each lost one means that a delete emptied the same folder in that very moment
_FULL = {errno.ENOSPC, errno.EDQUOT}
_ABSENT = {errno.ENOENT, errno.ENOTDIR}


class FileStore:
    """ObjectStore in one folder."""

    def __init__(self, root: Path, *, adopt: Sequence[Path] = ()) -> None:
        """Open or create the store. A Path source below one of `adopt` is linked instead of copied, where that works:
        it becomes read-only and must not be written to any more. ConfigError when the folder cannot be used.
        """
        self._root = root
        self._probe: asyncio.Future[bool] | None = None
        self._adopt = tuple(folder.resolve() for folder in adopt)
        try:
            root.mkdir(mode=0o750, parents=True, exist_ok=True)
            self._scratch = Scratch(root)
            self._assemblies = Assemblies(root)
        except OSError as exc:
            raise ConfigError(f"storage.path: {root} cannot be used: {exc.strerror}") from exc

    async def put(self, key: str, source: Path | AsyncIterator[bytes]) -> Stat:
        """Store `source`. Memory: two blocks of 1 MiB. An error raised by a stream passes through unchanged."""
        target = self._root / check_key(key)
        temp = self._scratch.new_path()
        try:
            if isinstance(source, Path):
                digest = await self._fill_from_file(source, temp)
            else:
                digest = await _fill(temp, source)
            with _translated(key):
                return await finished(asyncio.to_thread(self._publish, key, temp, target, digest))
        finally:
            with suppress(OSError):  # what stays falls to the next sweep
                await finished(asyncio.to_thread(temp.unlink, missing_ok=True))

    async def _fill_from_file(self, source: Path, temp: Path) -> bytes:
        async with opened(source) as (_, blocks):
            if await asyncio.to_thread(self._adopted, source, temp):
                return await digest_of(blocks)
            return await _fill(temp, blocks)

    def _adopted(self, source: Path, temp: Path) -> bool:
        """Whether `temp` is now a second name of `source`; no where a link is not possible or not ours to make."""
        if not any(source.resolve().is_relative_to(folder) for folder in self._adopt):
            return False
        try:
            temp.hardlink_to(source)
            temp.chmod(0o640)  # attributes need a writable file, and an earlier put may have made it read-only
        except OSError:  # another file system, another owner, no link support
            temp.unlink(missing_ok=True)
            return False
        return True

    def _publish(self, key: str, temp: Path, target: Path, digest: bytes | None) -> Stat:
        with temp.open("rb") as file:
            if digest is not None:
                keep(file.fileno(), digest)
            os.fchmod(file.fileno(), 0o440)
            os.fsync(file.fileno())
            found = os.fstat(file.fileno())
        try:
            self._rename(temp, target)
            self._sync_folders(target)
        except OSError as exc:
            self._prune(target.parent)
            if exc.errno in {errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENOTEMPTY}:
                raise InvalidInput(
                    f"{key}: another object's key is a folder of this one, or this one of another"
                ) from exc
            raise
        return stat_of(key, found)

    def _rename(self, temp: Path, target: Path) -> None:
        for attempt in range(_RENAME_ATTEMPTS):
            try:
                target.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
                temp.replace(target)
                break
            except (FileNotFoundError, FileExistsError):  # mkdir, too, sees folders come and go
                if attempt + 1 == _RENAME_ATTEMPTS:
                    raise

    def _sync_folders(self, target: Path) -> None:
        """Make the names from the root down to `target` durable. A folder that is gone was deleted with its content."""
        for folder in target.parents:
            with suppress(FileNotFoundError):
                _sync_folder(folder)
            if folder == self._root:
                return

    @asynccontextmanager
    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[Body]:
        """Open an object. Whole reads are compared with the checksum: Unavailable before the last chunk if it differs."""
        path = self._root / check_key(key)
        with _translated(key, absent=NotFound):
            file = await aiofiles.open(path, "rb")
        try:
            with _translated(key):
                found, digest = await asyncio.to_thread(lambda: (os.fstat(file.fileno()), kept(file.fileno())))
                wanted = check_range(key, found.st_size, start, length)
                await file.seek(start)
            chunks = _chunks(key, file, wanted)
            if digest is not None and wanted == found.st_size:
                chunks = checked(key, chunks, wanted, digest)
            yield Body(stat_of(key, found), chunks)
        finally:
            await finished(file.close())

    async def stat(self, key: str) -> Stat:
        """Size and time of the file."""
        path = self._root / check_key(key)
        with _translated(key, absent=NotFound):
            return stat_of(key, await asyncio.to_thread(regular, path))

    async def list(self, prefix: str) -> AsyncIterator[Stat]:
        """Objects in key order. Memory: the names of one folder per level, and 512 results."""
        found = walk(self._root, check_prefix(prefix))
        while True:
            with _translated(prefix):
                batch = await asyncio.to_thread(lambda: [*islice(found, _LIST_BATCH)])
            if not batch:
                return
            for stat in batch:
                yield stat

    async def delete(self, key: str) -> None:
        """Remove one file and the folders it leaves empty."""
        path = self._root / check_key(key)
        with _translated(key):
            await finished(asyncio.to_thread(self._delete, path))

    def _delete(self, path: Path) -> None:
        try:
            path.unlink()
            _sync_folder(path.parent)
        except OSError as exc:
            if exc.errno not in {*_ABSENT, errno.EISDIR}:  # a folder is no object
                raise
        self._prune(path.parent)

    async def delete_prefix(self, prefix: str) -> int:
        """Remove a folder: it is moved to the scratch folder in one step, so that a crash leaves all of it or nothing."""
        if not prefix:
            raise InvalidInput("the empty prefix would delete the whole store")
        folder = self._root / check_prefix(prefix)
        with _translated(prefix):
            return await finished(asyncio.to_thread(self._delete_folder, folder))

    def _delete_folder(self, folder: Path) -> int:
        doomed = self._scratch.new_path()
        try:
            if not modes.S_ISDIR(folder.lstat().st_mode):
                return 0  # an object, not a folder of objects
            folder.rename(doomed)
        except OSError as exc:
            if exc.errno in _ABSENT:
                return 0
            raise
        with suppress(FileNotFoundError):
            _sync_folder(folder.parent)
        self._prune(folder.parent)
        count = sum(len(files) for _, _, files in os.walk(doomed))
        shutil.rmtree(doomed, ignore_errors=True)  # the rest, if any, falls to the next sweep
        return count

    def _prune(self, folder: Path) -> None:
        """Remove `folder` and its ancestors up to the root as far as they are empty."""
        while folder != self._root:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                return
            folder = folder.parent

    async def begin_parts(self, key: str) -> str:
        """An empty file in a folder of its own."""
        check_key(key)
        with _translated(key):
            return await finished(asyncio.to_thread(self._assemblies.begin))

    async def put_part(self, key: str, handle: str, number: int, start: int, data: bytes) -> str:
        """Written in its place and synced; such files need no tag."""
        with _translated(key):
            await finished(asyncio.to_thread(self._assemblies.write, handle, start, data))
        return ""

    async def join_parts(self, key: str, handle: str, parts: Sequence[Part]) -> Stat:
        """Rename the file into its place. Its checksum is not kept: nobody has read it as a whole yet."""
        with _translated(key):
            return await finished(asyncio.to_thread(self._join, check_key(key), handle, parts))

    def _join(self, key: str, handle: str, parts: Sequence[Part]) -> Stat:
        path = self._assemblies.whole(handle, parts)
        if path is not None:
            return self._publish(key, path, self._root / key, None)
        try:
            joined = stat_of(key, regular(self._root / key))
        except FileNotFoundError as exc:
            raise NotFound(f"{key}: its parts were dropped") from exc
        if joined.size_bytes != checked_size(parts):
            raise Unavailable(f"{key}: the object does not have the size of its parts")
        return joined

    async def drop_parts(self, key: str, handle: str) -> None:
        """Delete the file."""
        with _translated(key):
            await finished(asyncio.to_thread(self._assemblies.drop, handle))

    def local_path(self, key: str) -> Path | None:
        """The object's file, there or not."""
        return self._root / check_key(key)

    async def free_bytes(self) -> int | None:
        """What the file system still gives to an unprivileged writer."""
        with _translated(str(self._root)):
            space = await asyncio.to_thread(os.statvfs, self._root)
        return space.f_bavail * space.f_frsize

    async def check(self) -> None:
        """Raise Unavailable when the folder is gone, read-only or hangs."""
        if self._probe is None or self._probe.done():  # on a dead mount one thread hangs, not one for each call
            self._probe = asyncio.ensure_future(asyncio.to_thread(self._usable))
        try:
            async with asyncio.timeout(_CHECK_DEADLINE_S):
                usable = await asyncio.shield(self._probe)
        except TimeoutError as exc:
            raise Unavailable(f"object store {self._root}: no answer within {_CHECK_DEADLINE_S:g} s") from exc
        if not usable:
            raise Unavailable(f"object store {self._root}: the folder is missing or not writable")

    def _usable(self) -> bool:
        return os.access(self._root, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)

    async def close(self) -> None:
        """Give up the scratch folder."""
        await finished(asyncio.to_thread(self._scratch.close))


async def _fill(temp: Path, source: AsyncIterator[bytes]) -> bytes:
    """Write a stream into a new file and return its digest. Small chunks are gathered: a thread switch for each is dear."""
    digest = hashlib.sha256()
    size_bytes = 0
    with _translated(temp.name):
        file = await aiofiles.open(temp, "xb")
    try:
        async for block in gathered(source):
            with _translated(temp.name):
                await asyncio.to_thread(digest.update, block)
                await file.write(block)
            size_bytes += len(block)
    finally:
        with _translated(temp.name):
            await finished(file.close())
    with _translated(temp.name):
        written_bytes = temp.stat().st_size
    if written_bytes != size_bytes:
        raise Unavailable(f"object store: {written_bytes} of {size_bytes} bytes reached the file")
    return digest.digest()


async def _chunks(key: str, file: AsyncBufferedReader, wanted: int) -> AsyncIterator[bytes]:
    while wanted:
        with _translated(key):
            block = await file.read(min(wanted, BLOCK_BYTES))
        if not block:
            raise Unavailable(f"{key}: the file ends {wanted} bytes early")
        wanted -= len(block)
        yield block


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _translated(what: str, *, absent: type[PlayNetError] | None = None) -> Iterator[None]:
    """OSError -> the error tree. `absent`: what a missing file means here; else it is a fault like any other."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise StorageFull(f"object store: no space left for {what}") from exc
        if absent is not None and exc.errno in {*_ABSENT, errno.EISDIR}:
            raise absent(f"{what}: no such object") from exc
        raise Unavailable(f"object store: {what}: {exc.strerror or exc}") from exc
