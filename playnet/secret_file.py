"""Making a secret's file (0600) once: any number of processes may try, the first wins, nobody reads a half-written one."""

import contextlib
import os
import secrets
from pathlib import Path


def make_secret(path: Path, text: str) -> None:
    """Write under a name of our own, then link. A file that is there stays. OSError as the disk says."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temp = _written(path, text)
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temp)
    finally:
        temp.unlink()


def replace_secret(path: Path, text: str) -> None:
    """Put another text in its place in one step, under the same owner. OSError as the disk says."""
    owner = path.stat()
    temp = _written(path, text)
    try:
        os.chown(temp, owner.st_uid, owner.st_gid)
        temp.chmod(owner.st_mode & 0o777)
        temp.replace(path)
    finally:
        temp.unlink(missing_ok=True)


def _written(path: Path, text: str) -> Path:
    temp = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return temp
