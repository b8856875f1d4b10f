"""Finishes what requests began, and what was planned: publishes what is scheduled, removes deleted assets, lost uploads, old purge orders, old notes about jobs.

Every step may be repeated and may be cut off anywhere: objects go first, the row that names them last. Several
origins may sweep at once.
"""

import asyncio
from datetime import timedelta
from typing import Final

from origin.core.idempotency import KEPT
from playnet.db.database import Database
from playnet.logs import logger
from playnet.names import AssetId, asset_prefix, asset_tag, source_key, source_prefix
from playnet.purge.order import PurgeOrder
from playnet.store.port import ObjectStore

from .catalogue import Catalogue
from .rounds import wait_for_wake
from .statements import SQL
from .upload.acknowledgement import LEASE

log = logger(__name__)

_PAUSE_S: Final = 5.0
_BATCH: Final = 50
_PURGES_KEPT: Final = timedelta(days=1)
_REVOCATIONS_KEPT: Final = timedelta(days=31)  # above the longest `tokens.max_life`
_JOB_LOG_KEPT: Final = timedelta(days=7)  # for operators, who may ask what happened to a job


class Sweeper:
    """One round after another; `wake` starts the next at once."""

    def __init__(self, database: Database, store: ObjectStore, catalogue: Catalogue) -> None:
        self._database, self._store, self._catalogue = database, store, catalogue
        self.wake = asyncio.Event()

    async def round(self) -> None:
        """Everything there is to do now, then a pause."""
        await self._database.opened.wait()
        for asset in await self._catalogue.publish_due():
            log.info("asset.published", asset=asset)
        await self._lapse_uploads()
        await self.remove_deleted()
        await self._remove_abandoned()
        async with self._database.connection() as connection:
            await connection.execute(SQL["forget_purges"], _PURGES_KEPT)
            await connection.execute(SQL["forget_revocations"], _REVOCATIONS_KEPT)
            await connection.execute(SQL["forget_job_log"], _JOB_LOG_KEPT)
            await connection.execute(SQL["forget_creations"], KEPT)
        await wait_for_wake(self.wake, _PAUSE_S)

    async def _lapse_uploads(self) -> None:
        async with self._database.connection() as connection:
            for row in await connection.fetch(SQL["abandon_lapsed_uploads"]):
                log.info("upload.lapsed", asset=row["id"])

    async def remove_deleted(self) -> int:
        """Objects and rows of deleted assets that nobody writes to any more. Returns how many."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["deleted_assets"], _BATCH)
        for row in rows:
            await self._remove(AssetId(row["id"]))
        return len(rows)

    async def _remove(self, asset: AssetId) -> None:
        objects = await self._store.delete_prefix(asset_prefix(asset))
        objects += await self._store.delete_prefix(source_prefix(asset))
        order = PurgeOrder(kind="tag", value=asset_tag(asset))
        async with self._database.transaction() as connection:
            if await connection.fetchval(SQL["forget_asset"], asset) is None:
                return  # another origin was faster
            # Once more, for an edge whose fill overlapped the first purge.
            await connection.execute(SQL["order_purge"], order.model_dump())
        log.info("asset.removed", asset=asset, objects=objects)

    async def _remove_abandoned(self) -> None:
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["abandoned_uploads"], LEASE, _BATCH)
        for row in rows:
            await self._store.delete(source_key(AssetId(row["asset_id"]), row["id"]))
            async with self._database.connection() as connection:
                await connection.execute(SQL["forget_upload"], row["id"])
