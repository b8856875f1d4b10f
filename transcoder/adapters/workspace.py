"""Scratch folders: one per process, locked for its life, so that what a dead process left is told from what is in use."""

import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from playnet.errors import StartupFailed, StorageFull

_LOCK = "lock"


class Workspace:
    """A process's folder below `root`. Entering sweeps the folders of dead processes and makes a new one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / f"process-{uuid4().hex[:12]}"
        self._lock: int | None = None

    def __enter__(self) -> "Workspace":
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self.swept = sum(_sweep(folder) for folder in self._root.glob("process-*"))
            self._folder.mkdir(mode=0o700)
            self._lock = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise StartupFailed(f"the work folder {self._root} cannot be used: {exc.strerror}") from exc
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    def make(self, name: str) -> Path:
        """A fresh folder for one task. StorageFull when the disk does not take even that."""
        folder = self._folder / name
        try:
            folder.mkdir(mode=0o700)
        except OSError as exc:
            raise StorageFull(f"the work folder {folder} cannot be made: {exc.strerror}") from exc
        return folder


def _sweep(folder: Path) -> bool:
    """Remove a folder whose process is gone: its lock can be had."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    shutil.rmtree(folder, ignore_errors=True)
    return True
