"""Assets in PostgreSQL: create, show, list, delete."""

import secrets
from collections.abc import Sequence
from typing import Final

import asyncpg

from origin.core.assets import Asset
from origin.core.paging import Cursor
from origin.core.playback import Visibility
from playnet.db.database import Database
from playnet.errors import NotFound, Unavailable
from playnet.media.records import Presentation
from playnet.names import AssetId, Revision, asset_id, asset_tag
from playnet.purge.order import PurgeOrder

from .statements import SQL

_ID_ATTEMPTS: Final = 3  # 60 random bits: even the second is never needed


class Assets:
    """The catalogue as far as this version has one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, title: str) -> Asset:
        """A new asset that waits for its source."""
        for _ in range(_ID_ATTEMPTS):
            try:
                async with self._database.connection() as connection:
                    row = await connection.fetchrow(SQL["create_asset"], asset_id(secrets.token_bytes(12)), title)
            except asyncpg.UniqueViolationError:
                continue
            assert row is not None
            return read_asset(row)
        raise Unavailable("no free asset id was found")

    async def show(self, asset: AssetId) -> Asset:
        """One asset. NotFound when it is unknown or deleted."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["show_asset"], asset)
        if row is None:
            raise absent(asset)
        return read_asset(row)

    async def page(self, after: Cursor | None, limit: int) -> tuple[list[Asset], bool]:
        """Newest first, at most `limit`, and whether there are more."""
        place = (after.created_at, after.id) if after else (None, None)
        async with self._database.connection() as connection:
            rows: Sequence[asyncpg.Record] = await connection.fetch(SQL["list_assets"], *place, limit + 1)
        return [read_asset(row) for row in rows[:limit]], len(rows) > limit

    async def visibility(self, asset: AssetId) -> Visibility | None:
        """Who may play it; None when it is not there or deleted."""
        async with self._database.connection() as connection:
            found: Visibility | None = await connection.fetchval(SQL["asset_lives"], asset)
        return found

    async def delete(self, asset: AssetId) -> None:
        """Hide the asset, cancel its tasks and order the purge, all or nothing. NotFound the second time."""
        order = PurgeOrder(kind="tag", value=asset_tag(asset))
        async with self._database.transaction() as connection:
            await connection.execute(SQL["cancel_tasks"], asset)
            if await connection.fetchval(SQL["delete_asset"], asset) is None:
                raise absent(asset)
            await connection.execute(SQL["order_purge"], order.model_dump())


def absent(asset: str) -> NotFound:
    """The error for an asset that nobody can see."""
    return NotFound(f"there is no asset {asset}", asset=asset)


def read_asset(row: asyncpg.Record) -> Asset:
    """One row of `show_asset` and its siblings."""
    stored = row["presentation"]
    return Asset(
        id=AssetId(row["id"]),
        title=row["title"],
        state=row["state"],
        failure=row["failure"],
        progress=round(row["progress"], 4),
        source_name=row["source_name"],
        source_bytes=row["source_bytes"],
        uploaded_bytes=row["uploaded_bytes"],
        revision=Revision(row["revision"]) if row["revision"] else None,
        presentation=Presentation.model_validate(stored, strict=False) if stored else None,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        views=row.get("views", 0),
        likes=row.get("likes", 0),
        dislikes=row.get("dislikes", 0),
    )
