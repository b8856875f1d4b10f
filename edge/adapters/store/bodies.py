"""Bodies as plain files, and the hot tree of hard links to them. Blocking calls.

bodies/ab/<id>   complete bodies, named by a random id; only a rename puts one there
temp/<id>        bodies that are still arriving; worthless after a crash
sealed/<path>    the same for private objects, which it serves only to requests with a valid playback token
hot/<path>       hard links that nginx serves without asking; always derived from the index
trash/           what is being deleted as a whole tree
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playnet.errors import StartupFailed, StorageFull, Unavailable

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FOLDER_MODE: Final = 0o755  # nginx's workers read bodies, perhaps under another account
_FILE_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Temp:
    """A body that is arriving: written through `fd`, which its owner closes."""

    id: str
    path: Path
    fd: int


class Bodies:
    """The files of one node below one folder, on one file system."""

    def __init__(self, folder: Path) -> None:
        self.bodies, self.hot, self.sealed = folder / "bodies", folder / "hot", folder / "sealed"
        self._temp, self._trash = folder / "temp", folder / "trash"
        self._lock_file = folder / "lock"
        self._lock: int | None = None
        try:
            for path in (folder, self.bodies, self.hot, self.sealed, self._temp, self._trash):
                path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as exc:
            raise StartupFailed(f"cache folder {folder} cannot be prepared: {exc.strerror}") from exc

    def lock(self) -> None:
        """Keep every other brain away from the folder. StartupFailed when one is there."""
        try:
            self._lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        except OSError as exc:
            raise StartupFailed(f"{self._lock_file} cannot be opened: {exc.strerror}") from exc
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            self.unlock()
            raise StartupFailed(f"cache folder {self._lock_file.parent} is used by another node") from exc

    def find_again(self) -> None:
        """Raises Unavailable unless our folders stand there: an empty mount point is not where a cache belongs."""
        if not (self.bodies.is_dir() and self._temp.is_dir()):
            raise Unavailable("the cache's folders are not there: is its disk mounted?", cause=str(self.bodies.parent))

    def unlock(self) -> None:
        """Let others in."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def create(self) -> Temp:
        """An empty temporary file. Raises StorageFull, Unavailable."""
        name = secrets.token_hex(16)
        path = self._temp / name
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
        except OSError as exc:
            raise refused(exc) from exc
        return Temp(name, path, fd)

    def discard(self, temp: Temp) -> None:
        """Forget a temporary file; its descriptor stays usable until it is closed."""
        with suppress(OSError):
            temp.path.unlink()

    def publish(self, temp: Temp, modified_s: int | None) -> None:
        """Make a complete body one, under `temp.id`, with its mtime. Raises StorageFull, Unavailable."""
        target = self.path(temp.id)
        try:
            if modified_s is not None:
                os.utime(temp.path, (modified_s, modified_s))  # its owner may have closed the descriptor
            target.parent.mkdir(mode=_FOLDER_MODE, exist_ok=True)
            temp.path.rename(target)
        except OSError as exc:
            raise refused(exc) from exc

    def path(self, body: str) -> Path:
        """Where a complete body stands."""
        return self.bodies / self.name(body)

    def name(self, body: str) -> str:
        """Its name below `bodies`."""
        return f"{body[:2]}/{body}"

    def size_bytes(self, body: str) -> int | None:
        """Length of a complete body, None when there is none."""
        try:
            return self.path(body).stat().st_size
        except OSError:
            return None

    def free_bytes(self) -> int | None:
        """What the file system has left for this account; None when it does not tell."""
        try:
            told = os.statvfs(self.bodies)
        except OSError:
            return None
        return told.f_bavail * told.f_frsize

    def open(self, body: str) -> int | None:
        """A descriptor for reading, None when the body is gone. Raises Unavailable."""
        try:
            return os.open(self.path(body), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise refused(exc) from exc

    def read(self, body: str) -> bytes | None:
        """A whole complete body, None when it is gone or cannot be read. For small ones."""
        try:
            return self.path(body).read_bytes()
        except OSError:
            return None

    def remove(self, body: str) -> None:
        """Delete a complete body if it is there. Raises Unavailable."""
        try:
            self.path(body).unlink(missing_ok=True)
        except OSError as exc:
            raise refused(exc) from exc

    def link_hot(self, key: str, body: str, *, sealed: bool = False) -> None:
        """Put a body into the hot tree or the sealed one, replacing what stands there in one step, and into no other.

        Raises StorageFull, Unavailable.
        """
        tree, other = (self.sealed, self.hot) if sealed else (self.hot, self.sealed)
        self._unlink(other, key)
        target = tree / key.lstrip("/")
        fresh = self._temp / secrets.token_hex(16)
        try:
            target.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            os.link(self.path(body), fresh)
            fresh.rename(target)
        except OSError as exc:
            raise refused(exc) from exc
        finally:
            # rename does nothing when both names are links to one file: then the fresh one is still there
            with suppress(OSError):
                fresh.unlink()

    def unlink_hot(self, key: str) -> None:
        """Take a key out of both trees if it is there. Raises Unavailable."""
        for tree in (self.hot, self.sealed):
            self._unlink(tree, key)

    def _unlink(self, tree: Path, key: str) -> None:
        target = tree / key.lstrip("/")
        try:
            target.unlink()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return  # not there, or a key that could never be hot
        except OSError as exc:
            raise refused(exc) from exc
        with suppress(OSError):  # not empty
            for folder in target.parents:
                if folder == tree:
                    break
                folder.rmdir()

    def clear_hot(self) -> None:
        """Empty both trees, each in one step; what they were waits in the trash. Raises Unavailable."""
        try:
            for tree in (self.hot, self.sealed):
                tree.rename(self._trash / secrets.token_hex(16))
                tree.mkdir(mode=_FOLDER_MODE)
        except OSError as exc:
            raise refused(exc) from exc

    def empty_trash(self) -> None:
        """Delete what was set aside. May take long."""
        with suppress(OSError):
            for path in self._trash.iterdir():
                shutil.rmtree(path, ignore_errors=True)

    def empty_temp(self) -> None:
        """Delete what a crash left unfinished. Raises Unavailable."""
        try:
            for path in self._temp.iterdir():
                path.unlink(missing_ok=True)
        except OSError as exc:
            raise refused(exc) from exc

    def standing(self) -> dict[str, int]:
        """All complete bodies with their sizes: 256 folders are read, no path is resolved. Raises Unavailable."""
        found: dict[str, int] = {}
        try:
            with os.scandir(self.bodies) as folders:
                for folder in folders:
                    with os.scandir(folder.path) as files:
                        found.update(_sizes(files))
        except OSError as exc:
            raise refused(exc) from exc
        return found


def _sizes(files: Iterable[os.DirEntry[str]]) -> Iterator[tuple[str, int]]:
    for file in files:
        with suppress(FileNotFoundError):  # deleted meanwhile
            yield file.name, file.stat(follow_symlinks=False).st_size


def refused(exc: OSError) -> StorageFull | Unavailable:
    """What the disk's refusal means to a caller."""
    if exc.errno in _FULL:
        return StorageFull("the cache's file system is full")
    return Unavailable("the cache's disk does not work", cause=exc.strerror)
