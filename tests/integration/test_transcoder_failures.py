"""What goes wrong around an encode: killed and stopped workers, deleted assets, a database that goes away."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from playnet.media.cmaf import index_bytes
from playnet.names import AssetId
from tests.aio import run, until
from tests.integration.transcoding import Studio, ffmpeg, studio
from tests.servers import Postgres, postgres_binary


@pytest.fixture(scope="module")
def long_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose encode takes long enough to be interrupted."""
    path = tmp_path_factory.mktemp("sources") / "long"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=16", "-c:v", "libx264", "-preset", "ultrafast",
        "-pix_fmt", "yuv420p", "-f", "mp4", str(path),
    )  # fmt: skip
    return path


async def _encoding(world: Studio, asset: AssetId) -> None:
    """Wait until pictures are being encoded."""

    async def begun() -> bool:
        query = "select coalesce(max(progress), 0) > 0 from task where asset_id = $1 and kind = 'video' and state = 'running'"
        return bool(await world.pool.fetchval(query, asset))

    await until(begun)


def _descendants(pid: int) -> set[int]:
    """Every process below `pid`."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child} | _descendants(child)
    return found


def _alive(pid: int) -> bool:
    """Whether a process runs (an orphan that ended but was not reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_worker_leaves_no_ffmpeg_and_loses_only_its_chunk(
    long_source: Path, tmp_path: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn, preset="medium", workers=1) as world:
            asset = await world.add(long_source)
            await world.plan(asset, tmp_path, chunk_s=4)
            victim, _ = world.start(), world.start("other")
            done = "select count(*) > 0 from task where asset_id = $1 and kind = 'video' and state = 'done'"
            await until(lambda: world.pool.fetchval(done, asset))
            await until(lambda: bool(_halted(victim.pid)))
            children = _descendants(victim.pid)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            await until(lambda: not any(map(_alive, children)))
            query = "select part from task where asset_id = $1 and kind = 'video' and worker like '%:' || $2 || '/%' and state = 'running'"
            lost = await world.pool.fetchval(query, asset, str(victim.pid))
            assert lost is not None
            world.start()
            await world.ended(asset)
            assert (await world.row(asset))["state"] == "ready"
            query = "select part, attempts from task where asset_id = $1 and kind = 'video' order by part"
            attempts = dict(await world.pool.fetch(query, asset))
            assert attempts == {part: 1 + (part == lost) for part in range(4)}
            for track in (await world.presentation(asset)).video:
                movie = index_bytes(world.whole(asset, track.name, 4).read_bytes())
                assert [one.decode_ticks for one in movie.fragments] == [part * 4 * 12800 for part in range(4)]
                assert sum(track.segment_ticks) == 16 * 12800
            swept = [line["swept"] for line in world.log() if line["event"] == "transcoder.started"]
            assert sorted(swept) == [0, 0, 1]

    run(scenario(), deadline_s=120)


def _halted(pid: int) -> set[int]:
    """Stop every ffmpeg below `pid` amidst its work; returns those that were."""
    children = {child for child in _descendants(pid) if _alive(child) and _name(child).startswith("ffmpeg")}
    for child in children:
        os.kill(child, signal.SIGSTOP)
    return set(filter(_alive, children))


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


async def _caught(world: Studio, asset: AssetId, pid: int) -> None:
    """Wait until that process, which has one worker, encodes the first chunk, and stop its ffmpeg amidst it."""
    begun = "select count(*) > 0 from task where asset_id = $1 and kind = 'video' and part = 0 and state = 'running'"
    await until(lambda: world.pool.fetchval(begun, asset))
    await until(lambda: bool(_halted(pid)))


def test_deleting_an_asset_ends_its_encode(long_source: Path, short_tmp: Path, postgres_dsn: str) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn, preset="medium", workers=1) as world:
            asset = await world.add(long_source)
            process = world.start()
            await _caught(world, asset, process.pid)
            children = _descendants(process.pid)
            await world.pool.execute("update asset set deleted_at = now(), restore_until = now() where id = $1", asset)
            await until(lambda: not any(map(_alive, children)))

            async def closed() -> bool:
                open_jobs = await world.pool.fetchval("select count(*) from pgqueuer")
                tasks = await world.tasks(asset)
                return open_jobs == 0 and tasks["video"]["state"] == tasks["video/1"]["state"] == "cancelled"

            await until(closed)
            assert world.objects(asset) == set()

    run(scenario())


def test_a_stopped_worker_gives_its_task_back_without_spending_an_attempt(
    long_source: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn, preset="medium", workers=1) as world:
            asset = await world.add(long_source)
            process = world.start()
            await _caught(world, asset, process.pid)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=15) == 0
            video = (await world.tasks(asset))["video"]
            assert (video["state"], video["attempts"]) == ("queued", 0)
            assert list(world.layout.work.iterdir()) == []
            assert not world.layout.transcoder_socket.exists()
            world.start()
            await world.ended(asset)
            assert (await world.row(asset))["state"] == "ready"
            assert (await world.tasks(asset))["video"]["attempts"] == 1

    run(scenario(), deadline_s=90)


def test_a_database_away_for_longer_than_the_lease_costs_nothing(
    long_source: Path, short_tmp: Path, own_postgres: Postgres
) -> None:
    subprocess.run([postgres_binary("createdb"), "-h", str(own_postgres.folder), "-U", "playnet", "away"], check=True)

    async def scenario() -> None:
        async with studio(short_tmp, own_postgres.dsn("away"), preset="medium") as world:
            asset = await world.add(long_source)
            world.start()
            await _encoding(world, asset)
            own_postgres.stop(signal.SIGINT)
            failed = {"heartbeat.failed", "task.unsettled"}
            await until(lambda: sum(line["event"] in failed for line in world.log()) >= 5)
            own_postgres.start(durable=True)
            await world.ended(asset)
            assert (await world.row(asset))["state"] == "ready"
            assert {kind: task["attempts"] for kind, task in (await world.tasks(asset)).items()} == dict.fromkeys(
                ("probe", "video", "video/1", "thumbs", "publish"), 1
            )

    run(scenario(), deadline_s=90)


def test_a_task_that_kills_its_worker_every_time_is_set_aside(
    long_source: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            asset = await world.add(long_source)
            await world.pool.execute("update task set attempts = 3, state = 'running' where asset_id = $1", asset)
            world.start()
            await world.ended(asset)
            row = await world.row(asset)
            assert row["state"] == "failed"
            assert "3 times" in row["failure"]
            assert await world.pool.fetchval("select count(*) from pgqueuer") == 0

    run(scenario())
