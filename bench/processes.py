"""CPU seconds of process trees and the host's steal, from /proc. Linux only."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stolen:
    """Share of the machine's time that the host took, between two readings."""

    steal_ticks: int
    all_ticks: int

    def until(self, later: "Stolen") -> float:
        return (later.steal_ticks - self.steal_ticks) / max(1, later.all_ticks - self.all_ticks)


def stolen() -> Stolen:
    """A reading of /proc/stat's first line (`proc(5)`: the eighth figure is steal)."""
    figures = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return Stolen(figures[7], sum(figures))


def tree(root: int) -> list[int]:
    """`root` and its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))) is not None:
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue.extend(children.get(pid, []))
    return found


def cpu_s(root: int) -> float:
    """User and system seconds so far of `root`, its living descendants, and the children that each has reaped."""
    total = 0.0
    for pid in tree(root):
        if (fields := _stat(pid)) is not None:
            total += sum(int(ticks) for ticks in fields[11:15]) * _TICK_S
    return total


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the third (state) on; None when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
