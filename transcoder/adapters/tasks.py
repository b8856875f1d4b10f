"""The life of a task in PostgreSQL: taken, kept, finished, put back or failed. Every change is one transaction.

Every start has a holder name of its own, so a worker that lost its task to another changes nothing any more. PgQueuer
decides who may start (its heartbeat is renewed with our lease); its job ends in the same transaction that ends the
task. Raises Unavailable and StorageFull (see playnet.db.guard); callers retry what they must not lose.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, cast
from uuid import uuid4

import asyncpg
from pgqueuer.models import Job
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.queries import Queries
from pgqueuer.types import QueueEntrypoint, QueueManagerId

from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.db.statements import Statements
from playnet.jobs import KINDS, QueuedTask, TaskKind, enqueue, task_id
from playnet.media.records import Presentation
from playnet.media.summary import summarise
from playnet.names import AssetId, Revision, asset_tag
from playnet.purge.order import PurgeOrder
from transcoder.core.graph import Assignment, TaskSpec, linear_task, tasks_after_probe
from transcoder.core.plan import Plan, VideoPlan

_ENTRYPOINTS = {QueueEntrypoint(kind): EntrypointExecutionParameter(0) for kind in KINDS}
_GAVE_UP = "Processing was started {attempts} times and never ended. The operator finds the cause in the log."


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim(Assignment):
    """A task that this worker holds."""

    id: int
    holder: str
    attempt: int
    job: Job


class LostTask(Exception):
    """The task is no longer this worker's: whatever it did does not count. Never leaves the worker."""


