"""How a task row gets a worker: one PgQueuer job, written in the transaction that made the task runnable.

The truth about a task (state, attempts, lease) stands in our own table `task`; the job only carries its id. So a
job that comes twice or too late is harmless: who takes it looks at the row first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pgqueuer.queries import Queries

TaskKind = Literal["probe", "video", "audio", "text", "thumbs", "publish"]

KINDS: tuple[TaskKind, ...] = ("probe", "video", "audio", "text", "thumbs", "publish")
_PRIORITY: dict[TaskKind, int] = {"publish": 90, "thumbs": 80, "audio": 70, "text": 70, "probe": 60, "video": 50}


@dataclass(frozen=True, slots=True)
class QueuedTask:
    """One runnable task; `part` is its chunk of the timeline, `attempt` counts the starts there were before this one."""

    id: int
    kind: TaskKind
    part: int = 0
    attempt: int = 0
    delay_s: float = 0.0

    @property
    def priority(self) -> int:
        """Higher ones run first. What ends an asset goes before what begins one, and pictures come last: of those the
        first chunk of any asset, then the second, then two more, four more, … So a short video waits for as much of a
        long one as it has itself, and of an asset the beginning is there first.
        """
        return _PRIORITY[self.kind] - self.part.bit_length()

    @property
    def dedupe_key(self) -> str:
        """At most one open job for each start of a task."""
        return f"task:{self.id}:{self.attempt}"


async def enqueue(conn: Any, tasks: Sequence[QueuedTask]) -> None:
    """Insert a job for each task on `conn` (an asyncpg connection): visible when the caller's transaction commits.

    A task that already has its job is skipped. asyncpg's errors pass through: the caller owns the transaction.
    """
    if not tasks:
        return
    await Queries.from_asyncpg_connection(conn).enqueue(
        [task.kind for task in tasks],
        [payload(task.id) for task in tasks],
        [task.priority for task in tasks],
        [timedelta(seconds=task.delay_s) for task in tasks],
        [task.dedupe_key for task in tasks],
        on_conflict="skip",
    )


def payload(task_id: int) -> bytes:
    """What a job carries."""
    return str(task_id).encode()


def task_id(job_payload: bytes | None) -> int | None:
    """The task that a job is about; None for a job that is not ours."""
    text = (job_payload or b"").decode("ascii", "replace")
    return int(text) if text.isascii() and text.isdigit() else None
