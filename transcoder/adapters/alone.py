"""The task graph of one revision in one process: the same steps as a fleet's, without queue and database.

Tasks are started in the order of the graph by so many workers; a tool that crashes is not tried again.
"""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from playnet.jobs import TaskKind
from playnet.media.records import Presentation
from transcoder.core.graph import Assignment, TaskSpec, linear_task, tasks_after_probe
from transcoder.core.plan import Plan

from .steps import Described, Made, Outcome, Planned, Progress, Steps, Unfit
from .together import together


class _StartOver(Exception):
    """The chunks do not fit together; never leaves this module."""


@dataclass(slots=True)
class _Task:
    spec: TaskSpec
    progress: Progress = field(default_factory=Progress)
    result: dict[str, Any] | None = None


class Alone:
    """Makes one revision, and says how far it is."""

    def __init__(self, steps: Steps, probe: Assignment, work: Path, *, workers: int) -> None:
        self._steps = steps
        self._probe = probe
        self._work = work
        self._workers = workers
        self._tasks: list[_Task] = []
        self.plan: Plan | None = None
        self.linear: str | None = None
        """Why the timeline was encoded in one go after all."""

    def shares(self) -> Mapping[TaskKind, float]:
        """How much of each kind of work is done, between 0 and 1; empty before the plan."""
        cost: dict[TaskKind, float] = {}
        done: dict[TaskKind, float] = {}
        for task in self._tasks:
            kind, share = task.spec.kind, 1.0 if task.result is not None else task.progress.value
            cost[kind] = cost.get(kind, 0) + task.spec.cost
            done[kind] = done.get(kind, 0) + task.spec.cost * share
        return {kind: done[kind] / cost[kind] for kind in cost}

    async def run(self) -> Presentation:
        """Everything from probe to presentation. Raises what the steps raise."""
        planned = await self._do(self._probe, {}, Progress())
        assert isinstance(planned, Planned)
        self.plan = planned.plan
        self._tasks = [_Task(spec) for spec in tasks_after_probe(self.plan) if spec.kind != "publish"]
        while True:
            try:
                await self._side_by_side([task for task in self._tasks if not task.spec.needs])
                await self._side_by_side(self._tasks)
                described = await self._do(self._assigned(TaskSpec("publish")), self._results(), Progress())
                if isinstance(described, Described):
                    return described.presentation
                self._void(described)
            except _StartOver:
                continue

    async def _side_by_side(self, tasks: Sequence[_Task]) -> None:
        waiting = iter([task for task in tasks if task.result is None])

        async def work() -> None:
            for task in waiting:
                outcome = await self._do(self._assigned(task.spec), self._results(), task.progress)
                if not isinstance(outcome, Made):
                    self._void(outcome)
                    raise _StartOver
                task.result = outcome.result

        async with together() as group:
            for number in range(self._workers):
                group.create_task(work(), name=f"worker-{number}")

    def _void(self, outcome: Outcome) -> None:
        """Replace all chunks by one task; what was made of sound stays."""
        assert isinstance(outcome, Unfit)
        self.linear = outcome.why
        others = [task for task in self._tasks if task.spec.kind in {"audio", "text"}]
        self._tasks = [*others, _Task(linear_task(outcome.plan)), _Task(TaskSpec("thumbs", ("video",)))]

    async def _do(self, task: Assignment, results: Mapping[TaskKind, list[dict[str, Any]]], at: Progress) -> Outcome:
        folder = self._work / uuid4().hex
        folder.mkdir()
        try:
            return await self._steps.run(task, results, folder, at)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _assigned(self, spec: TaskSpec) -> Assignment:
        first = self._probe
        return Assignment(
            kind=spec.kind,
            part=spec.part,
            asset=first.asset,
            revision=first.revision,
            source_key=first.source_key,
            plan=self.plan,
        )

    def _results(self) -> dict[TaskKind, list[dict[str, Any]]]:
        found: dict[TaskKind, list[dict[str, Any]]] = {}
        for task in sorted(self._tasks, key=lambda task: task.spec.part):
            if task.result is not None:
                found.setdefault(task.spec.kind, []).append(task.result)
        return found
