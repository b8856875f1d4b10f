"""Carries orders from an outbox in PostgreSQL into the Redis stream that edges follow, in the order of their ids:
purges, and revocations of playback tokens.

One relay works at a time among all origins (advisory lock, held by its connection); the others wait to take over.
An order is marked after it stands in the stream, and the stream takes repetitions: a crash between the two is
harmless. Orders that Redis lost with its last second of writes are seen by their ids and appended again.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, Generic

from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.purge.log import Order, OrderLog
from playnet.purge.order import PurgeOrder
from playnet.tokens import Revocation

from .rounds import wait_for_wake
from .statements import SQL

_POLL_S: Final = 2.0  # notifications come at once; this catches the ones that a broken connection swallowed
_BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Outbox(Generic[Order]):
    """A table of orders. `lock`, `pending`, `mark`: names of its statements; `channel`: tells of new rows."""

    channel: str
    lock: str
    pending: str
    mark: str
    kind: type[Order]


PURGES: Final = Outbox("playnet_purge", "lock_relay", "pending_purges", "mark_relayed", PurgeOrder)
REVOCATIONS: Final = Outbox(
    "playnet_revocation", "lock_revocation_relay", "pending_revocations", "mark_revocations_relayed", Revocation
)


class Relay(Generic[Order]):
    """The reader of one outbox."""

    def __init__(self, database: Database, outbox: Outbox[Order], log: OrderLog[Order]) -> None:
        self._database, self._outbox, self._log = database, outbox, log
        self._wake = asyncio.Event()

    async def session(self) -> None:
        """Relay on one connection for as long as it holds. Raises Unavailable when PostgreSQL or Redis goes away."""
        await self._database.opened.wait()
        async with self._database.connection() as connection:
            await connection.add_listener(self._outbox.channel, self._notified)
            try:
                while not await connection.fetchval(SQL[self._outbox.lock]):
                    await wait_for_wake(self._wake, _POLL_S)
                while True:
                    await self._drain(connection)
                    await wait_for_wake(self._wake, _POLL_S)
            finally:
                if not connection.is_closed():
                    await connection.remove_listener(self._outbox.channel, self._notified)

    def _notified(self, *_: object) -> None:
        self._wake.set()

    async def _drain(self, connection: Connection) -> None:
        newest = await self._log.newest()
        while True:
            rows = await connection.fetch(SQL[self._outbox.pending], newest, _BATCH)
            if not rows:
                return
            orders = [(row["id"], self._outbox.kind.model_validate(row["body"])) for row in rows]
            await self._log.append(orders)
            await connection.execute(SQL[self._outbox.mark], [number for number, _ in orders])
            newest = max(newest, orders[-1][0])
