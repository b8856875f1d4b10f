"""The hidden corner of a file store: unfinished objects and folders on their way out, one sub-folder for each process.

A process holds a lock on its sub-folder's lock file for as long as it lives; the kernel lets go of it however the
process ends. So a sweep may remove every sub-folder whose lock is free, and never touches what another process is
just writing. Blocking; call it from a thread.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = ".tmp"
_GUARD = "guard"
_LOCK_SUFFIX = ".lock"


class Scratch:
    """This process's sub-folder. On the file system of the objects, so that a rename publishes."""

    def __init__(self, root: Path) -> None:
        """Create the sub-folder and sweep those of dead processes. OSError when the folder cannot be had."""
        self._base = root / FOLDER
        self._base.mkdir(mode=0o750, exist_ok=True)
        self._folder = self._base / secrets.token_hex(8)
        with _guarded(self._base):
            # Under the guard nobody takes our lock file for a dead one between its creation and its lock.
            self._lock = _locked(_lock_file(self._folder))
            assert self._lock is not None
            self._folder.mkdir(mode=0o750)
            dead = list(self._dead())
        for folder, lock in dead:
            _remove(folder, lock)

    def new_path(self) -> Path:
        """A name nobody uses, for a file or a folder."""
        return self._folder / secrets.token_hex(8)

    def close(self) -> None:
        """Remove what is left and give up the sub-folder."""
        if self._lock is not None:
            _remove(self._folder, self._lock)
            self._lock = None

    def _dead(self) -> Iterator[tuple[Path, int]]:
        """Sub-folders without a living process, each with its lock, now ours."""
        for path in self._base.glob(f"*{_LOCK_SUFFIX}"):
            folder = path.with_name(path.name.removesuffix(_LOCK_SUFFIX))
            if folder == self._folder:
                continue
            lock = _locked(path)
            if lock is not None:
                yield folder, lock


def _lock_file(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK_SUFFIX)


def _locked(path: Path) -> int | None:
    """A descriptor that holds the file's lock, or None when another process does."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    return fd


def _remove(folder: Path, lock: int) -> None:
    """Folder first: while its lock file stands, a sweep that was cut short is finished by the next one."""
    shutil.rmtree(folder, ignore_errors=True)
    _lock_file(folder).unlink(missing_ok=True)
    os.close(lock)


@contextmanager
def _guarded(base: Path) -> Iterator[None]:
    """One process at a time opens or sweeps; held for microseconds."""
    fd = os.open(base / _GUARD, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
