"""Which tasks make one revision, and what each waits for. Pure."""

from dataclasses import dataclass

from playnet.jobs import TaskKind

from .plan import Plan

PRIORITY: dict[TaskKind, int] = {"publish": 40, "thumbs": 30, "audio": 20, "probe": 10, "video": 0}
"""What ends an asset goes first; encoding of new ones fills what is left."""


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One task and the kinds of the same revision that must be done before it."""

    kind: TaskKind
    needs: tuple[TaskKind, ...]


def tasks_after_probe(plan: Plan) -> tuple[TaskSpec, ...]:
    """Every task but the probe, in an order in which each stands after what it needs."""
    encodes: list[TaskKind] = []
    if plan.video is not None:
        encodes.append("video")
    if plan.audio is not None:
        encodes.append("audio")
    specs = [TaskSpec(kind, ()) for kind in encodes]
    ends: list[TaskKind] = [*encodes]
    if plan.video is not None:
        specs.append(TaskSpec("thumbs", ("video",)))
        ends.append("thumbs")
    return (*specs, TaskSpec("publish", tuple(ends)))


def retry_delay_s(attempt: int, *, jitter: float) -> float:
    """Pause before start number `attempt` + 1: 5 s, 20 s, 80 s, … at most ten minutes; `jitter` within [0, 1)."""
    return min(600.0, 5.0 * 4.0 ** max(0, attempt - 1)) * (0.75 + 0.5 * jitter)
