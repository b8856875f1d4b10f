"""Objects of a file store that come in parts: one sparse file for each, written at the parts' places.

The file stands below `.parts/`, where no key can name it, and belongs to no process: whoever knows its handle goes on
writing. Joining is a rename, so that a hundred gigabytes are not copied. Blocking; call it from a thread.
"""

import os
import re
import secrets
from collections.abc import Sequence
from pathlib import Path

from playnet.errors import InvalidInput, NotFound, Unavailable

from .port import Part

FOLDER = ".parts"
_HANDLE = re.compile(r"[0-9a-f]{32}")


class Assemblies:
    """All objects in the making below one root."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER

    def begin(self) -> str:
        """A new, empty one. Raises OSError."""
        handle = secrets.token_hex(16)
        if not self._folder.exists():
            self._folder.mkdir(mode=0o750, exist_ok=True)
            _sync(self._folder.parent)
        os.close(os.open(self.path(handle), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640))
        _sync(self._folder)
        return handle

    def path(self, handle: str) -> Path:
        """Its file. InvalidInput for a handle that `begin` did not make."""
        if not _HANDLE.fullmatch(handle):
            raise InvalidInput("the handle names no object in the making")
        return self._folder / handle

    def write(self, handle: str, start: int, data: bytes) -> None:
        """Put bytes in their place, durably. Raises NotFound, OSError."""
        try:
            fd = os.open(self.path(handle), os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError as exc:
            raise NotFound("the parts of this object were dropped") from exc
        try:
            view = memoryview(data)
            while view:
                written = os.pwrite(fd, view, start)
                start, view = start + written, view[written:]
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def whole(self, handle: str, parts: Sequence[Part]) -> Path | None:
        """The file, cut to the parts' length; None when it is not there. Raises Unavailable when bytes are missing, OSError."""
        path, size_bytes = self.path(handle), checked_size(parts)
        try:
            found_bytes = path.stat().st_size
        except FileNotFoundError:
            return None
        if found_bytes < size_bytes:
            raise Unavailable(f"{found_bytes} of {size_bytes} bytes of an object in parts are on the disk")
        if found_bytes > size_bytes:  # of a part that was never acknowledged
            os.truncate(path, size_bytes)
        return path

    def drop(self, handle: str) -> None:
        """Delete it if it is there. Raises OSError."""
        self.path(handle).unlink(missing_ok=True)


def checked_size(parts: Sequence[Part]) -> int:
    """Bytes of all parts. InvalidInput when they are none, or leave a gap."""
    size_bytes = 0
    for number, part in enumerate(parts, 1):
        if (part.number, part.start) != (number, size_bytes):
            raise InvalidInput(f"part {part.number} starts at {part.start}, expected part {number} at {size_bytes}")
        size_bytes += part.size_bytes
    if not parts:
        raise InvalidInput("an object in parts needs at least one")
    return size_bytes


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
