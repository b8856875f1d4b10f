"""Purge orders of operators, into the outbox."""

from playnet.db.database import Database
from playnet.purge.order import PurgeOrder

from .statements import SQL


class Purges:
    """The outbox `purge_order`; the relay carries it to the edges."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def order(self, order: PurgeOrder) -> int:
        """Accept an order: from here on it reaches every edge. Returns its id."""
        async with self._database.transaction() as connection:
            number = await connection.fetchval(SQL["order_purge"], order.model_dump())
        assert isinstance(number, int)
        return number
