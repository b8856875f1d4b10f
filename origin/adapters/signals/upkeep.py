"""Keeps the tables of signals small: a place for each coming day's raw beats, old days dropped, old sessions forgotten."""

import asyncio
from typing import Final

from origin.adapters.statements import SQL
from origin.core.signals.beats import MAX_AGE_MS
from playnet.db.database import Database
from playnet.logs import logger

log = logger(__name__)

_PAUSE_S: Final = 600.0
_DAYS_AHEAD: Final = 3
_SITTING_DAYS: Final = MAX_AGE_MS // 86_400_000 + 3  # a beat can be a week old, of a session that lasted a day
_BATCH: Final = 5_000


class Upkeep:
    """For `keep_going`."""

    def __init__(self, database: Database, *, keep_s: float) -> None:
        self._database = database
        self._keep_days = max(1, round(keep_s / 86_400))

    async def round(self) -> None:
        """Everything there is to do now, then a pause."""
        await self._database.opened.wait()
        await self.tidy()
        await asyncio.sleep(_PAUSE_S)

    async def tidy(self) -> None:
        """May be repeated, and done by several origins at once."""
        async with self._database.connection() as connection:
            for day in range(_DAYS_AHEAD + 1):
                await connection.execute(SQL["add_beat_partition"], day)
            dropped = await connection.fetch(SQL["drop_beat_partitions"], self._keep_days)
            if dropped:
                log.info("beats.dropped", days=len(dropped))
            while (await connection.execute(SQL["forget_sittings"], _SITTING_DAYS, _BATCH)) == f"DELETE {_BATCH}":
                continue
