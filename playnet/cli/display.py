"""How a starting appliance looks: a live table on a terminal, plain lines elsewhere."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from playnet.supervise import Snapshot

_STYLE = {
    "waiting": "dim", "starting": "yellow", "ready": "green", "restarting": "red", "stopping": "yellow",
    "stopped": "dim", "failed": "bold red",
}  # fmt: skip


class Display:
    """Somebody who looks on (`playnet.supervise.host.Watch`); `with` it while the appliance is shown."""

    def __init__(self, console: Console, greeting: Sequence[str]) -> None:
        self._console = console
        self._greeting = greeting
        self._snapshots: Sequence[Snapshot] = ()
        self._shown: dict[str, str] = {}
        self._live = (
            Live(console=console, get_renderable=self._table, refresh_per_second=2) if console.is_terminal else None
        )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def show(self, snapshots: Sequence[Snapshot]) -> None:
        self._snapshots = snapshots
        for child in snapshots if self._live is None else ():
            if self._shown.get(child.name, "waiting") != child.state:
                self._shown[child.name] = child.state
                self._console.print(_line(child), markup=False)

    def up(self) -> None:
        for line in self._greeting:
            self._console.print(line, markup=False)

    def _table(self) -> RenderableType:
        return table(self._snapshots, now_s=time.time())


def table(snapshots: Sequence[Snapshot], *, now_s: float) -> RenderableType:
    """All children, and below them what is wrong with any."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("service", "state", "pid", "uptime", "restarts", "address"):
        grid.add_column(heading, justify="right" if heading in {"pid", "uptime", "restarts"} else "left")
    for child in snapshots:
        grid.add_row(
            child.name,
            Text(child.state, style=_STYLE[child.state]),
            str(child.pid or ""),
            uptime(child, now_s=now_s),
            str(child.restarts or ""),
            Text(child.address, overflow="ellipsis", no_wrap=True),
        )
    notes = [Text(child.note, style="red") for child in snapshots if child.note]
    return Group(grid, *notes)


def uptime(child: Snapshot, *, now_s: float) -> str:
    """How long the process runs: `3d 4h`, `4h 5m`, `5m 6s`, `6s`; empty when it does not."""
    if child.pid is None or child.since_s is None:
        return ""
    seconds = max(0, int(now_s - child.since_s))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    first = next((index for index, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number}{unit}" for number, unit in parts[first : first + 2])


def _line(child: Snapshot) -> str:
    pid = f" (pid {child.pid})" if child.pid is not None and child.state == "starting" else ""
    note = f": {child.note}" if child.note and child.state == "restarting" else ""
    return f"{child.name}: {child.state}{pid}{note}"
