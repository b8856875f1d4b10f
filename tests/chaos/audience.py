"""An audience that never gives up: likes and beats, each sent again until it was acknowledged, some also afterwards."""

import asyncio
import json
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg

from tests.origin import PRESENTATION, Place
from tests.players import FIREFOX, Player

BEATS = 4  # of ten seconds for each session: thirty are a view
_DURATION_S = 60
_ACCOUNTS = 40
_AGAIN = 0.1
_DEADLINE_S = 15
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.05, 1.0


@dataclass(frozen=True)
class Act:
    """One call that must count once. `player`: of a beat, whose report carries the time of sending."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    player: Player | None = None


@dataclass
class Audience:
    """`acknowledged` counts first acknowledgements; `tries` all calls."""

    place: Place
    acts: list[Act]
    acknowledged: int = 0
    tries: int = 0
    _left: Iterator[Act] = field(init=False)

    def __post_init__(self) -> None:
        self._left = iter(self.acts)

    async def work(self, rng: random.Random) -> None:
        """One of its members: the next act, until there is none."""
        timeout = aiohttp.ClientTimeout(total=_DEADLINE_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for act in self._left:
                await self._insist(session, act)
                self.acknowledged += 1
                if rng.random() < _AGAIN:
                    await self._insist(session, act)

    async def _insist(self, session: aiohttp.ClientSession, act: Act) -> None:
        pause_s = _FIRST_PAUSE_S
        while not await self._try(session, act):
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LAST_PAUSE_S)

    async def _try(self, session: aiohttp.ClientSession, act: Act) -> bool:
        self.tries += 1
        body = act.body if act.player is None else act.player.report([act.body])
        try:
            async with session.request(
                act.method, self.place.url + act.path, data=json.dumps(body), headers=act.headers
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
        assert answer.status in {200, 429, 503}, (answer.status, text)
        if answer.status != 200:
            return False
        assert act.player is None or json.loads(text) == {"accepted": 1, "refused": []}
        return True


async def films(place: Place, count: int) -> list[str]:
    """Assets of a minute that can be watched, made without a transcoder."""
    names = [
        secrets.choice("abc") + secrets.token_hex(20).translate(str.maketrans("01", "gh"))[:11] for _ in range(count)
    ]
    track = PRESENTATION.tracks[0].model_copy(
        update={
            "timescale": 1000,
            "segment_ticks": (4000,) * (_DURATION_S // 4),
            "segment_bytes": (9,) * (_DURATION_S // 4),
        }
    )
    shown = PRESENTATION.model_copy(update={"tracks": (track,)}).model_dump_json()
    connection = await asyncpg.connect(place.dsn)
    await connection.executemany(
        "insert into asset (id, title, state, revision) values ($1, 'film', 'ready', 1)", [(name,) for name in names]
    )
    await connection.executemany(
        "insert into revision (asset_id, number, presentation, published_at) values ($1, 1, $2, now())",
        [(name, shown) for name in names],
    )
    await connection.close()
    return names


async def likes(place: Place, films_: list[str], count: int) -> list[Act]:
    """Different pairs of account and film."""
    connection = await asyncpg.connect(place.dsn)
    tokens = []
    for number in range(_ACCOUNTS):
        name, secret = f"likes{number:07}", secrets.token_urlsafe(32)
        await connection.execute("insert into account (id, email, name) values ($1, $1 || '@a.example', 'x')", name)
        await connection.execute(
            "insert into api_token (id, account_id, name, sha256, scopes) values ($1, $1, 'x', sha256($2::text::bytea), '{watch}')",
            name, secret,
        )  # fmt: skip
        tokens.append(f"pn_{name}_{secret}")
    await connection.close()
    pairs = [(token, film) for film in films_ for token in tokens][:count]
    assert len(pairs) == count
    return [
        Act(
            "PUT", f"/api/v1/assets/{film}/reaction",
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            {"reaction": "dislike" if number % 5 == 0 else "like"},
        )
        for number, (token, film) in enumerate(pairs)
    ]  # fmt: skip


def beats(films_: list[str], sessions: int) -> list[Act]:
    """Sessions of different devices behind different addresses, each of one view."""
    found = []
    for number in range(sessions):
        player = Player(films_[number % len(films_)], skew_s=number % 7 * 1000)
        headers = {
            "User-Agent": FIREFOX, "Content-Type": "text/plain", "Cookie": f"playnet-device={secrets.token_urlsafe(16)}",
            "X-Forwarded-For": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
        }  # fmt: skip
        found += [Act("POST", "/api/v1/beats", headers, beat, player) for beat in player.watched(10 * BEATS, ago_s=60)]
    return found


async def totals(place: Place) -> dict[str, int]:
    """What the database says: totals beside the rows that they are of."""
    connection = await asyncpg.connect(place.dsn)
    row = await connection.fetchrow(
        "select sum(views)::int as views, sum(likes)::int as likes, sum(dislikes)::int as dislikes,"
        " sum(watch_ms)::bigint as watch_ms,"
        " (select count(*) from asset_view)::int as view_rows,"
        " (select count(*) from reaction where value = 1)::int as like_rows,"
        " (select count(*) from beat)::int as beats,"
        " (select count(distinct (session, sequence)) from beat)::int as different_beats,"
        " (select sum(least(claimed_ms, last_ms - began_ms + 1000)) from sitting)::bigint as watched_ms,"
        " (select sum(n) from asset_heat, unnest(plays) as n)::int as seconds,"
        " (select count(*) from viewing where position_ms = 40000)::int as places from asset_signal"
    )
    await connection.close()
    assert row is not None
    return dict(row)
