"""A database, a store and transcoder processes for one test; assets are seeded as the origin would."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import imageio_ffmpeg

from playnet.config import Config, parse
from playnet.db.database import Database
from playnet.db.migrate import migrate
from playnet.db.pool import open_pool
from playnet.jobs import QueuedTask, enqueue
from playnet.layout import Layout, layout_of
from playnet.media.records import Presentation
from playnet.names import AssetId, asset_id, source_key
from playnet.store.open import open_store
from tests.aio import until
from tests.files import files_below
from transcoder.adapters.ffmpeg import Runner, find_tools
from transcoder.adapters.steps import Planned, Progress, Steps
from transcoder.adapters.tasks import TaskTable

_YAML = """
data_dir: {root}/data
storage: {{path: {root}/data/objects}}
database: {{dsn_file: {root}/dsn}}
transcoder:
  preset: {preset}
  lease: 3s
  workers: {workers}
  ladder:
    - {{short_side: 144, max_bitrate: 200kbps, crf: 30}}
    - {{short_side: 360, max_bitrate: 900kbps, crf: 30}}
"""


def ffmpeg(*argv: str) -> str:
    """Run the bundled ffmpeg; returns what it wrote to stderr."""
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-y", *argv], check=True, capture_output=True
    )
    return done.stderr.decode(errors="replace")


@dataclass
class Studio:
    """Everything below one short folder."""

    root: Path
    dsn: str
    pool: asyncpg.Pool
    config: Config
    layout: Layout
    processes: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    async def add(self, source: Path) -> AssetId:
        """An asset whose upload is complete, with its probe queued."""
        asset = asset_id(os.urandom(12))
        key = source_key(asset, "upload")
        store = open_store(self.config, self.layout)
        stat = await store.put(key, source)
        await store.close()
        async with self.pool.acquire() as conn, conn.transaction():
            await conn.execute(
                "insert into asset (id, title, state, source_key, source_bytes) values ($1, 'a clip', 'queued', $2, $3)",
                asset, key, stat.size_bytes,
            )  # fmt: skip
            await conn.execute("insert into revision (asset_id, number) values ($1, 1)", asset)
            insert = "insert into task (asset_id, revision, kind, state) values ($1, 1, 'probe', 'queued') returning id"
            await enqueue(conn, [QueuedTask(await conn.fetchval(insert, asset), "probe")])
        return asset

    async def plan(self, asset: AssetId, folder: Path, *, chunk_s: float) -> None:
        """Do its probe here, with chunks of another length."""
        settings = self.config.transcoder
        database = Database(self.dsn, self.config.database, service="test")
        await database.open()
        store = open_store(self.config, self.layout)
        tasks = TaskTable(database, worker="test", lease_s=settings.lease, max_attempts=1)
        claim = await tasks.take(set())
        assert claim is not None
        assert claim.asset == asset
        steps = Steps(store, Runner(find_tools(settings)), settings, folder, chunk_s=chunk_s)
        planned = await steps.run(claim, {}, folder, Progress())
        assert isinstance(planned, Planned)
        await tasks.finish_probe(claim, planned.plan)
        await store.close()
        await database.close()

    def start(self, host: str = "data") -> "subprocess.Popen[bytes]":
        """One transcoder process, as on a host of that name: with a data directory of its own, on the common store."""
        argv = [sys.executable, "-m", "transcoder", "--config", str(self.root / "playnet.yaml")]
        argv += ["--data", str(self.root / host)]
        with (self.root / "log").open("ab") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=Path(__file__).parents[2])
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(timeout=30)

    def log(self) -> list[dict[str, Any]]:
        """What the processes logged."""
        lines = (self.root / "log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    async def row(self, asset: AssetId) -> asyncpg.Record:
        return await self.pool.fetchrow("select * from asset where id = $1", asset)

    async def ended(self, *assets: AssetId, deadline_s: float = 60) -> None:
        """Wait until all are ready or failed."""

        async def over() -> bool:
            query = "select bool_and(state in ('ready', 'failed')) from asset where id = any($1)"
            return bool(await self.pool.fetchval(query, list(assets)))

        await until(over, deadline_s=deadline_s)

    async def tasks(self, asset: AssetId) -> dict[str, asyncpg.Record]:
        """By kind; those of later chunks are called `video/1`, `video/2`, …"""
        rows = await self.pool.fetch("select * from task where asset_id = $1 order by id", asset)
        return {f"{row['kind']}/{row['part']}" if row["part"] else row["kind"]: row for row in rows}

    async def presentation(self, asset: AssetId) -> Presentation:
        query = "select presentation from revision where asset_id = $1 and number = 1"
        return Presentation.model_validate(await self.pool.fetchval(query, asset))

    def objects(self, asset: AssetId) -> set[str]:
        """Paths of an asset's stored files below its first revision."""
        base = self.layout.objects / "v" / asset / "1"
        return {str(path.relative_to(base)) for path in files_below(base)}

    def whole(self, asset: AssetId, track: str, segments: int) -> Path:
        """A rendition as one file: its init file and its segments."""
        base = self.layout.objects / "v" / asset / "1" / track
        target = self.root / f"{asset}-{track}.mp4"
        names = ["init.mp4", *(f"{number}.m4s" for number in range(1, segments + 1))]
        target.write_bytes(b"".join((base / name).read_bytes() for name in names))
        return target


@asynccontextmanager
async def studio(root: Path, dsn: str, *, preset: str = "ultrafast", workers: int = 2) -> AsyncIterator[Studio]:
    """A migrated database and an empty store; processes (of so many workers each) are stopped at the end."""
    (root / "dsn").write_text(dsn)
    text = _YAML.format(root=root, preset=preset, workers=workers)
    (root / "playnet.yaml").write_text(text)
    config = parse(text, name="test", base=root)
    await migrate(dsn)
    pool = await open_pool(dsn, config.database, service="test")
    world = Studio(root, dsn, pool, config, layout_of(config))
    try:
        yield world
    finally:
        world.stop()
        await pool.close()
