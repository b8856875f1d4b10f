"""What nodes say about purges, in Redis: which orders they applied, and how much a dry run would forget.

Everything expires: replies matter to whoever waits for them. An order does not depend on them, it is in the log.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final, cast

from pydantic import ValidationError
from redis.asyncio import Redis

from .log import rows_of, translated
from .order import PurgeOrder

_LIFE_S: Final = 600
_ACKNOWLEDGED: Final = "playnet:purge-done:"  # and the order's id: a hash of entries by node
_ANSWERS: Final = "playnet:purge-counts:"  # and the question's id: a hash of entries by node
_QUESTIONS: Final = "playnet:purge-questions"  # a stream that starts anew for every reader: who is away does not answer
_MAX_QUESTIONS: Final = 64
_BLOCK_MS: Final = 2000  # below redis-py's default socket timeout of 5 s


@dataclass(frozen=True, slots=True)
class Question:
    """How much would `order` forget?"""

    id: str
    order: PurgeOrder


class PurgeReplies:
    """Reads and writes replies. Owns nothing: the client is closed by whoever made it. Raises Unavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    # --- a node's side

    async def acknowledge(self, node: str, number: int, entries: int) -> None:
        """The order was applied and meant so many entries."""
        await self._reply(f"{_ACKNOWLEDGED}{number}", node, entries)

    async def questions(self) -> AsyncGenerator[Question, None]:
        """Questions that come from now on, for ever."""
        with translated():
            newest = await self._redis.xrevrange(_QUESTIONS, count=1)
        cursor: Any = newest[0][0] if newest else "0"
        while True:
            with translated():
                reply = await self._redis.xread({_QUESTIONS: cursor}, block=_BLOCK_MS)
            for row_id, fields in rows_of(reply):
                cursor = row_id
                question = _question(fields)
                if question is not None:
                    yield question

    async def answer(self, node: str, question: str, entries: int) -> None:
        """So much would be forgotten here."""
        await self._reply(f"{_ANSWERS}{question}", node, entries)

    async def _reply(self, key: str, node: str, entries: int) -> None:
        with translated():
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.hset(key, node, str(entries))
                pipe.expire(key, _LIFE_S)
                await pipe.execute()

    # --- the asker's side

    async def ask(self, question: Question) -> None:
        """Ask every node that listens."""
        with translated():
            await self._redis.xadd(
                _QUESTIONS, {"id": question.id, "order": question.order.model_dump_json()}, maxlen=_MAX_QUESTIONS
            )

    async def answers(self, question: str) -> dict[str, int]:
        """Which nodes have answered a question, and what."""
        return await self._replies(f"{_ANSWERS}{question}")

    async def applied(self, number: int) -> dict[str, int]:
        """Which nodes have applied an order, and how many entries it meant there.

        Positions in the log cannot tell: an order whose transaction ended late stands behind younger ones.
        """
        return await self._replies(f"{_ACKNOWLEDGED}{number}")

    async def _replies(self, key: str) -> dict[str, int]:
        with translated():
            pairs = await cast(Any, self._redis.hgetall(key))
        return {(name.decode() if isinstance(name, bytes) else str(name)): int(value) for name, value in pairs.items()}


def _question(fields: dict[str, str]) -> Question | None:
    try:
        return Question(fields["id"], PurgeOrder.model_validate_json(fields["order"]))
    except (KeyError, ValidationError):  # by another version
        return None