class TaskTable:
    """One process's access to the tasks."""

    def __init__(self, database: Database, *, worker: str, lease_s: float, max_attempts: int) -> None:
        self._database = database
        self._worker = worker
        self._lease_s = lease_s
        self._max_attempts = max_attempts
        self._manager = QueueManagerId(uuid4())
        self._sql = Statements(Path(__file__).parents[1] / "sql")

    async def take(self, running: Set[int]) -> Claim | None:
        """Start the most urgent runnable task, or None. `running`: job ids that this process works on already."""
        while True:
            async with self._database.transaction() as conn:
                jobs = await _queries(conn).dequeue(
                    batch_size=1,
                    entrypoints=_ENTRYPOINTS,
                    queue_manager_id=self._manager,
                    global_concurrency_limit=None,
                    heartbeat_timeout=timedelta(seconds=self._lease_s),
                )
                if not jobs or jobs[0].id in running:  # our own, after the database was away for longer than a lease
                    return None
                claim = await self._start(conn, jobs[0])
            if claim is not None:
                return claim

    async def _start(self, conn: Connection, job: Job) -> Claim | None:
        task = task_id(job.payload)
        holder = f"{self._worker}/{uuid4().hex[:8]}"
        row = await conn.fetchrow(self._sql["claim"], task, holder, self._lease_s) if task is not None else None
        if row is None:
            await conn.execute(self._sql["cancel_orphan"], task)
            await _end_job(conn, job, "canceled")
            return None
        claim = Claim(
            id=row["id"],
            holder=holder,
            attempt=row["attempts"],
            job=job,
            kind=row["kind"],
            part=row["part"],
            asset=AssetId(row["asset_id"]),
            revision=Revision(row["revision"]),
            source_key=row["source_key"] or "",
            plan=Plan.model_validate(row["plan"]) if row["plan"] is not None else None,
            last=row["attempts"] >= self._max_attempts,
        )
        if claim.attempt > self._max_attempts:
            reason = _GAVE_UP.format(attempts=self._max_attempts)
            await self._fail(conn, claim, reason, error="the worker died each time")
            return None
        await conn.execute(self._sql["asset_processing"], claim.asset)
        return claim

    async def keep(self, claim: Claim, progress: float) -> None:
        """Renew the lease and show progress. LostTask when the task is not ours any more or not wanted any more."""
        async with self._database.transaction() as conn:
            if await conn.fetchval(self._sql["keep"], claim.id, claim.holder, self._lease_s, progress) is None:
                raise LostTask(claim.label)
            await _queries(conn).update_heartbeat([claim.job.id])
            await conn.execute(self._sql["asset_progress"], claim.asset, claim.revision)

    async def finish(self, claim: Claim, result: dict[str, Any]) -> None:
        """The task is done; what waited only for it becomes runnable. LostTask when it was not ours any more."""
        async with self._database.transaction() as conn:
            await self._finish(conn, claim, result)

    async def finish_probe(self, claim: Claim, plan: Plan) -> None:
        """As `finish`, and the plan's tasks come into being."""
        specs = tasks_after_probe(plan)
        async with self._database.transaction() as conn:
            await self._hold(conn, claim)
            await conn.execute(self._sql["set_plan"], claim.asset, claim.revision, plan.model_dump(mode="json"))
            runnable = await self._insert(conn, claim, specs)
            await self._link(conn, claim, [(spec.kind, needed) for spec in specs for needed in spec.needs])
            await enqueue(conn, runnable)
            await self._finish(conn, claim, None)

    async def start_over(self, claim: Claim, plan: VideoPlan, why: str) -> None:
        """The chunks are not one timeline: void them all and let one task encode the whole of it instead.

        It uses the same object keys, so it starts a lease later: by then every worker knows that its chunk is void.
        """
        async with self._database.transaction() as conn:
            await self._hold(conn, claim)
            await conn.execute(self._sql["cancel_chunks"], claim.asset, claim.revision, why)
            await conn.execute(self._sql["forget_needs"], claim.asset, claim.revision)
            linear = await self._insert(conn, claim, [linear_task(plan)])
            await self._link(conn, claim, [("thumbs", "video"), ("publish", "video")])
            await conn.execute(self._sql["abandon"], claim.id, claim.holder)
            await _end_job(conn, claim.job, "canceled")
            await enqueue(conn, [replace(task, delay_s=self._lease_s) for task in linear])

    async def results(self, claim: Claim) -> dict[TaskKind, list[dict[str, Any]]]:
        """What the revision's finished tasks returned, of each kind in the order of their parts."""
        async with self._database.transaction() as conn:
            rows = await conn.fetch(self._sql["results"], claim.asset, claim.revision)
        found: dict[TaskKind, list[dict[str, Any]]] = {}
        for row in rows:
            found.setdefault(row["kind"], []).append(row["result"])
        return found

    async def publish(self, claim: Claim, presentation: Presentation) -> None:
        """As `finish`: from this commit on viewers get the revision, and edges forget the manifests before it."""
        async with self._database.transaction() as conn:
            await self._finish(conn, claim, None)
            records = [record.model_dump(mode="json") for record in (presentation, summarise(presentation))]
            await conn.execute(self._sql["publish_revision"], claim.asset, claim.revision, *records)
            await conn.execute(self._sql["publish_asset"], claim.asset, claim.revision)
            order = PurgeOrder(kind="tag", value=asset_tag(claim.asset))
            await conn.execute(self._sql["insert_purge"], order.model_dump(mode="json"))

    async def retry(self, claim: Claim, error: str, *, delay_s: float, reason: str) -> bool:
        """Start it again later, or fail the asset with `reason` when this was the last attempt. True: again."""
        async with self._database.transaction() as conn:
            if claim.attempt >= self._max_attempts:
                await self._fail(conn, claim, reason, error=error)
                return False
            await self._requeue(conn, claim, claim.attempt, error)
            again = QueuedTask(claim.id, claim.kind, claim.part, attempt=claim.attempt, delay_s=delay_s)
            await _end_job(conn, claim.job, "exception")
            await enqueue(conn, [again])
            return True

    async def give_back(self, claim: Claim, why: str, *, delay_s: float = 0.0) -> None:
        """Put it back without spending the attempt: the worker stops, or something that it needs is away."""
        async with self._database.transaction() as conn:
            await self._requeue(conn, claim, claim.attempt - 1, why)
            queries = _queries(conn)
            await queries.retry_job(claim.job, timedelta(seconds=delay_s), None)

    async def reject(self, claim: Claim, reason: str, *, error: str) -> None:
        """The source cannot become video: fail the asset with the reason, written for people."""
        async with self._database.transaction() as conn:
            await self._fail(conn, claim, reason, error=error)

    async def abandon(self, claim: Claim) -> None:
        """The task was cancelled or its asset deleted while it ran: close what is still open of it."""
        async with self._database.transaction() as conn:
            if await conn.fetchval(self._sql["abandon"], claim.id, claim.holder) is not None:
                await _end_job(conn, claim.job, "canceled")

    async def _hold(self, conn: Connection, claim: Claim) -> None:
        """Nobody else changes the revision's tasks until this transaction ends."""
        await conn.execute(self._sql["lock_revision"], claim.asset, claim.revision)
        if await conn.fetchval(self._sql["hold"], claim.id, claim.holder) is None:
            raise LostTask(claim.label)

    async def _insert(self, conn: Connection, claim: Claim, specs: Sequence[TaskSpec]) -> list[QueuedTask]:
        """Add tasks; returns those that are runnable."""
        kinds, parts = [spec.kind for spec in specs], [spec.part for spec in specs]
        costs, waits = [spec.cost for spec in specs], [bool(spec.needs) for spec in specs]
        rows = await conn.fetch(self._sql["insert_tasks"], claim.asset, claim.revision, kinds, parts, costs, waits)
        return [_queued(row) for row in rows if row["state"] == "queued"]

    async def _link(self, conn: Connection, claim: Claim, needs: Sequence[tuple[TaskKind, TaskKind]]) -> None:
        """Tasks of one kind wait for all of another that are not void."""
        waiting, needed = [kind for kind, _ in needs], [kind for _, kind in needs]
        await conn.execute(self._sql["insert_needs"], claim.asset, claim.revision, waiting, needed)
        await conn.execute(self._sql["count_needs"], claim.asset, claim.revision)

    async def _finish(self, conn: Connection, claim: Claim, result: dict[str, Any] | None) -> None:
        await conn.execute(self._sql["lock_revision"], claim.asset, claim.revision)
        if await conn.fetchval(self._sql["finish"], claim.id, claim.holder, result) is None:
            raise LostTask(claim.label)
        released = await conn.fetch(self._sql["release_dependents"], claim.id)
        await enqueue(conn, [_queued(row) for row in released if row["state"] == "queued"])
        await conn.execute(self._sql["asset_progress"], claim.asset, claim.revision)
        await _end_job(conn, claim.job, "successful")

    async def _requeue(self, conn: Connection, claim: Claim, attempts: int, why: str) -> None:
        if await conn.fetchval(self._sql["requeue"], claim.id, claim.holder, attempts, why) is None:
            raise LostTask(claim.label)

    async def _fail(self, conn: Connection, claim: Claim, reason: str, *, error: str) -> None:
        await conn.execute(self._sql["lock_revision"], claim.asset, claim.revision)
        if await conn.fetchval(self._sql["fail"], claim.id, claim.holder, error) is None:
            raise LostTask(claim.label)
        await conn.execute(self._sql["cancel_siblings"], claim.asset, claim.revision)
        await conn.execute(self._sql["fail_asset"], claim.asset, reason)
        await _end_job(conn, claim.job, "exception")


def _queued(row: asyncpg.Record) -> QueuedTask:
    return QueuedTask(row["id"], row["kind"], row["part"])


def _queries(conn: Connection) -> Queries:
    return Queries.from_asyncpg_connection(cast(asyncpg.Connection, conn))  # a pool's proxy has the same methods


async def _end_job(conn: Connection, job: Job, status: Literal["successful", "exception", "canceled"]) -> None:
    await _queries(conn).log_jobs([(job, status, None)])
