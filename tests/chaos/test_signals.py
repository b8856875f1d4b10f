"""kill -9 of origin, Redis and PostgreSQL in turn while people like and watch: every acknowledged act counts once."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import aiohttp

from playnet.db.migrate import migrate
from tests.aio import run, until
from tests.origin import Place
from tests.servers import Postgres, RedisServer

from .audience import BEATS, Audience, beats, films, likes, totals
from .bed import number, seeded

_MEMBERS = 24
_FILMS = 100
_VICTIMS = ("origin", "redis", "postgres")


class Box:
    """An origin, its Redis and its PostgreSQL: three processes to kill."""

    def __init__(self, place: Place, postgres: Postgres, redis: RedisServer) -> None:
        self.place = place
        self.postgres = postgres
        self.redis = redis
        self.origin: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        argv = [sys.executable, "-m", "origin", "--config", str(self.place.file)]
        with (self.place.folder / "log").open("ab") as log:
            self.origin = subprocess.Popen(argv, stdout=log, stderr=log)

    def end(self) -> None:
        if self.origin is not None:
            self.origin.kill()
            self.origin.wait(timeout=20)

    async def kill(self, victim: str) -> None:
        """And start it again."""
        if victim == "origin":
            self.end()
            self.start()
        elif victim == "redis":
            self.redis.stop(signal.SIGKILL)
            self.redis.start()
        else:
            self.postgres.stop(signal.SIGKILL)
            await until(self._postgres_starts)
        await until(self.is_ready)

    def _postgres_starts(self) -> bool:
        """The children of a killed postmaster hold its memory for a moment."""
        try:
            self.postgres.start(durable=True)
        except AssertionError:
            return False
        return True

    async def is_ready(self) -> bool:
        with suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with aiohttp.ClientSession() as session, session.get(f"{self.place.url}/readyz") as answer:
                return answer.status == 200
        return False


def test_totals_are_exact_whatever_was_killed(
    short_tmp: Path, own_postgres: Postgres, redis_server: RedisServer, free_port: Callable[[], int]
) -> None:
    rng, events = seeded(), number("SIGNALS", 2_000)
    kills = max(3, min(15, events // 1_000))
    place = Place(short_tmp, free_port(), own_postgres.dsn("postgres"), redis_server.url)
    box = Box(place, own_postgres, redis_server)

    async def scenario() -> None:
        await migrate(place.dsn)
        found = await films(place, _FILMS)
        sessions, liked = events // 6, events // 6
        acts = [*beats(found, sessions), *await likes(place, found, liked)]
        rng.shuffle(acts)
        audience = Audience(place, acts)
        box.start()
        await until(box.is_ready)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for member in range(_MEMBERS):
                group.create_task(audience.work(random.Random(member)), name=f"member-{member}")
            group.create_task(_kill(box, audience, kills), name="killer")
        _check(await totals(place), sessions, liked)
        print(
            f"{len(acts)} likes and beats, {sessions} views, {kills} kills, {audience.tries} calls, "
            f"{time.monotonic() - began:.0f} s: totals exact"
        )

    try:
        run(scenario(), deadline_s=120 + events / 20)
    finally:
        box.end()


async def _kill(box: Box, audience: Audience, kills: int) -> None:
    """One after the other, evenly over the work; always in the middle of it."""
    for kill in range(kills):
        goal = len(audience.acts) * (kill + 1) // (kills + 2)
        await until(lambda goal=goal: audience.acknowledged >= goal, deadline_s=600)  # type: ignore[misc]
        await box.kill(_VICTIMS[kill % len(_VICTIMS)])


def _check(found: dict[str, int], sessions: int, liked: int) -> None:
    dislikes = -(-liked // 5)
    assert (found["views"], found["view_rows"]) == (sessions, sessions)
    assert (found["likes"], found["like_rows"], found["dislikes"]) == (liked - dislikes, liked - dislikes, dislikes)
    assert (found["beats"], found["different_beats"]) == (sessions * BEATS, sessions * BEATS)
    assert found["seconds"] == sessions * BEATS * 10
    assert found["watch_ms"] == found["watched_ms"]
    assert sessions * 30_000 <= found["watch_ms"] <= sessions * BEATS * 10_000
    assert found["places"] == sessions
