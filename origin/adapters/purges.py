"""Purge orders of operators, into the outbox; and what the edges say to them."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from typing import Final

from origin.core.representation import NodeReply, PurgeReport
from playnet.db.database import Database
from playnet.purge.order import PurgeOrder
from playnet.purge.replies import PurgeReplies, Question

from .statements import SQL

_PATIENCE_S: Final = 5.0  # for a dry run: counting 500,000 entries takes a node a second or two
_POLL_S: Final = 0.05


class Purges:
    """The outbox `purge_order`; the relay carries it to the edges. `nodes`: names of all edges."""

    def __init__(self, database: Database, replies: PurgeReplies, nodes: Sequence[str]) -> None:
        self._database, self._replies, self._nodes = database, replies, nodes

    async def order(self, order: PurgeOrder) -> int:
        """Accept an order: from here on it reaches every edge. Returns its id."""
        async with self._database.transaction() as connection:
            number = await connection.fetchval(SQL["order_purge"], order.model_dump())
        assert isinstance(number, int)
        return number

    async def progress(self, number: int) -> PurgeReport:
        """Which edges have applied an order by now."""
        return self._report(number, await self._replies.applied(number))

    async def forecast(self, order: PurgeOrder) -> PurgeReport:
        """Ask all edges what the order would forget; those that do not answer soon are reported so."""
        question = Question(uuid.uuid4().hex, order)
        await self._replies.ask(question)
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            answers = await self._replies.answers(question.id)
            if len(answers.keys() & set(self._nodes)) == len(self._nodes) or time.monotonic() > deadline:
                return self._report(None, answers)
            await asyncio.sleep(_POLL_S)

    def _report(self, number: int | None, answers: dict[str, int]) -> PurgeReport:
        replies = [NodeReply(node=node, answered=node in answers, entries=answers.get(node)) for node in self._nodes]
        return PurgeReport(id=number, complete=all(reply.answered for reply in replies), nodes=replies)
