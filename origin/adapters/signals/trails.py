"""Trails in rows and back."""

import json
from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from origin.adapters.statements import SQL
from origin.core.signals.beats import Viewer
from origin.core.signals.resume import Mark, Trail, bounded, is_finished, merge, place
from playnet.db.pool import Connection
from playnet.names import AssetId

Pair = tuple[Viewer, AssetId]

_FIELDS: Final = tuple(Mark.__dataclass_fields__)


def write_trail(trail: Trail) -> str:
    """JSON: a list of lists, in the order of Mark's fields."""
    return json.dumps([astuple(mark) for mark in sorted(trail)], separators=(",", ":"))


def read_trail(stored: Sequence[Sequence[Any]]) -> Trail:
    """The inverse, parsed already."""
    return frozenset(Mark(**dict(zip(_FIELDS, mark, strict=True))) for mark in stored)


async def lock_trails(connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, Trail]:
    """The trails of these pairs, kept from everybody else until the transaction ends. New pairs get a row."""
    wanted = sorted(set(pairs))
    found = await _lock(connection, wanted)
    missing = [pair for pair in wanted if pair not in found]
    if missing:
        await connection.execute(SQL["begin_viewings"], *_columns(missing))
        found |= await _lock(connection, missing)
    return found


async def save_trails(
    connection: Connection, trails: dict[Pair, Trail], durations_ms: dict[AssetId, int]
) -> dict[Pair, int]:
    """Write locked trails that have a place; their versions."""
    pairs = sorted(pair for pair, trail in trails.items() if trail)
    if not pairs:
        return {}
    places = [found for pair in pairs if (found := place(trails[pair])) is not None]
    rows: list[asyncpg.Record] = await connection.fetch(
        SQL["save_viewings"],
        *_columns(pairs),
        [write_trail(trails[pair]) for pair in pairs],
        [mark.position_ms for mark in places],
        [is_finished(mark, durations_ms.get(pair[1], 0)) for pair, mark in zip(pairs, places, strict=True)],
        [_when(mark.at) for mark in places],
    )
    return {(Viewer(row["viewer"]), AssetId(row["asset_id"])): row["version"] for row in rows}


def grown(before: Trail, marks: Sequence[Mark]) -> Trail:
    """A stored trail with more marks."""
    return bounded(merge(before, marks))


async def _lock(connection: Connection, pairs: Sequence[Pair]) -> dict[Pair, Trail]:
    rows = await connection.fetch(SQL["lock_viewings"], *_columns(pairs))
    return {(Viewer(row["viewer"]), AssetId(row["asset_id"])): read_trail(row["trail"]) for row in rows}


def _columns(pairs: Sequence[Pair]) -> tuple[list[Viewer], list[AssetId]]:
    return [viewer for viewer, _ in pairs], [asset for _, asset in pairs]


def _when(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
