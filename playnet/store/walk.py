"""A folder of files read as a sorted list of objects. Blocking; call it from a thread."""

import errno
import os
import stat as modes
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .keys import is_key
from .port import Stat


def walk(root: Path, prefix: str) -> Iterator[Stat]:
    """Objects below a folder in key order: a folder sorts as its name with a slash, because its keys go on with one."""
    try:
        with os.scandir(root / prefix) as entries:
            names = sorted(entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return  # deleted since its name was read
    for name in names:
        key = prefix + name
        if name.endswith("/"):
            if is_key(key[:-1]):
                yield from walk(root, key)
        elif is_key(key):
            with suppress(FileNotFoundError):
                yield stat_of(key, regular(root / key))


def regular(path: Path) -> os.stat_result:
    """What the file system says of a regular file. FileNotFoundError for anything else."""
    found = path.lstat()
    if not modes.S_ISREG(found.st_mode):
        raise FileNotFoundError(errno.ENOENT, "not an object", str(path))
    return found


def stat_of(key: str, found: os.stat_result) -> Stat:
    """The port's view of a file."""
    return Stat(key, found.st_size, int(found.st_mtime))
