"""Lists of one viewer: history, continue watching, watch later."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from origin.adapters.assets import absent
from origin.adapters.statements import SQL
from origin.core.accounts.callers import AccountId
from origin.core.paging import Cursor
from origin.core.signals import heat
from origin.core.signals.beats import Viewer
from playnet.db.database import Database
from playnet.errors import Conflict, NotFound
from playnet.names import AssetId

from .durations import Durations

MAX_WATCH_LATER: Final = 5_000


class Library:
    """Reads and keeps them."""

    def __init__(self, database: Database, durations: Durations) -> None:
        self._database = database
        self._durations = durations

    async def history(self, viewer: Viewer, after: Cursor | None, limit: int) -> tuple[list[asyncpg.Record], bool]:
        """The latest first, and whether there are more."""
        return await self._page("list_history", viewer, after, limit)

    async def unfinished(self, viewer: Viewer, after: Cursor | None, limit: int) -> tuple[list[asyncpg.Record], bool]:
        """What was begun and not finished."""
        return await self._page("list_continue", viewer, after, limit)

    async def kept(self, account: AccountId, after: Cursor | None, limit: int) -> tuple[list[asyncpg.Record], bool]:
        """What is to be watched later."""
        return await self._page("list_watch_later", account, after, limit)

    async def keep(self, account: AccountId, asset: AssetId) -> None:
        """Watch it later. Once or many times: the same. NotFound; Conflict above the bound."""
        try:
            async with self._database.transaction() as connection:
                if not await connection.fetchval(SQL["asset_lives"], asset):
                    raise absent(asset)
                await connection.execute(SQL["add_watch_later"], account, asset)
                if await connection.fetchval(SQL["count_watch_later"], account) > MAX_WATCH_LATER:
                    raise Conflict(f"at most {MAX_WATCH_LATER} assets can be kept for later: remove one first")
        except asyncpg.ForeignKeyViolationError as exc:
            raise absent(asset) from exc

    async def drop(self, account: AccountId, asset: AssetId) -> None:
        """Not later any more."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["drop_watch_later"], account, asset)

    async def most_replayed(self, asset: AssetId) -> list[heat.Bin]:
        """Of the current revision. NotFound for an asset that nobody can watch."""
        async with self._database.connection() as connection:
            known = (await self._durations.of(connection, [asset])).get(asset)
            if known is None:
                raise NotFound(f"there is nothing to watch at {asset}", asset=asset)
            rows = await connection.fetch(SQL["heat_of"], asset, known.revision)
        return heat.histogram({row["minute"]: row["plays"] for row in rows}, known.duration_ms / 1000)

    async def _page(
        self, statement: str, owner: str, after: Cursor | None, limit: int
    ) -> tuple[list[asyncpg.Record], bool]:
        place = (after.moment, after.id) if after else (None, None)
        async with self._database.connection() as connection:
            rows: Sequence[asyncpg.Record] = await connection.fetch(SQL[statement], owner, *place, limit + 1)
        return list(rows[:limit]), len(rows) > limit
