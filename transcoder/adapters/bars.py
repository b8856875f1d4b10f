"""How an encode without services looks: a bar for each kind of work on a terminal, a line at each end elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from playnet.jobs import TaskKind

from .alone import Alone


class Bars:
    """`with` it while the work goes on, and call `show` now and then."""

    def __init__(self, console: Console, work: Alone) -> None:
        self._console = console
        self._work = work
        self._ids: dict[TaskKind, TaskID] = {}
        self._told: set[TaskKind] = set()
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if exc is None:
            self.show()
        self._bars.stop()

    def show(self) -> None:
        """Draw how far everything is."""
        for kind, share in self._work.shares().items():
            if kind not in self._ids:
                self._ids[kind] = self._bars.add_task(self._name(kind), total=1.0)
            self._bars.update(self._ids[kind], completed=share, description=self._name(kind))
            if share >= 1 and kind not in self._told:
                self._told.add(kind)
                if not self._console.is_terminal:
                    self._console.print(f"{self._name(kind)}: done", markup=False)

    def _name(self, kind: TaskKind) -> str:
        """One decode makes all qualities of a chunk, so they share a bar."""
        plan = self._work.plan
        if kind != "video" or plan is None or plan.video is None:
            return {"audio": "sound", "text": "captions", "thumbs": "thumbnails"}.get(kind, kind)
        names = " ".join(rendition.name for rendition in plan.video.renditions)
        how = "in one go" if self._work.linear or plan.video.chunks == 1 else f"{plan.video.chunks} chunks"
        return f"{names} ({how})"
