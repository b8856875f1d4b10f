"""What a beat costs: CPU of the origin, PostgreSQL and Redis, at a thousand beats a second and as fast as they are taken.

Every beat comes in a report of its own, as pages send them, from anonymous viewers of their own. The sender is the bench
itself, not counted.
"""

import asyncio
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from bench.processes import cpu_s, stolen
from playnet.db.migrate import migrate
from tests.aio import until
from tests.chaos.audience import films
from tests.origin import Place
from tests.players import FIREFOX, Player
from tests.servers import Postgres, RedisServer, hand_over

_VIEWERS = 2_000
_FILMS = 50
_BEATS = 5_000
_CONNECTIONS = 64
_GOAL_PER_S = 1_000
_ROUNDS = 3


@dataclass
class _Viewer:
    player: Player
    headers: dict[str, str]
    position_s: int = 0

    def body(self, beats: int) -> str:
        """Reports of somebody who goes on watching."""
        told = []
        for _ in range(beats):
            self.position_s = self.position_s % 50 + 10
            told.append(self.player.beat(self.position_s, 10))
        return json.dumps(self.player.report(told))


@dataclass(frozen=True)
class _Round:
    rate: float
    origin_us: float
    postgres_us: float
    redis_us: float
    p95_ms: float


def run() -> None:
    """Print one table."""
    table = Table(title="beats: CPU µs for each, median of the rounds")
    for column in ("", "beats/s", "origin", "PostgreSQL", "Redis", "p95 ms", "origin's share of a core at 1,000/s"):
        table.add_column(column, justify="left" if not column else "right")
    before = stolen()
    with _box() as (place, pids):
        asyncio.run(_fill(place, table, pids))
    Console().print(table)
    Console().print(
        f"steal {before.until(stolen()):.0%}; {_ROUNDS} rounds of {_BEATS} beats, {_CONNECTIONS} connections"
    )


async def _fill(place: Place, table: Table, pids: tuple[int, int, int]) -> None:
    found = await films(place, _FILMS)
    rows = {
        f"paced at {_GOAL_PER_S}/s": (1, _GOAL_PER_S),
        "one beat for each report": (1, None),
        "ten beats (offline)": (10, None),
    }
    for name, (each, pace) in rows.items():
        viewers = [_viewer(found, number) for number in range(_VIEWERS)]
        rounds = [await _round(place, viewers, pids, each, pace) for _ in range(_ROUNDS)]
        middle = sorted(rounds, key=lambda done: done.origin_us)[len(rounds) // 2]
        table.add_row(
            name, f"{middle.rate:.0f}", f"{middle.origin_us:.0f}", f"{middle.postgres_us:.0f}",
            f"{middle.redis_us:.0f}", f"{middle.p95_ms:.0f}", f"{middle.origin_us / 1000:.2f}",
        )  # fmt: skip


async def _round(
    place: Place, viewers: list[_Viewer], pids: tuple[int, int, int], each: int, pace: int | None
) -> _Round:
    """Send all beats; what they cost."""
    turns, waits_ms = count(), list[float]()
    before, began = [cpu_s(pid) for pid in pids], time.perf_counter()

    async def sender(session: aiohttp.ClientSession) -> None:
        while (turn := next(turns)) * each < _BEATS:
            if pace is not None:
                await asyncio.sleep(max(0.0, began + turn * each / pace - time.perf_counter()))
            viewer = viewers[turn % len(viewers)]
            sent = time.perf_counter()
            async with session.post(
                f"{place.url}/api/v1/beats", data=viewer.body(each), headers=viewer.headers
            ) as answer:
                assert answer.status == 200, await answer.text()
            waits_ms.append((time.perf_counter() - sent) * 1000)

    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_CONNECTIONS)) as session,
        asyncio.TaskGroup() as group,
    ):
        for number in range(_CONNECTIONS):
            group.create_task(sender(session), name=f"sender-{number}")
    wall = time.perf_counter() - began
    spent = [(cpu_s(pid) - was) / _BEATS * 1e6 for pid, was in zip(pids, before, strict=True)]
    return _Round(_BEATS / wall, *spent, sorted(waits_ms)[len(waits_ms) * 95 // 100])


def _viewer(found: list[str], number: int) -> _Viewer:
    headers = {
        "User-Agent": FIREFOX, "Content-Type": "text/plain", "Cookie": f"playnet-device={secrets.token_urlsafe(16)}",
        "X-Forwarded-For": f"10.0.{number >> 8}.{number & 255}",
    }  # fmt: skip
    return _Viewer(Player(found[number % len(found)]), headers)


@contextmanager
def _box() -> Iterator[tuple[Place, tuple[int, int, int]]]:
    """An origin with durable stores of its own, and the processes to watch."""
    with tempfile.TemporaryDirectory(prefix="pn-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("pg", "redis-server"):
            (folder / part).mkdir(mode=0o755)
            hand_over(folder / part)
        postgres, redis = Postgres(folder / "pg").start(durable=True), RedisServer(folder / "redis-server").start()
        place = Place(folder, 18_095, postgres.dsn("postgres"), redis.url)
        asyncio.run(migrate(place.dsn))
        with (folder / "log").open("ab") as log:
            argv = [sys.executable, "-m", "origin", "--config", str(place.file)]
            origin = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            asyncio.run(until(lambda: _is_ready(place)))
            assert postgres.process is not None
            assert redis.process is not None
            yield place, (origin.pid, postgres.process.pid, redis.process.pid)
        finally:
            origin.kill()
            origin.wait(timeout=20)
            redis.stop()
            postgres.stop()


async def _is_ready(place: Place) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{place.url}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
