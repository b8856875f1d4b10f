"""Records beats in PostgreSQL, many at once, each exactly once.

One transaction holds a batch: the sessions with their new beats, the views and watch time that follow, the totals of the
assets, where viewers are, plays by second, and the raw beats. Whatever dies, a beat is in all of it or in nothing, and
sending it again finds it in its session's `seen`. Rows are locked in one order (sessions, viewings, totals, heat), each
kind sorted, so origins wait for each other and never block each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

import asyncpg

from origin.adapters.statements import SQL
from origin.core.signals import heat, view_rule
from origin.core.signals.beats import Beat, EpochMs, Refusal, Viewer
from origin.core.signals.resume import Trail, mark_of
from origin.core.signals.sittings import Sitting, fold, span_of
from origin.core.signals.spans import Span, read, write
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.errors import Unavailable
from playnet.names import AssetId

from .durations import Durations, Watchable
from .trails import Pair, grown, lock_trails, save_trails

_ATTEMPTS: Final = 3  # an asset may be removed between the first statement and the last
_GONE: Final = Watchable(revision=0, duration_ms=0)  # of another session's beat: fold refuses it
_RAW: Final = (
    "received_at", "at", "session", "sequence", "asset_id", "revision", "position_ms", "played_ms", "rate", "state",
    "rendition", "edge",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Settled beats of one caller."""

    viewer: Viewer
    bot: bool
    beats: tuple[Beat, ...]


