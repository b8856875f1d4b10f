"""Takes tasks and sees them through: heartbeats, cancellation, endings, and a database that may be away for a while.

An ended attempt is a value (`Ending`), so that it survives until the database takes it. SIGTERM (`stop`) ends ffmpeg
and gives the task back without spending an attempt; after SIGKILL the lease runs out and another worker takes it.
"""

import asyncio
import errno
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from playnet.errors import MediaRejected, NotFound, PlayNetError, StorageFull, Unavailable
from playnet.logs import logger
from transcoder.core.graph import retry_delay_s

from .metrics import Metrics
from .steps import Described, Made, Outcome, Planned, Progress, Steps, Unfit
from .tasks import Claim, LostTask, TaskTable
from .workspace import Workspace

log = logger(__name__)

_POLL_S = 1.0  # an idle slot looks for work; cheap enough not to need LISTEN, whose connection can go deaf
_HEARTBEAT_S = 1.0  # also how often the publisher sees progress move
_FULL = {errno.ENOSPC, errno.EDQUOT}
_AWAY_S = 10.0  # before something is tried again that needs a service or space which is not there
_HELD_UP_S = 6 * _AWAY_S  # older than that, another process has the task
_BROKEN = "Processing failed several times. The operator finds the cause in the log."
_SOURCE_GONE = "The uploaded file is not in the storage any more."


@dataclass(frozen=True, slots=True)
class Finished:
    """The step did its work."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Refused:
    """The source will never work."""

    reason: str
    error: str


@dataclass(frozen=True, slots=True)
class Broken:
    """It went wrong here; another attempt may work."""

    error: str


@dataclass(frozen=True, slots=True)
class Away:
    """Something that the step needs is not there now; that is no attempt."""

    error: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """This process is about to end."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Cancelled, deleted, or in other hands."""


Ending = Finished | Refused | Broken | Away | Stopped | Lost


