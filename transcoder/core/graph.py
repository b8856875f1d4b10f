"""Which tasks make one revision, and what each waits for. Pure."""

from dataclasses import dataclass

from playnet.jobs import TaskKind
from playnet.names import AssetId, Revision

from .plan import Plan, VideoPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One task, as the step that does it needs to know it. `part`: which chunk of the timeline, which sound.
    `last`: it will not be started once more.
    """

    kind: TaskKind
    part: int
    asset: AssetId
    revision: Revision
    source_key: str
    plan: Plan | None
    last: bool = False

    @property
    def label(self) -> str:
        return f"{self.kind}:{self.asset}/{self.revision}/{self.part}"


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task, and the kinds of which every task of the same revision must be done before it.

    `cost` compares it with others of its kind.
    """

    kind: TaskKind
    needs: tuple[TaskKind, ...] = ()
    part: int = 0
    cost: int = 1


def tasks_after_probe(plan: Plan) -> tuple[TaskSpec, ...]:
    """Every task but the probe, in an order in which each stands after what it needs."""
    specs = [TaskSpec("audio", part=part) for part in range(len(plan.audio))]
    if plan.texts:
        specs.append(TaskSpec("text"))
    if plan.video is not None:
        specs += (_chunk(plan.video, part) for part in range(plan.video.chunks))
    specs.append(TaskSpec("thumbs", ("video",) if plan.video is not None else ("audio",)))
    ends = dict.fromkeys(spec.kind for spec in specs)
    return (*specs, TaskSpec("publish", tuple(ends)))


def linear_task(video: VideoPlan) -> TaskSpec:
    """The one that replaces all chunks when one of them cannot be trusted: the whole timeline in one go."""
    return _chunk(video, video.chunks)


def retry_delay_s(attempt: int, *, jitter: float) -> float:
    """Pause before start number `attempt` + 1: 5 s, 20 s, 80 s, … at most ten minutes; `jitter` within [0, 1)."""
    return min(600.0, 5.0 * 4.0 ** max(0, attempt - 1)) * (0.75 + 0.5 * jitter)


def _chunk(video: VideoPlan, part: int) -> TaskSpec:
    return TaskSpec("video", part=part, cost=video.window(part).frames)