Refused = tuple[Beat, Refusal]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch. `places`: trails that changed, with their versions."""

    refused: tuple[Refused, ...]
    places: tuple[tuple[Pair, Trail, int], ...]


@dataclass(slots=True)
class _Sum:
    """What a batch adds up to, before it is written."""

    sittings: dict[str, Sitting] = field(default_factory=dict)
    fresh: dict[str, tuple[Beat, ...]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    views: dict[AssetId, int] = field(default_factory=dict)
    watched_ms: dict[AssetId, int] = field(default_factory=dict)


class Ledger:
    """One per origin."""

    def __init__(self, database: Database, durations: Durations) -> None:
        self._database = database
        self._durations = durations

    async def record(self, arrivals: Sequence[Arrival]) -> Recorded:
        """All of it, durably, or an error and nothing. Unavailable."""
        for _ in range(_ATTEMPTS):
            try:
                async with self._database.transaction() as connection:
                    return await self._record(connection, arrivals)
            except asyncpg.ForeignKeyViolationError:
                continue  # an asset went away under us; the next try does not see it
        raise Unavailable("assets are being removed: send the beats again")

    async def _record(self, connection: Connection, arrivals: Sequence[Arrival]) -> Recorded:
        batch = _Sum()
        watchable = await self._durations.of(connection, (beat.asset for some in arrivals for beat in some.beats))
        sessions = _by_session(arrivals, watchable, batch)
        before = await _lock_sittings(connection, sessions)
        for session, (_, beats) in sessions.items():
            known = watchable.get(before[session].asset, _GONE)
            _fold(batch, session, before[session], beats, known.duration_ms)
        places = await self._follow(connection, batch, watchable)
        await _judge(connection, batch, watchable)
        await _save_sittings(connection, batch)
        await _add_totals(connection, batch)
        await _add_heat(connection, batch, watchable)
        await _add_raw(connection, batch, watchable)
        return Recorded(tuple(batch.refused), places)

    async def _follow(
        self, connection: Connection, batch: _Sum, watchable: Mapping[AssetId, Watchable]
    ) -> tuple[tuple[Pair, Trail, int], ...]:
        """Move viewers to where their beats say. Locks the pairs that views are judged for, too."""
        pairs = {session: (sitting.viewer, sitting.asset) for session, sitting in batch.sittings.items()}
        trails = await lock_trails(connection, list(pairs.values()))
        for session, beats in batch.fresh.items():
            marks = [mark for beat in beats if (mark := mark_of(beat)) is not None]
            trails[pairs[session]] = grown(trails[pairs[session]], marks)
        durations = {asset: known.duration_ms for asset, known in watchable.items()}
        versions = await save_trails(connection, trails, durations)
        return tuple((pair, trails[pair], version) for pair, version in versions.items())


def _by_session(
    arrivals: Sequence[Arrival], watchable: Mapping[AssetId, Watchable], batch: _Sum
) -> dict[str, tuple[Sitting, list[Beat]]]:
    """Beats of each session, with the sitting that it would begin."""
    found: dict[str, tuple[Sitting, list[Beat]]] = {}
    for arrival in arrivals:
        for beat in arrival.beats:
            if beat.asset not in watchable:
                batch.refused.append((beat, Refusal.UNKNOWN_ASSET))
                continue
            sitting = Sitting(viewer=arrival.viewer, asset=beat.asset, bot=arrival.bot)
            found.setdefault(beat.session, (sitting, []))[1].append(beat)
    return dict(sorted(found.items()))


def _fold(batch: _Sum, session: str, before: Sitting, beats: Sequence[Beat], duration_ms: int) -> None:
    folded = fold(before, beats, duration_ms=duration_ms)
    batch.refused += folded.refused
    if not folded.fresh:
        return
    batch.sittings[session], batch.fresh[session] = folded.sitting, folded.fresh
    if not before.bot:
        more_ms = folded.sitting.credited_ms - before.credited_ms
        batch.watched_ms[before.asset] = batch.watched_ms.get(before.asset, 0) + more_ms


async def _lock_sittings(
    connection: Connection, sessions: Mapping[str, tuple[Sitting, list[Beat]]]
) -> dict[str, Sitting]:
    found = await _locked(connection, list(sessions))
    new = {session: sitting for session, (sitting, _) in sessions.items() if session not in found}
    if new:
        columns = [(name, sitting.viewer, sitting.asset, sitting.bot) for name, sitting in new.items()]
        await connection.execute(SQL["begin_sittings"], *map(list, zip(*columns, strict=True)))
        found |= await _locked(connection, list(new))
    return found


async def _locked(connection: Connection, sessions: list[str]) -> dict[str, Sitting]:
    if not sessions:
        return {}
    return {row["session"]: _read(row) for row in await connection.fetch(SQL["lock_sittings"], sessions)}


def _read(row: asyncpg.Record) -> Sitting:
    return Sitting(
        viewer=Viewer(row["viewer"]),
        asset=AssetId(row["asset_id"]),
        bot=row["bot"],
        seen=read(row["seen"]),
        covered=read(row["covered"]),
        claimed_ms=row["claimed_ms"],
        began_at=row["began_ms"],
        last_at=row["last_ms"],
        judged=row["judged"],
    )


async def _judge(connection: Connection, batch: _Sum, watchable: Mapping[AssetId, Watchable]) -> None:
    """Decide on the sessions that came far enough."""
    reached = {
        session: sitting
        for session, sitting in batch.sittings.items()
        if not sitting.judged and _verdict(sitting, watchable, ()).final
    }
    if not reached:
        return
    columns = [(sitting.asset, sitting.viewer, _last(sitting)) for sitting in reached.values()]
    rows = await connection.fetch(SQL["near_views"], *map(list, zip(*columns, strict=True)), view_rule.AGAIN_MS)
    near: dict[Pair, list[EpochMs]] = {}
    for row in rows:
        near.setdefault((Viewer(row["viewer"]), AssetId(row["asset_id"])), []).append(row["at_ms"])
    counted: list[tuple[AssetId, Viewer, EpochMs]] = []
    for session, sitting in reached.items():
        views = near.setdefault((sitting.viewer, sitting.asset), [])
        if _verdict(sitting, watchable, views).counts:
            views.append(_last(sitting))
            counted.append((sitting.asset, sitting.viewer, _last(sitting)))
            batch.views[sitting.asset] = batch.views.get(sitting.asset, 0) + 1
        batch.sittings[session] = replace(sitting, judged=True)
    if counted:
        await connection.execute(SQL["add_views"], *map(list, zip(*counted, strict=True)))


def _verdict(sitting: Sitting, watchable: Mapping[AssetId, Watchable], views: Sequence[EpochMs]) -> view_rule.Verdict:
    duration_ms = watchable[sitting.asset].duration_ms
    return view_rule.judge(sitting, duration_ms=duration_ms, at=_last(sitting), views=views)


def _last(sitting: Sitting) -> EpochMs:
    assert sitting.last_at is not None
    return sitting.last_at


async def _save_sittings(connection: Connection, batch: _Sum) -> None:
    columns = [
        (name, write(now.seen), write(now.covered), now.claimed_ms, now.began_at, now.last_at, now.judged)
        for name, now in batch.sittings.items()
    ]
    if columns:
        await connection.execute(SQL["save_sittings"], *map(list, zip(*columns, strict=True)))


async def _add_totals(connection: Connection, batch: _Sum) -> None:
    changed = [
        (asset, batch.views.get(asset, 0), batch.watched_ms.get(asset, 0), 0, 0)
        for asset in sorted(batch.views.keys() | batch.watched_ms.keys())
        if batch.views.get(asset) or batch.watched_ms.get(asset)
    ]
    if changed:
        await connection.execute(SQL["add_signals"], *map(list, zip(*changed, strict=True)))


async def _add_heat(connection: Connection, batch: _Sum, watchable: Mapping[AssetId, Watchable]) -> None:
    played: list[tuple[AssetId, int, Span, int]] = []
    for session, beats in batch.fresh.items():
        if batch.sittings[session].bot:
            continue
        for beat in beats:
            known = watchable[beat.asset]
            if (span := span_of(beat, known.duration_ms)) is not None:
                played.append((beat.asset, _revision(beat, known), span, known.duration_ms))
    minutes = sorted(heat.spread(played).items())
    if minutes:
        columns = [
            (minute.asset, minute.revision, minute.number, "{" + ",".join(map(str, plays)) + "}")
            for minute, plays in minutes
        ]
        await connection.execute(SQL["add_heat"], *map(list, zip(*columns, strict=True)))


async def _add_raw(connection: Connection, batch: _Sum, watchable: Mapping[AssetId, Watchable]) -> None:
    now = datetime.now(UTC)
    records = [
        (
            now, _when(beat.at), beat.session, beat.sequence, beat.asset, _revision(beat, watchable[beat.asset]),
            beat.position_ms, beat.played_ms, beat.rate, beat.state.value, beat.rendition, beat.edge,
        )
        for beats in batch.fresh.values()
        for beat in beats
    ]  # fmt: skip
    if records:
        await connection.copy_records_to_table("beat", records=records, columns=_RAW)


def _revision(beat: Beat, known: Watchable) -> int:
    """One that exists: a player cannot have seen a later one than the current."""
    return known.revision if beat.revision is None else min(beat.revision, known.revision)


def _when(at: EpochMs) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
