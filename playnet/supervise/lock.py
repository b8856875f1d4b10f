"""Who runs on a data directory: an flock(2) on DATA/lock, with the supervisor's pid written in it.

The children inherit the locked descriptor. So the lock outlives a supervisor that was killed for as long as one of
them is still on its way out, and a free lock means that no process of the appliance is left.
"""

import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from playnet.errors import StartupFailed

_WIND_DOWN_S = (
    15.0  # children of a killed supervisor are killed by the kernel; writing back dirty pages may take a while
)
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Owner:
    """A process, told from a later one of the same pid by its start (clock ticks since boot, proc(5))."""

    pid: int
    started_ticks: int

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _started_ticks(self.pid) == self.started_ticks


class Lock:
    """Held from `acquire` to the end of the `with` block, or of the last process that inherited `fd`."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def acquire(cls, root: Path) -> "Lock":
        """Lock the data directory. StartupFailed names the appliance that has it; blocks while a killed one winds down."""
        try:
            fd = os.open(_file(root), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as exc:
            raise StartupFailed(f"{_file(root)} cannot be opened: {exc.strerror}") from exc
        deadline = time.monotonic() + _WIND_DOWN_S
        while not _try(fd, fcntl.LOCK_EX):
            owner = _read(fd)
            if owner is None or owner.alive or time.monotonic() > deadline:
                os.close(fd)
                who = f" (pid {owner.pid})" if owner is not None and owner.alive else ""
                raise StartupFailed(
                    f"another appliance runs on this data directory{who}: {root}: `playnet down` ends it"
                )
            time.sleep(_POLL_S)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()} {_started_ticks(os.getpid())}\n".encode(), 0)
        return cls(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.fd)


def is_held(root: Path) -> bool:
    """Whether any process of an appliance still runs on this data directory."""
    fd = _open_to_look(root)
    if fd is None:
        return False
    try:
        return not _try(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def owner_of(root: Path) -> Owner | None:
    """The running supervisor of this data directory."""
    if not is_held(root):
        return None
    fd = _open_to_look(root)
    if fd is None:
        return None
    try:
        owner = _read(fd)
    finally:
        os.close(fd)
    return owner if owner is not None and owner.alive else None


def _file(root: Path) -> Path:
    return root / "lock"


def _open_to_look(root: Path) -> int | None:
    """None when there is no such data directory. StartupFailed when it is closed to this account."""
    try:
        return os.open(_file(root), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise StartupFailed(f"{_file(root)}: {exc.strerror}: ask as the account that starts the appliance") from exc


def _try(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(fd: int) -> Owner | None:
    words = os.pread(fd, 64, 0).split()
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    return Owner(int(words[0]), int(words[1]))


def _started_ticks(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the command name may hold spaces and brackets
    return int(fields[19]) if fields[0] != "Z" else None
