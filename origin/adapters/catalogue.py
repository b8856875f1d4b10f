"""Changes of the catalogue: create, edit, delete, restore, publish. Each is one transaction with its purge and its record.

Other origins trust what they know of an asset for a moment, and an edge may fill from them meanwhile. So what changes who
may play something is purged twice: with the change, and when that moment is over.
"""

import asyncio
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from origin.core.accounts.callers import AccountId, Caller
from origin.core.forms import AssetEdit
from origin.core.idempotency import Attempt
from origin.core.metadata import Metadata
from origin.core.visibility import is_sealed, may_edit, require_editor
from playnet import jobs
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.errors import KeyReused, Outdated, Unavailable
from playnet.names import AssetId, asset_id, asset_tag
from playnet.purge.order import PurgeOrder

from .assets import absent, read_metadata, read_standing
from .audit import Actor, record
from .presence import TRUSTED_S, Presence
from .statements import SQL

_ID_ATTEMPTS: Final = 3  # 60 random bits: even the second is never needed
_SETTLED_S: Final = TRUSTED_S + 0.5
_RESTARTED: Final = frozenset({"queued", "processing"})  # states whose tasks a deletion cancelled


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit came to. `resealed`: who may play it is not who might before."""

    resealed: bool


class Catalogue:
    """The catalogue, written. `restore_s`: how long a deletion can be taken back."""

    def __init__(self, database: Database, presence: Presence, *, restore_s: float) -> None:
        self._database, self._presence = database, presence
        self._restore = timedelta(seconds=restore_s)

    async def create(self, metadata: Metadata, caller: Caller, attempt: Attempt | None) -> AssetId:
        """A new asset that waits for its source, or the one that an earlier try with the same key made. KeyReused."""
        for _ in range(_ID_ATTEMPTS):
            asset = asset_id(secrets.token_bytes(12))
            try:
                async with self._database.transaction() as connection:
                    if attempt is not None and (former := await _remember(connection, attempt, asset)) is not None:
                        return former
                    await insert(connection, asset, metadata, caller.account)
            except asyncpg.UniqueViolationError:
                continue
            return asset
        raise Unavailable("no free asset id was found")

    async def edit(self, asset: AssetId, edit: AssetEdit, actor: Actor, version: int | None) -> Edited:
        """Change what is said about an asset. `version`: the one that was read, None for whichever. Outdated, Forbidden."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL["lock_metadata"], asset)
            standing = require_editor(asset, read_standing(row), actor.caller)
            assert row is not None
            if version is not None and version != row["version"]:
                raise Outdated("this video was edited since it was read: look at it again, then repeat the edit")
            before = read_metadata(row)
            after = edit.applied(before, datetime.now(UTC))
            resealed = is_sealed(before.visibility) != is_sealed(after.visibility)
            if after != before:
                await connection.execute(SQL["edit_asset"], asset, *_columns(after), standing.owner)
            if standing.owner != actor.caller.account:
                await record(connection, actor, "asset.edit", asset, changed=_changed(before, after))
            if resealed:
                await _purge(connection, asset)
        return Edited(resealed)

    async def settle(self, assets: Iterable[AssetId]) -> None:
        """After a change of who may play: when this returns, no origin and no edge answers by what was before."""
        for asset in assets:
            self._presence.forget(asset)
        await asyncio.sleep(_SETTLED_S)
        async with self._database.transaction() as connection:
            for asset in assets:
                await _purge(connection, asset)

    async def delete(self, asset: AssetId, caller: Caller, *, for_good: bool) -> None:
        """Hide the asset, cancel its tasks and order the purge, all or nothing. NotFound the second time, Forbidden."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL["asset_standing"], asset)
            gone = row is None and for_good and await self._erase(connection, asset, caller)
            if not gone:
                require_editor(asset, read_standing(row), caller)
                await connection.execute(SQL["cancel_tasks"], asset)
                within = timedelta(0) if for_good else self._restore
                if await connection.fetchval(SQL["delete_asset"], asset, within) is None:
                    raise absent(asset)
                await _purge(connection, asset)
        self._presence.forget(asset)

    async def _erase(self, connection: Connection, asset: AssetId, caller: Caller) -> bool:
        """Of one that is deleted already: whether it was there to be erased."""
        row = await connection.fetchrow(SQL["deleted_standing"], asset)
        if row is None or not may_edit(read_standing(row), caller):
            return False
        await connection.execute(SQL["erase_asset"], asset)
        return True

    async def restore(self, asset: AssetId, caller: Caller) -> None:
        """Take a deletion back; processing that it cancelled starts again. NotFound when its time is over, Forbidden."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(SQL["deleted_standing"], asset)
            if row is None or not may_edit(read_standing(row), caller):
                raise absent(asset)
            again = row["state"] in _RESTARTED and row["source_key"] is not None
            await connection.execute(SQL["restore_asset"], asset, again)
            if again:
                revision = await connection.fetchval(SQL["add_revision"], asset)
                task = await connection.fetchval(SQL["add_probe_task"], asset, revision)
                await jobs.enqueue(connection, [jobs.QueuedTask(task, "probe")])
            await _purge(connection, asset)
        self._presence.forget(asset)

    async def publish_due(self) -> list[AssetId]:
        """Make public what was scheduled for now, and purge once more what became so a moment ago."""
        async with self._database.transaction() as connection:
            due = [AssetId(row["id"]) for row in await connection.fetch(SQL["publish_scheduled"])]
            window = (timedelta(seconds=_SETTLED_S), timedelta(seconds=_SETTLED_S * 8))
            lately = [AssetId(row["id"]) for row in await connection.fetch(SQL["lately_published"], *window)]
            for asset in (*due, *lately):
                await _purge(connection, asset)
        for asset in due:
            self._presence.forget(asset)
        return due


async def insert(connection: Connection, asset: AssetId, metadata: Metadata, owner: AccountId | None) -> None:
    """The row of a new asset. UniqueViolationError for a taken id."""
    title, *others = _columns(metadata)
    await connection.execute(SQL["create_asset"], asset, title, owner, *others)


def _columns(metadata: Metadata) -> tuple[object, ...]:
    """In the order of the statements."""
    return (
        metadata.title,
        metadata.description,
        list(metadata.tags),
        metadata.category,
        metadata.language,
        metadata.visibility,
        metadata.publish_at,
    )


def _changed(before: Metadata, after: Metadata) -> list[str]:
    """Names only: what somebody wrote is not for the record of acts."""
    old, new = asdict(before), asdict(after)
    return sorted(name for name in old if old[name] != new[name])


async def _remember(connection: Connection, attempt: Attempt, asset: AssetId) -> AssetId | None:
    """What an earlier try made; None: this is the first. KeyReused when that one asked for something else."""
    kept = (attempt.actor, attempt.key)
    if await connection.fetchval(SQL["remember_creation"], *kept, attempt.fingerprint, asset) is not None:
        return None
    row = await connection.fetchrow(SQL["former_creation"], *kept)
    if row is None or row["fingerprint"] != attempt.fingerprint:
        raise KeyReused("this Idempotency-Key came with another request before: take a new key for a new request")
    return AssetId(row["target"])


async def _purge(connection: Connection, asset: AssetId) -> None:
    await connection.execute(SQL["order_purge"], PurgeOrder(kind="tag", value=asset_tag(asset)).model_dump())
