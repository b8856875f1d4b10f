"""What pages of a catalogue with 100,000 assets cost: list, search and show, at 200 requests a second.

Requests leave at fixed times, whatever answers come (open loop), so that a slow answer delays no other's clock. The sender is
the bench itself, not counted.
"""

import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
from rich.console import Console
from rich.table import Table

from bench.processes import cpu_s, stolen
from playnet.db.migrate import migrate
from playnet.media.summary import summarise
from tests.aio import until
from tests.catalogue import fill, word
from tests.origin import PRESENTATION, Place
from tests.servers import Postgres, RedisServer, hand_over

_ASSETS = 100_000
_RATE_PER_S = 200
_REQUESTS = 400
_ROUNDS = 2
_PORT = 18_390
_PAGE = 24  # as the start page asks


@dataclass(frozen=True)
class _Round:
    p50_ms: float
    p95_ms: float
    refused: float
    origin_ms: float
    postgres_ms: float


def run() -> None:
    """Print one table."""
    table = Table(title=f"{_ASSETS:,} assets, {_RATE_PER_S} requests/s: median of {_ROUNDS} rounds")
    for column in ("", "p50 ms", "p95 ms", "refused %", "origin CPU ms", "PostgreSQL CPU ms"):
        table.add_column(column, justify="left" if not column else "right")
    before = stolen()
    with _box() as (place, origin, postgres):
        for name, paths in asyncio.run(_pages(place)).items():
            rounds = [asyncio.run(_measured(place, paths, origin, postgres)) for _ in range(_ROUNDS)]
            figures = [
                statistics.median(getattr(one, column) for one in rounds) for column in _Round.__dataclass_fields__
            ]
            table.add_row(name, *(f"{figure:.1f}" for figure in figures))
    Console().print(table)
    Console().print(f"steal {before.until(stolen()):.0%}; {_REQUESTS} requests a round, {_PAGE} assets a page")


@contextmanager
def _box() -> Iterator[tuple[Place, int, int]]:
    """An origin in front of a full catalogue, and the process ids of origin and PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="pn-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("pg", "redis", "origin"):
            (folder / part).mkdir(mode=0o755)
        hand_over(folder / "redis")
        postgres, redis = Postgres(folder / "pg").start(), RedisServer(folder / "redis").start()
        place = Place(folder / "origin", _PORT, postgres.dsn("postgres"), redis.url)
        child = subprocess.Popen([sys.executable, "-m", "origin", "--config", str(place.file)])
        try:
            assert postgres.process is not None
            yield place, child.pid, postgres.process.pid
        finally:
            child.terminate()
            child.wait()
            redis.stop()
            postgres.stop()


async def _pages(place: Place) -> dict[str, Callable[[random.Random], str]]:
    """Fill the catalogue; what is asked for, by kind."""
    await migrate(place.dsn)
    connection = await asyncpg.connect(place.dsn)
    shown = (PRESENTATION.model_dump_json(), summarise(PRESENTATION).model_dump_json())
    await fill(connection, _ASSETS, presentation=shown[0], summary=shown[1])
    ids = [row["id"] for row in await connection.fetch("select id from asset limit 5000")]
    await connection.execute("vacuum analyze")
    await connection.close()
    return {
        "list": lambda _: f"/api/v1/assets?limit={_PAGE}",
        "list by tag": lambda dice: f"/api/v1/assets?limit={_PAGE}&tag={word('tag', dice.randrange(1000))}",
        "show": lambda dice: f"/api/v1/assets/{dice.choice(ids)}",
        "search, one word": lambda dice: f"/api/v1/search?limit={_PAGE}&q={_spoken(dice)}",
        "search, two words": lambda dice: f"/api/v1/search?limit={_PAGE}&q={_spoken(dice)}+{_spoken(dice)}",
        "search with a slip": lambda dice: f"/api/v1/search?limit={_PAGE}&q=x{_spoken(dice)}",
    }


def _spoken(dice: random.Random) -> str:
    """A word as often as it is in titles."""
    return word("word", int(20_000 ** dice.random()))


async def _measured(place: Place, path: Callable[[random.Random], str], origin: int, postgres: int) -> _Round:
    dice = random.Random(7)
    paths = [path(dice) for _ in range(_REQUESTS)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as session:
        await until(lambda: _answers(session, place.url))
        before = cpu_s(origin), cpu_s(postgres)
        start = time.monotonic()
        asked = (_timed(session, place.url + one, start + number / _RATE_PER_S) for number, one in enumerate(paths))
        answers = await asyncio.gather(*asked)
        taken = sorted(seconds for seconds, _ in answers)
        spent = cpu_s(origin) - before[0], cpu_s(postgres) - before[1]
    return _Round(
        p50_ms=taken[len(taken) // 2] * 1000,
        p95_ms=taken[len(taken) * 95 // 100] * 1000,
        refused=100 * sum(status != 200 for _, status in answers) / len(paths),
        origin_ms=spent[0] / len(paths) * 1000,
        postgres_ms=spent[1] / len(paths) * 1000,
    )


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def _timed(session: aiohttp.ClientSession, url: str, at: float) -> tuple[float, int]:
    """Seconds from the moment at which it was due, and the status."""
    await asyncio.sleep(at - time.monotonic())
    async with session.get(url) as response:
        await response.read()
    return time.monotonic() - at, response.status
