"""Where viewers go on: read, told, handed from a device to an account, forgotten."""

import time
from collections.abc import Sequence
from typing import Final

from origin.adapters.statements import SQL
from origin.core.accounts.callers import AccountId
from origin.core.signals.beats import EpochMs, Viewer
from origin.core.signals.resume import NO_TRAIL, Mark, Trail
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.errors import NotFound
from playnet.names import AssetId

from .durations import Durations
from .hot import HotPlaces
from .trails import Pair, grown, lock_trails, read_trail, save_trails

_MAX_ADOPTED: Final = 1_000  # at once; the next call takes the rest


class Places:
    """Those of all viewers."""

    def __init__(self, database: Database, durations: Durations, hot: HotPlaces) -> None:
        self._database = database
        self._durations = durations
        self._hot = hot

    async def find(self, pair: Pair) -> tuple[Trail, int]:
        """The trail, and the asset's duration in milliseconds. NotFound for an asset that nobody can watch."""
        hot = await self._hot.find(pair)
        async with self._database.connection() as connection:
            duration_ms = await self._duration_ms(connection, pair[1])
            if hot is not None:
                return hot, duration_ms
            row = await connection.fetchrow(SQL["show_viewing"], *pair)
        return (read_trail(row["trail"]) if row else NO_TRAIL), duration_ms

    async def move(self, pair: Pair, mark: Mark) -> tuple[Trail, int]:
        """Put the viewer there, durably."""
        async with self._database.transaction() as connection:
            duration_ms = await self._duration_ms(connection, pair[1])
            trails = await lock_trails(connection, [pair])
            trails = {pair: grown(trails[pair], [mark])}
            versions = await save_trails(connection, trails, {pair[1]: duration_ms})
        await self._hot.publish((pair, trails[pair], version) for pair, version in versions.items())
        return trails[pair], duration_ms

    async def adopt(self, device: Viewer, account: AccountId) -> int:
        """What was watched on this device before its viewer signed in becomes theirs. How many assets."""
        owner = Viewer(account)
        async with self._database.transaction() as connection:
            rows = await connection.fetch(SQL["viewings_of"], device, _MAX_ADOPTED)
            if not rows:
                return 0
            assets = [AssetId(row["asset_id"]) for row in rows]
            watchable = await self._durations.of(connection, assets)
            trails = await lock_trails(connection, [(owner, asset) for asset in assets])
            for row in rows:
                pair = (owner, AssetId(row["asset_id"]))
                trails[pair] = grown(trails[pair], list(read_trail(row["trail"])))
            durations = {asset: known.duration_ms for asset, known in watchable.items()}
            versions = await save_trails(connection, trails, durations)
            await connection.execute(SQL["move_views"], device, owner, assets)
            await connection.execute(SQL["forget_viewings"], device, assets)
        await self._hot.publish((pair, trails[pair], version) for pair, version in versions.items())
        await self._hide(device, assets)
        return len(rows)

    async def forget(self, viewer: Viewer, asset: AssetId) -> None:
        """One asset of the history. The second time changes nothing."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["forget_viewings"], viewer, [asset])
        await self._hide(viewer, [asset])

    async def clear(self, viewer: Viewer) -> None:
        """The whole history, with all positions."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["clear_history"], viewer)
        await self._hide(viewer, [AssetId(row["asset_id"]) for row in rows])

    async def _hide(self, viewer: Viewer, assets: Sequence[AssetId]) -> None:
        """A newer nothing in Redis: readers ask PostgreSQL. Versions are microseconds, so now is later than all."""
        version = time.time_ns() // 1000
        await self._hot.publish(((viewer, asset), NO_TRAIL, version) for asset in assets)

    async def _duration_ms(self, connection: Connection, asset: AssetId) -> int:
        known = (await self._durations.of(connection, [asset])).get(asset)
        if known is None:
            raise NotFound(f"there is nothing to watch at {asset}", asset=asset)
        return known.duration_ms


def told(viewer: Viewer, at: EpochMs, position_ms: int, **more: str | bool) -> Mark:
    """The mark of a viewer who says where they are."""
    return Mark(acted_at=at, at=at, session=f"told-{viewer}"[:64], sequence=0, position_ms=position_ms, **more)  # type: ignore[arg-type]
