"""Following the purge log: every order is applied, in order, and the position remembered after it.

A crash between the two repeats an order, which is harmless. While Redis is away the node serves what it has.
"""

import asyncio
from contextlib import aclosing
from random import SystemRandom
from typing import Final

from redis.asyncio import Redis

from edge.core.key import purged_key
from edge.core.peering import Position
from playnet.errors import InvalidInput, PlayNetError
from playnet.logs import logger
from playnet.purge.log import Entry, Gap, PurgeLog
from playnet.purge.order import PurgeOrder
from playnet.purge.replies import PurgeReplies

from .fill.fills import Fills
from .metrics import Metrics
from .store.store import Store

log = logger(__name__)

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
_jitter: Final = SystemRandom().random


class Purges:
    """Applies purge orders to a node's store and fills, and tells who waits for it."""

    def __init__(
        self,
        node: str,
        redis: Redis,
        store: Store,
        fills: Fills,
        metrics: Metrics,
        position: Position,
    ) -> None:
        self._node, self._log, self._store, self._fills = node, PurgeLog(redis), store, fills
        self._replies = PurgeReplies(redis)
        self._metrics, self._position = metrics, position

    async def run(self) -> None:
        """Follow for ever; after a failure again, ever more slowly."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                position = await self._store.position()
                async for event in self._log.follow(position):
                    self._metrics.purge_log_connected.set(1)
                    await self._apply(event)
                    pause_s = _FIRST_PAUSE_S
            except PlayNetError as exc:
                log.warning("purges.interrupted", reason=str(exc), **exc.context)
            except Exception:
                log.exception("purges.crashed")
            self._metrics.purge_log_connected.set(0)
            await asyncio.sleep(pause_s * (0.5 + _jitter()))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _apply(self, event: Entry[PurgeOrder] | Gap) -> None:
        if isinstance(event, Gap):
            log.warning("purges.gap", upto=event.upto)
            self._position.begins(event.upto)
            self._fills.forget(PurgeOrder(kind="all"))
            await self._store.lapse()
            self._metrics.purges.labels("gap").inc()
            self._position.ends()
            await self._store.remember_position(event.upto)
            return
        self._position.begins(event.id, event.late)
        count = await self.forget(event.order)
        self._position.ends()
        await self._store.remember_position(event.id)
        await self._replies.acknowledge(self._node, event.number, count)

    async def answer(self) -> None:
        """Tell who asks how much an order would forget. For ever; after a failure again, ever more slowly."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                async with aclosing(self._replies.questions()) as questions:
                    async for question in questions:
                        pause_s = _FIRST_PAUSE_S
                        count = await self._store.count(_as_keyed(question.order))
                        await self._replies.answer(self._node, question.id, count)
            except PlayNetError as exc:
                log.warning("purges.unasked", reason=str(exc), **exc.context)
            except Exception:
                log.exception("purges.crashed")
            await asyncio.sleep(pause_s * (0.5 + _jitter()))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def forget(self, order: PurgeOrder) -> int:
        """Apply one order; gives the number of entries it meant. Raises Unavailable."""
        order = _as_keyed(order)
        self._fills.forget(order)
        count = await self._store.forget(order)
        self._metrics.purges.labels(order.kind).inc()
        log.info("purges.applied", kind=order.kind, value=order.value, soft=order.soft, entries=count)
        return count


def _as_keyed(order: PurgeOrder) -> PurgeOrder:
    """A URL in the spelling of cache keys; one that cannot be a key means nothing and stays as it is."""
    if order.kind != "url":
        return order
    try:
        return order.model_copy(update={"value": purged_key(order.value)})
    except InvalidInput:
        return order
