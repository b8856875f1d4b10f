"""Workers of an nginx whose master was killed: they notice nothing, go on serving and hold its ports for ever."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from playnet.errors import StartupFailed

_GONE_S = 10.0
_POLL_S = 0.02


def end_orphans(folder: Path) -> int:
    """Kill what the former nginx of `folder` left, and return when it is gone: how many there were.

    A pid file that is still there tells of a master that was killed. It led a process group (`playnet.supervise`),
    whose number no other process gets as long as one of its workers lives. Nothing is done while the master lives.
    """
    master = _master(folder / "nginx.pid")
    if master is None or _stat(master) is not None:
        return 0
    orphans = list(_workers(master))
    for pid in orphans:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _GONE_S
    while any(_workers(master)):
        if time.monotonic() > deadline:
            raise StartupFailed(f"workers of a killed nginx cannot be ended: {', '.join(map(str, orphans))}")
        time.sleep(_POLL_S)
    return len(orphans)


def _master(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _workers(group: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _stat(int(entry.name)) == ("nginx", group):
            yield int(entry.name)


def _stat(pid: int) -> tuple[str, int] | None:
    """Name and process group of a process (proc(5)); None when it is gone, or only waits to be reaped."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    head, _, rest = text.rpartition(")")
    state, _, group = rest.split()[:3]
    return None if state in "ZX" else (head.partition("(")[2], int(group))
