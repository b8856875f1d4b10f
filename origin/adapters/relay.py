"""Carries purge orders from PostgreSQL's outbox into the Redis stream that edges follow, in the order of their ids.

One relay works at a time among all origins (advisory lock, held by its connection); the others wait to take over.
An order is marked after it stands in the stream, and the stream takes repetitions: a crash between the two is
harmless. Orders that Redis lost with its last second of writes are seen by their ids and appended again.
"""

import asyncio
from typing import Final

from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder

from .rounds import wait_for_wake
from .statements import SQL

_CHANNEL: Final = "playnet_purge"
_POLL_S: Final = 2.0  # notifications come at once; this catches the ones that a broken connection swallowed
_BATCH: Final = 200


class Relay:
    """The outbox's reader."""

    def __init__(self, database: Database, log: PurgeLog) -> None:
        self._database = database
        self._log = log
        self._wake = asyncio.Event()

    async def session(self) -> None:
        """Relay on one connection for as long as it holds. Raises Unavailable when PostgreSQL or Redis goes away."""
        await self._database.opened.wait()
        async with self._database.connection() as connection:
            await connection.add_listener(_CHANNEL, self._notified)
            try:
                while not await connection.fetchval(SQL["lock_relay"]):
                    await wait_for_wake(self._wake, _POLL_S)
                while True:
                    await self._drain(connection)
                    await wait_for_wake(self._wake, _POLL_S)
            finally:
                if not connection.is_closed():
                    await connection.remove_listener(_CHANNEL, self._notified)

    def _notified(self, *_: object) -> None:
        self._wake.set()

    async def _drain(self, connection: Connection) -> None:
        newest = await self._log.newest()
        while True:
            rows = await connection.fetch(SQL["pending_purges"], newest, _BATCH)
            if not rows:
                return
            orders = [(row["id"], PurgeOrder.model_validate(row["body"])) for row in rows]
            await self._log.append(orders)
            await connection.execute(SQL["mark_relayed"], [number for number, _ in orders])
            newest = max(newest, orders[-1][0])
