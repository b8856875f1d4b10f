"""How a worker ends a task, on real PostgreSQL: steps are scripted, everything around them is real."""

import asyncio
import errno
import re
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from playnet.config import Transcoder
from playnet.db.database import Database
from playnet.errors import MediaRejected, NotFound, StorageFull, ToolFailed, Unavailable
from playnet.jobs import QueuedTask, enqueue
from playnet.media.records import AudioTrack, Presentation
from tests.aio import run, until
from tests.integration.transcoding import Studio, studio
from transcoder.adapters.metrics import Metrics
from transcoder.adapters.steps import Described, Made, Outcome, Planned, Progress, Steps, Unfit
from transcoder.adapters.tasks import Claim, LostTask, TaskTable
from transcoder.adapters.worker import Worker
from transcoder.adapters.workspace import Workspace
from transcoder.core.packets import Span
from transcoder.core.plan import Plan
from transcoder.core.planning import make_plan
from transcoder.core.sound import AudioPlan
from transcoder.core.source import Source, VideoStream

TRACK = AudioTrack(
    name="audio", codec="mp4a.40.2", timescale=48000, segment_ticks=(48000,), segment_bytes=(9,), channels=2, sample_rate=48000
)  # fmt: skip
PLAN = Plan(
    video=None,
    audio=(
        AudioPlan(
            name="audio", stream=0, origin_s=0, duration_s=None, expected_s=1, segment_s=4, channels=2, bitrate_bps=128000,
            language=None, label="Audio 1",
        ),
    ),
)  # fmt: skip
CHUNKED = make_plan(
    Source("mov", VideoStream(0, "h264", 256, 144, Fraction(1), 0, Fraction(1, 25), Fraction(25), 0, None), (), None),
    Span(0, 699, 700, Fraction(1)),
    Transcoder(),
)
assert CHUNKED.video is not None
UNFIT = Unfit(CHUNKED.video, "they do not fit")
SHOWN = Described(Presentation(tracks=(TRACK,)))
MADE = Made({"tracks": [TRACK.model_dump(mode="json")]})


class Script:
    """Stands for the steps: each kind of task ends as it is told, the last ending for ever."""

    def __init__(self, **endings: list[Outcome | Exception]) -> None:
        self.endings = endings
        self.seen: list[str] = []
        self.parts: list[str] = []
        self.results: dict[str, Mapping[str, list[dict[str, Any]]]] = {}

    async def run(
        self, claim: Claim, results: Mapping[str, list[dict[str, Any]]], folder: Path, progress: Progress
    ) -> Outcome:
        assert folder.is_dir()
        self.seen.append(claim.kind)
        self.parts.append(f"{claim.kind}/{claim.part}")
        self.results[claim.kind] = results
        left = self.endings[claim.kind]
        ending = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(ending, Exception):
            raise ending
        return ending


async def _table(world: Studio, *, max_attempts: int = 3) -> tuple[Database, TaskTable]:
    database = Database(world.dsn, world.config.database, service="test")
    await database.open()
    return database, TaskTable(database, worker="test", lease_s=3, max_attempts=max_attempts)


async def _work(world: Studio, script: Script, done: str, *, max_attempts: int = 3) -> Worker:
    """Let a worker follow the script until a condition on the database holds."""
    database, table = await _table(world, max_attempts=max_attempts)
    stop = asyncio.Event()
    with Workspace(world.layout.work) as workspace:
        worker = Worker(table, cast(Steps, script), workspace, Metrics(), jitter=lambda: 0.5)
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run(stop, slots=1))

            async def held() -> bool:
                return bool(await world.pool.fetchval(done))

            await until(held)
            stop.set()
    await database.close()
    return worker


