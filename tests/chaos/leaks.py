"""What one brain holds that must not grow: memory, descriptors, tasks. And what its cache takes of the disk."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 512
_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Held:
    """One look at a brain."""

    memory_mib: float
    descriptors: int
    tasks: int


def memory_mib(pid: int) -> float:
    """Resident memory without files and shared memory (proc(5), status: RssAnon)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024 / _MIB


def descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def disk_bytes(folder: Path, brain: int) -> int:
    """Blocks of all bodies below `folder`, each file once however many links it has: `du` without the index.

    The brain is stopped meanwhile: a look that takes a while would count what left together with what came instead.
    """
    seen: dict[int, int] = {}
    os.kill(brain, signal.SIGSTOP)
    try:
        for path in _files(folder):
            with suppress(FileNotFoundError):
                status = path.lstat()
                seen[status.st_ino] = status.st_blocks * _BLOCK_BYTES
    finally:
        os.kill(brain, signal.SIGCONT)
    return sum(seen.values())


def _files(folder: Path) -> Iterator[Path]:
    for kind in ("bodies", "temp", "hot", "sealed", "trash"):
        for parent, _, names in os.walk(folder / kind):
            yield from (Path(parent, name) for name in names)