class Worker:
    """`slots` tasks at once in this process."""

    def __init__(
        self, tasks: TaskTable, steps: Steps, workspace: Workspace, metrics: Metrics, *, jitter: Callable[[], float]
    ) -> None:
        self._tasks = tasks
        self._steps = steps
        self._workspace = workspace
        self._metrics = metrics
        self._jitter = jitter
        self._running: set[int] = set()
        self._held_up: dict[int, tuple[float, str]] = {}

    def check(self) -> None:
        """Raise Unavailable while tasks wait for something that an operator has to mend: disk space, the store."""
        now = time.monotonic()
        reasons = [reason for since, reason in self._held_up.values() if now - since < _HELD_UP_S]
        if reasons:
            raise Unavailable(f"{len(reasons)} of its tasks wait: {reasons[-1]}")

    async def run(self, stop: asyncio.Event, *, slots: int) -> None:
        """Work until `stop`; returns when every task has been given back."""
        async with asyncio.TaskGroup() as group:
            for number in range(slots):
                group.create_task(self._slot(stop), name=f"slot-{number}")

    async def _slot(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                claim = await self._tasks.take(self._running)
                if claim is not None:
                    await self._see_through(claim, stop)
                    continue
            except (Unavailable, StorageFull) as exc:
                self._metrics.away.inc()
                log.warning("database.away", error=str(exc))
            except Exception:
                log.exception("worker.crashed")  # one broken task must not end the slot; its lease runs out
            await _pause(stop, _POLL_S)

    async def _see_through(self, claim: Claim, stop: asyncio.Event) -> None:
        began = time.monotonic()
        self._running.add(claim.job.id)
        self._metrics.running.inc()
        log.info("task.started", task=claim.label, attempt=claim.attempt)
        try:
            ending = await self._attempt(claim, stop)
            await self._settle_patiently(claim, ending, stop)
        finally:
            self._running.discard(claim.job.id)
            self._metrics.running.dec()
            self._metrics.seconds.labels(claim.kind).observe(time.monotonic() - began)

    async def _attempt(self, claim: Claim, stop: asyncio.Event) -> Ending:
        """Run the step beside its heartbeat; whichever ends first decides."""
        try:
            folder = self._workspace.make(claim.holder.rpartition("/")[2])
        except StorageFull as exc:
            return Away(_with_context(exc))
        progress = Progress()
        try:
            async with asyncio.TaskGroup() as group:
                step = group.create_task(self._step(claim, folder, progress), name=claim.label)
                stopping = group.create_task(stop.wait(), name="stopping")
                early = await self._watch(claim, step, stopping, progress)
                step.cancel()
                stopping.cancel()
            return early or step.result()
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _watch(
        self, claim: Claim, step: asyncio.Task[Ending], stopping: asyncio.Task[bool], progress: Progress
    ) -> Stopped | Lost | None:
        """None when the step ended by itself."""
        while True:
            await asyncio.wait({step, stopping}, timeout=_HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED)
            if step.done():
                return None
            if stopping.done():
                return Stopped()
            try:
                await self._tasks.keep(claim, progress.value)
            except LostTask:
                return Lost()
            except (Unavailable, StorageFull) as exc:
                self._metrics.away.inc()
                log.warning("heartbeat.failed", task=claim.label, error=str(exc))

    async def _step(self, claim: Claim, folder: Path, progress: Progress) -> Ending:
        try:
            results = await self._tasks.results(claim) if claim.kind in {"thumbs", "publish"} else {}
            return Finished(await self._steps.run(claim, results, folder, progress))
        except MediaRejected as exc:
            return Refused(str(exc), error=_with_context(exc))
        except NotFound as exc:
            return Refused(_SOURCE_GONE, error=str(exc))
        except (Unavailable, StorageFull) as exc:
            return Away(_with_context(exc))
        except PlayNetError as exc:
            return Broken(_with_context(exc))
        except Exception as exc:
            log.exception("task.crashed", task=claim.label)
            why = f"{type(exc).__name__}: {exc}"
            return Away(why) if _is_full(exc) else Broken(why)

    async def _settle_patiently(self, claim: Claim, ending: Ending, stop: asyncio.Event) -> None:
        """Write the ending down; a database that is away is waited for, but not past our own end."""
        while True:
            try:
                await self._settle(claim, ending)
            except LostTask:
                log.info("task.lost", task=claim.label)
                if isinstance(ending, Lost):
                    return
                ending = Lost()  # cancelled a moment ago, perhaps: then it is ours to close
            except (Unavailable, StorageFull) as exc:
                self._metrics.away.inc()
                log.warning("task.unsettled", task=claim.label, error=str(exc))
                if stop.is_set():
                    return
                await _pause(stop, _POLL_S)
            else:
                self._metrics.ended.labels(claim.kind, type(ending).__name__.lower()).inc()
                return

    async def _settle(self, claim: Claim, ending: Ending) -> None:
        self._held_up.pop(claim.id, None)
        match ending:
            case Finished(outcome):
                await self._finish(claim, outcome)
                log.info("task.finished", task=claim.label)
            case Refused(reason, error):
                await self._tasks.reject(claim, reason, error=error)
                log.warning("task.refused", task=claim.label, reason=reason, error=error)
            case Broken(error):
                delay_s = retry_delay_s(claim.attempt, jitter=self._jitter())
                again = await self._tasks.retry(claim, error, delay_s=delay_s, reason=_BROKEN)
                log.error("task.broken", task=claim.label, error=error, attempt=claim.attempt, again=again)
            case Away(error):
                await self._tasks.give_back(claim, error, delay_s=_AWAY_S)
                now = time.monotonic()
                known = {task: one for task, one in self._held_up.items() if now - one[0] < _HELD_UP_S}
                self._held_up = {**known, claim.id: (now, error)}
                log.warning("task.postponed", task=claim.label, error=error)
            case Stopped():
                await self._tasks.give_back(claim, "the worker stopped")
                log.info("task.given-back", task=claim.label)
            case Lost():
                await self._tasks.abandon(claim)
                log.info("task.abandoned", task=claim.label)
            case _:
                assert_never(ending)

    async def _finish(self, claim: Claim, outcome: Outcome) -> None:
        match outcome:
            case Planned(plan):
                await self._tasks.finish_probe(claim, plan)
            case Made(result):
                await self._tasks.finish(claim, result)
            case Described(presentation):
                await self._tasks.publish(claim, presentation)
            case Unfit(plan, why):
                await self._tasks.start_over(claim, plan, why)
                log.warning("video.linear", task=claim.label, why=why)
            case _:
                assert_never(outcome)


def _is_full(exc: Exception) -> bool:
    """A file of ours found no space: that is waited for, every other surprise is a mistake of ours."""
    return isinstance(exc, OSError) and exc.errno in _FULL


def _with_context(exc: PlayNetError) -> str:
    """For operators: the message and what the error carries, such as the end of the tool's log."""
    details = "; ".join(f"{key}={value}" for key, value in exc.context.items())
    return f"{exc} ({details})" if details else str(exc)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not past `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
