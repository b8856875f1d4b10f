"""Search in PostgreSQL: full text first, then the nearest known words when nothing has the words as they were given."""

from collections.abc import Sequence

import asyncpg

from origin.core.searching import Hits, Place
from origin.core.spelling import corrected, spellings, words_of
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.names import AssetId

from .assets import read_asset
from .statements import SQL


class Search:
    """Finds public assets."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self, text: str, language: str | None, labels: Sequence[str], after: Place | None, limit: int
    ) -> Hits:
        """One page, the best first. Any text is valid: what cannot be understood finds nothing."""
        async with self._database.connection() as connection:
            rows = await _rows(connection, text, language, labels, after, limit)
            if rows or after is not None:
                return _hits(rows, limit)
            meant = await self._meant(connection, text)
            if meant is None:
                return Hits([], None)
            rows = await _rows(connection, meant, language, labels, None, limit)
        return _hits(rows, limit, corrected=meant if rows else None)

    async def _meant(self, connection: Connection, text: str) -> str | None:
        keys = sorted({key for word in words_of(text) for key in spellings(word)})
        if not keys:
            return None
        return corrected(text, {row["word"] for row in await connection.fetch(SQL["spellings"], keys)})


async def _rows(
    connection: Connection, text: str, language: str | None, labels: Sequence[str], after: Place | None, limit: int
) -> list[asyncpg.Record]:
    place = (after.rank, after.listed_at, after.id) if after else (None, None, None)
    found = await connection.fetch(SQL["search_assets"], text, language, list(labels), *place, limit + 1)
    return list(found)


def _hits(rows: list[asyncpg.Record], limit: int, *, corrected: str | None = None) -> Hits:
    last = rows[limit - 1] if len(rows) > limit else None
    following = Place(last["rank"], last["listed_at"], AssetId(last["id"])) if last is not None else None
    return Hits([read_asset(row) for row in rows[:limit]], following, corrected)
