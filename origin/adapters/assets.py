"""Assets in PostgreSQL, for reading: one, a page of a list, and what the rule of visibility looks at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import asyncpg

from origin.core.accounts.callers import AccountId, Caller
from origin.core.assets import Asset
from origin.core.metadata import Metadata
from origin.core.paging import Cursor, Page
from origin.core.visibility import Standing, Visibility, require_editor, require_seen
from playnet.db.database import Database
from playnet.errors import NotFound
from playnet.media.records import Presentation
from playnet.media.summary import Summary, summarise
from playnet.names import AssetId, Revision

from .statements import SQL

ALL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What of a list is wanted. `labels`: as `asset_label` spells them, all of which an asset must have."""

    after: Cursor | None
    limit: int
    labels: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[object, object]:
        return (self.after.moment, self.after.id) if self.after else (None, None)


class Assets:
    """The catalogue, read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def show(self, asset: AssetId, caller: Caller) -> Asset:
        """One asset. NotFound when it is unknown, deleted, or not for this caller."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["show_asset"], asset)
        if row is None:
            raise absent(asset)
        found = read_asset(row)
        require_seen(asset, found.standing, caller)
        return found

    async def public(self, wanted: Listing) -> Page:
        """What is public, newest first. The first label's list is walked, the others are looked for in it."""
        first, *others = wanted.labels or (ALL,)
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_assets"], first, *wanted.place, wanted.limit + 1, others)
        return _page(rows, wanted.limit, by_publication=True)

    async def owned(self, account: AccountId, wanted: Listing, *, deleted: bool) -> Page:
        """What belongs to an account, whatever its visibility; or what of it can be restored."""
        labels = list(wanted.labels)
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                SQL["list_own_assets"], account, *wanted.place, wanted.limit + 1, labels, deleted
            )
        return _page(rows, wanted.limit)

    async def every(self, wanted: Listing, *, deleted: bool) -> Page:
        """Everything there is; or everything that can be restored."""
        statement = SQL["list_deleted_assets"] if deleted else SQL["list_every_asset"]
        async with self._database.connection() as connection:
            rows = await connection.fetch(statement, *wanted.place, wanted.limit + 1, list(wanted.labels))
        return _page(rows, wanted.limit)

    async def visibility(self, asset: AssetId) -> Visibility | None:
        """Who may play it; None when it is not there or deleted."""
        async with self._database.connection() as connection:
            found: Visibility | None = await connection.fetchval(SQL["asset_lives"], asset)
        return found

    async def require_seen(self, asset: AssetId, caller: Caller) -> Standing:
        """See `origin.core.visibility.require_seen`."""
        return require_seen(asset, await self._standing(asset), caller)

    async def require_editor(self, asset: AssetId, caller: Caller) -> Standing:
        """See `origin.core.visibility.require_editor`."""
        return require_editor(asset, await self._standing(asset), caller)

    async def _standing(self, asset: AssetId) -> Standing | None:
        async with self._database.connection() as connection:
            return read_standing(await connection.fetchrow(SQL["asset_standing"], asset))


def absent(asset: str) -> NotFound:
    """The error for an asset that nobody can see."""
    return NotFound(f"there is no asset {asset}", asset=asset)


@overload
def read_standing(row: asyncpg.Record) -> Standing: ...


@overload
def read_standing(row: asyncpg.Record | None) -> Standing | None: ...


def read_standing(row: asyncpg.Record | None) -> Standing | None:
    """One row that has `visibility` and `owner_id`."""
    return Standing(row["visibility"], row["owner_id"]) if row is not None else None


def read_metadata(row: asyncpg.Record) -> Metadata:
    """One row that has what can be edited."""
    return Metadata(
        title=row["title"],
        description=row["description"],
        tags=tuple(row["tags"]),
        category=row["category"],
        language=row["language"],
        visibility=row["visibility"],
        publish_at=row["publish_at"],
    )


def read_asset(row: asyncpg.Record) -> Asset:
    """One row of the view `asset_shown`."""
    return Asset(
        id=AssetId(row["id"]),
        metadata=read_metadata(row),
        owner=row["owner_id"],
        version=row["version"],
        restore_until=row["restore_until"],
        state=row["state"],
        failure=row["failure"],
        progress=round(row["progress"], 4),
        source_name=row["source_name"],
        source_bytes=row["source_bytes"],
        uploaded_bytes=row["uploaded_bytes"],
        revision=Revision(row["revision"]) if row["revision"] else None,
        summary=_summary(row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        views=row.get("views", 0),
        likes=row.get("likes", 0),
        dislikes=row.get("dislikes", 0),
    )


def _summary(row: asyncpg.Record) -> Summary | None:
    if row["summary"] is not None:
        return Summary.model_validate(row["summary"])
    stored = row["presentation"]  # of a revision from before there were summaries
    return summarise(Presentation.model_validate(stored, strict=False)) if stored else None


def _page(rows: Sequence[asyncpg.Record], limit: int, *, by_publication: bool = False) -> Page:
    assets = [read_asset(row) for row in rows[:limit]]
    if len(rows) <= limit:
        return Page(assets, None)
    last = assets[-1]
    moment = (last.metadata.publish_at if by_publication else None) or last.created_at
    return Page(assets, Cursor(moment, last.id))