@pytest.fixture
def upload(tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(b"bytes that nobody looks at")
    return path


def test_a_revision_runs_through_its_graph(upload: Path, short_tmp: Path, postgres_dsn: str) -> None:
    script = Script(
        probe=[Planned(PLAN)], audio=[MADE], thumbs=[MADE], publish=[Described(Presentation(tracks=(TRACK,)))]
    )

    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            await _work(world, script, "select state = 'ready' from asset")
            assert script.seen == ["probe", "audio", "thumbs", "publish"]
            assert await world.presentation(asset) == Presentation(tracks=(TRACK,))
            assert {task["state"] for task in (await world.tasks(asset)).values()} == {"done"}
            assert await world.pool.fetchval("select count(*) from pgqueuer") == 0
            assert await world.pool.fetchval("select count(*) from purge_order") == 1

    run(scenario())


@pytest.mark.parametrize(
    ("ending", "attempts", "delay_s"),
    [
        pytest.param(Unavailable("the store is away"), 0, 10, id="store-away"),
        pytest.param(StorageFull("the work disk is full"), 0, 10, id="disk-full"),
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), 0, 10, id="no-space-for-a-file"),
        pytest.param(ToolFailed("ffmpeg broke", status=1, log="last words"), 1, 5, id="tool-failed"),
        pytest.param(RuntimeError("a bug"), 1, 5, id="bug"),
    ],
)
def test_what_may_work_later_is_tried_later(
    ending: Exception, attempts: int, delay_s: float, upload: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            worker = await _work(world, Script(probe=[ending]), "select error is not null from task")
            waits = attempts == 0  # for an operator, who must be told
            with pytest.raises(Unavailable, match=re.escape(str(ending))) if waits else nullcontext():
                worker.check()
            task = (await world.tasks(asset))["probe"]
            assert (task["state"], task["attempts"]) == ("queued", attempts)
            assert str(ending) in task["error"]
            assert (await world.row(asset))["state"] == "processing"
            query = "select status, extract(epoch from execute_after - now()) as wait_s from pgqueuer"
            (job,) = await world.pool.fetch(query)
            assert job["status"] == "queued"
            assert delay_s - 3 < job["wait_s"] <= delay_s

    run(scenario())


class Unhousing(Script):
    """After its first task there is no place for a second one's folder."""

    async def run(
        self, claim: Claim, results: Mapping[str, list[dict[str, Any]]], folder: Path, progress: Progress
    ) -> Outcome:
        outcome = await super().run(claim, results, folder, progress)
        shutil.rmtree(folder.parent)
        return outcome


def test_a_task_that_gets_no_folder_keeps_its_attempt(upload: Path, short_tmp: Path, postgres_dsn: str) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            worker = await _work(world, Unhousing(probe=[Planned(PLAN)]), "select bool_or(error is not null) from task")
            with pytest.raises(Unavailable, match="cannot be made"):
                worker.check()
            task = (await world.tasks(asset))["audio"]
            assert (task["state"], task["attempts"]) == ("queued", 0)

    run(scenario())


@pytest.mark.parametrize(
    ("ending", "reason", "error"),
    [
        pytest.param(MediaRejected("It is a poem."), "It is a poem.", "a poem", id="no-video"),
        pytest.param(NotFound("source/x"), "not in the storage any more", "source/x", id="source-gone"),
        pytest.param(ToolFailed("broke", log="last words"), "failed several times", "last words", id="the-last-attempt"),
    ],
)  # fmt: skip
def test_what_never_works_fails_with_a_reason(
    ending: Exception, reason: str, error: str, upload: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    """While another task of the revision runs: that one is cancelled."""

    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            insert = "insert into task (asset_id, revision, kind, state) values ($1, 1, 'thumbs', 'running')"
            await world.pool.execute(insert, asset)
            await _work(world, Script(probe=[ending]), "select state = 'failed' from asset", max_attempts=1)
            assert reason in (await world.row(asset))["failure"]
            tasks = await world.tasks(asset)
            assert (tasks["probe"]["state"], tasks["thumbs"]["state"]) == ("failed", "cancelled")
            assert error in tasks["probe"]["error"]
            assert await world.pool.fetchval("select count(*) from pgqueuer") == 0

    run(scenario())


@pytest.mark.parametrize(
    ("script", "seen"),
    [
        pytest.param(
            Script(probe=[Planned(CHUNKED)], video=[Made({"n": 0}), UNFIT, Made({"n": 9})], thumbs=[Made({})], publish=[SHOWN]),
            ["probe/0", "video/0", "video/1", "video/3", "thumbs/0", "publish/0"],
            id="found-in-a-chunk",
        ),
        pytest.param(
            Script(probe=[Planned(CHUNKED)], video=[Made({"n": 0})], thumbs=[UNFIT, Made({})], publish=[SHOWN]),
            ["probe/0", "video/0", "video/1", "video/2", "thumbs/0", "video/3", "thumbs/0", "publish/0"],
            id="found-between-chunks",
        ),
        pytest.param(
            Script(probe=[Planned(CHUNKED)], video=[Made({"n": 0})], thumbs=[Made({})], publish=[UNFIT, SHOWN]),
            ["probe/0", "video/0", "video/1", "video/2", "thumbs/0", "publish/0", "video/3", "thumbs/0", "publish/0"],
            id="found-at-the-end",
        ),
    ],
)  # fmt: skip
def test_chunks_that_do_not_fit_are_replaced_by_one_task(
    script: Script, seen: list[str], upload: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            await _work(world, script, "select state = 'ready' from asset")
            assert script.parts == seen
            tasks = await world.tasks(asset)
            assert [tasks[f"video/{part}" if part else "video"]["state"] for part in range(4)] == [
                *3 * ["cancelled"],
                "done",
            ]
            assert all(task["lease_until"] is None and task["finished_at"] is not None for task in tasks.values())
            assert script.results["publish"]["video"] == [tasks["video/3"]["result"]]
            assert await world.pool.fetchval("select count(*) from pgqueuer") == 0

    run(scenario())


def test_progress_is_shared_out_by_frames(upload: Path, short_tmp: Path, postgres_dsn: str) -> None:
    """300 and 300 and 100 frames; a probe that ended is next to nothing."""

    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            database, table = await _table(world)
            probe = await table.take(set())
            assert probe is not None
            await table.finish_probe(probe, CHUNKED)
            assert (await world.row(asset))["progress"] == pytest.approx(2 / 94)
            first = await table.take(set())
            assert first is not None
            assert first.label == f"video:{asset}/1/0"
            await table.keep(first, 0.5)
            assert (await world.row(asset))["progress"] == pytest.approx((2 + 88 * 150 / 700) / 94)
            await table.finish(first, {})
            second = await table.take(set())
            assert second is not None
            await table.keep(second, 0.0)
            assert (await world.row(asset))["progress"] == pytest.approx((2 + 88 * 300 / 700) / 94)
            await database.close()

    run(scenario())


def test_the_beginning_of_any_asset_comes_before_the_rest_of_another(
    upload: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            earlier, later = await world.add(upload), await world.add(upload)
            database, table = await _table(world)
            taken = []
            for _ in range(8):
                claim = await table.take(set())
                assert claim is not None
                taken.append((claim.kind, claim.part, claim.asset))
                await (table.finish_probe(claim, CHUNKED) if claim.kind == "probe" else table.finish(claim, {}))
            assert taken[:2] == [("probe", 0, earlier), ("probe", 0, later)]
            assert taken[2:] == [
                *(("video", 0, asset) for asset in (earlier, later)),
                *(("video", 1, asset) for asset in (earlier, later)),
                ("video", 2, earlier),
                ("thumbs", 0, earlier),
            ]
            await database.close()

    run(scenario())


def test_a_worker_that_lost_its_task_changes_nothing(upload: Path, short_tmp: Path, postgres_dsn: str) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            database, slow = await _table(world)
            other, quick = await _table(world)
            first = await slow.take(set())
            assert first is not None
            assert await quick.take(set()) is None
            await world.pool.execute("update pgqueuer set heartbeat = now() - interval '4 s'")
            assert await slow.take({first.job.id}) is None  # its own job is recognised
            await world.pool.execute("update pgqueuer set heartbeat = now() - interval '4 s'")
            second = await quick.take(set())
            assert second is not None
            assert (second.id, second.attempt) == (first.id, 2)
            for late in (slow.keep(first, 0.5), slow.finish(first, {}), slow.give_back(first, "x")):
                with pytest.raises(LostTask):
                    await late
            await slow.abandon(first)
            await quick.finish_probe(second, PLAN)
            assert {kind: task["state"] for kind, task in (await world.tasks(asset)).items()} == {
                "probe": "done",
                "audio": "queued",
                "thumbs": "waiting",
                "publish": "waiting",
            }
            await database.close()
            await other.close()

    run(scenario())


def test_a_job_comes_into_being_with_its_transaction_and_once(upload: Path, short_tmp: Path, postgres_dsn: str) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            count = "select count(*) from pgqueuer"
            tasks = [QueuedTask(1, "probe"), QueuedTask(2, "video")]
            async with world.pool.acquire() as conn:
                transaction = conn.transaction()
                await transaction.start()
                await enqueue(conn, tasks)
                assert await conn.fetchval(count) == 2
                await transaction.rollback()
                assert await conn.fetchval(count) == 0
                await enqueue(conn, tasks)
                await enqueue(conn, [*tasks, QueuedTask(2, "video", attempt=1)])
                await enqueue(conn, [])
                assert await conn.fetchval(count) == 3

    run(scenario())


class Cancelling(Script):
    """While its sound is being made, somebody stops the whole revision."""

    def __init__(self, world: Studio, **endings: list[Outcome | Exception]) -> None:
        super().__init__(**endings)
        self._world = world

    async def run(
        self, claim: Claim, results: Mapping[str, list[dict[str, Any]]], folder: Path, progress: Progress
    ) -> Outcome:
        if claim.kind == "audio":
            await self._world.pool.execute("update task set state = 'cancelled' where kind = 'audio'")
        return await super().run(claim, results, folder, progress)


def test_a_task_that_was_cancelled_at_its_end_is_closed(upload: Path, short_tmp: Path, postgres_dsn: str) -> None:
    """It did its work before the next heartbeat could tell: the lease and the job must not stay."""

    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(upload)
            script = Cancelling(world, probe=[Planned(PLAN)], audio=[MADE])
            await _work(world, script, "select finished_at is not null from task where kind = 'audio'")
            audio = (await world.tasks(asset))["audio"]
            assert (audio["state"], audio["lease_until"], audio["result"]) == ("cancelled", None, None)
            assert await world.pool.fetchval("select count(*) from pgqueuer") == 0

    run(scenario())
