"""A source on its way in: one row while bytes come, one transaction that acknowledges them.

Life of an upload: a row in `upload` names the object and its owner, with a lease; bytes go straight into
`store.put`; then one transaction stores what the source is, adds the revision and its probe task, and drops the row.
Before that commit nothing is acknowledged, after it nothing is lost. Whatever ends in between leaves a row without a
live lease, which the sweeper turns into "waiting" and an object less.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from typing import Final

from origin.core.assets import Asset
from playnet.db.database import Database
from playnet.errors import Conflict, PlayNetError, StorageFull, Unavailable
from playnet.logs import logger
from playnet.names import AssetId, source_key
from playnet.store.port import ObjectStore

from ..assets import read_asset
from ..statements import SQL
from .acknowledgement import LEASE, Source, acknowledge, begin
from .body import Announced, Limits, SourceBody
from .room import Room

log = logger(__name__)

_BEAT_S: Final = 1.0  # how often progress is shown while bytes come
_IDLE_BEAT_S: Final = 5.0  # and the lease renewed when none come
_ACKNOWLEDGE_S: Final = (
    15.0  # a database that comes back within this costs the publisher nothing; below lb.read_timeout
)
_RETRY_S: Final = 0.5
_GIVE_UP_S: Final = 5.0


class Uploads:
    """Streams sources into the store and acknowledges them."""

    def __init__(self, database: Database, store: ObjectStore, *, owner: str, limits: Limits, room: Room) -> None:
        """`owner` names this origin among all, the same after a restart: two with one name would end each other's uploads."""
        self._database = database
        self._store = store
        self._owner = owner
        self._limits = limits
        self._room = room

    async def receive(self, asset: AssetId, chunks: AsyncIterator[bytes], announced: Announced) -> Asset:
        """Take one whole source. When it returns, the source is durable and its processing queued.

        Raises NotFound, Conflict, TooLarge, StorageFull, Interrupted, InvalidInput, Unavailable; nothing is kept then.
        """
        await self._room.check(announced.size_bytes or 0)
        upload = secrets.token_hex(16)
        await self._begin(asset, upload)
        body = SourceBody(chunks, announced, self._limits)
        try:
            await self._transfer(asset, upload, body)
        except BaseException:
            await self._give_up(upload)
            raise
        acknowledged = await self._acknowledge(asset, upload, body, announced.file_name)
        log.info("upload.acknowledged", asset=asset, size_bytes=body.size_bytes)
        return acknowledged

    async def abandon_former(self) -> int:
        """Give up what an earlier process of this origin was receiving. Returns how many uploads."""
        async with self._database.connection() as connection:
            return len(await connection.fetch(SQL["abandon_own_uploads"], self._owner))

    async def _begin(self, asset: AssetId, upload: str) -> None:
        async with self._database.transaction() as connection:
            await begin(connection, asset, upload, owner=self._owner)

    async def _transfer(self, asset: AssetId, upload: str, body: SourceBody) -> None:
        """Bytes into the store, while another task shows progress and notices when the upload is not wanted any more."""
        try:
            async with asyncio.TaskGroup() as group:
                beats = group.create_task(self._beat(upload, body), name=f"upload-beat-{asset}")
                await self._store.put(source_key(asset, upload), body.checked())
                beats.cancel()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _beat(self, upload: str, body: SourceBody) -> None:
        shown, renewed = 0, time.monotonic()
        while True:
            await asyncio.sleep(_BEAT_S)
            if body.size_bytes == shown and time.monotonic() - renewed < _IDLE_BEAT_S:
                continue
            shown, renewed = body.size_bytes, time.monotonic()
            try:
                async with self._database.connection() as connection:
                    row = await connection.fetchrow(SQL["renew_upload"], upload, LEASE, shown)
            except Unavailable:
                continue  # the bytes are not the database's business; the acknowledgement is
            if row is None:
                raise Conflict("this upload was given up: the asset was deleted, or another upload took its place")

    async def _acknowledge(self, asset: AssetId, upload: str, body: SourceBody, file_name: str | None) -> Asset:
        """Commit, through a short absence of the database. Unavailable leaves it open: the lease will tell."""
        deadline = time.monotonic() + _ACKNOWLEDGE_S
        while True:
            try:
                async with self._database.transaction() as connection:
                    source = Source(source_key(asset, upload), file_name, body.size_bytes, body.sha256)
                    await acknowledge(connection, asset, upload, source)
                    row = await connection.fetchrow(SQL["show_asset"], asset)
                assert row is not None
                return read_asset(row)
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_RETRY_S)
            except PlayNetError:
                await self._give_up(upload)
                await self._store.delete(source_key(asset, upload))
                raise

    async def _give_up(self, upload: str) -> None:
        """Free the asset at once; where that fails, the lease does it later. Survives the request's cancellation."""
        task = asyncio.create_task(self._abandon(upload), name=f"upload-give-up-{upload}")
        while not task.done():
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                continue  # `_abandon` ends by its own deadline; the caller raises on

    async def _abandon(self, upload: str) -> None:
        try:
            async with asyncio.timeout(_GIVE_UP_S), self._database.connection() as connection:
                await connection.execute(SQL["abandon_upload"], upload)
        except (Unavailable, StorageFull, TimeoutError) as exc:
            log.warning("upload.left_to_lease", upload=upload, detail=str(exc))
