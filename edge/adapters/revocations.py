"""Following the log of revocations: each becomes a file at once, and the position is remembered after it.

A crash between the two repeats one, which is harmless. While Redis is away the node judges by what it knows.
"""

import asyncio
from collections.abc import Callable
from random import SystemRandom
from typing import Final

from redis.asyncio import Redis

from playnet.errors import PlayNetError
from playnet.logs import logger
from playnet.purge.log import Entry, Gap
from playnet.revocation_log import RevocationLog
from playnet.tokens import Revocation

from .metrics import Metrics
from .revoked import Revoked

log = logger(__name__)

_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
_jitter: Final = SystemRandom().random


class Revocations:
    """Applies revocations to one node's folder. `kept_s`: how long one can concern a token."""

    def __init__(
        self, redis: Redis, revoked: Revoked, metrics: Metrics, *, kept_s: float, clock: Callable[[], float]
    ) -> None:
        self._log, self._revoked, self._metrics = RevocationLog(redis), revoked, metrics
        self._kept_s, self._clock = kept_s, clock

    async def run(self) -> None:
        """Follow for ever; after a failure again, ever more slowly."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._sweep()
                async for event in self._log.follow(await asyncio.to_thread(self._revoked.position)):
                    self._metrics.revocation_log_connected.set(1)
                    await self._apply(event)
                    pause_s = _FIRST_PAUSE_S
            except PlayNetError as exc:
                log.warning("revocations.interrupted", reason=str(exc), **exc.context)
            except Exception:
                log.exception("revocations.crashed")
            self._metrics.revocation_log_connected.set(0)
            await asyncio.sleep(pause_s * (0.5 + _jitter()))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _apply(self, event: Entry[Revocation] | Gap) -> None:
        if isinstance(event, Gap):
            log.warning("revocations.gap", upto=event.upto, effect="every token issued until now is refused")
            await asyncio.to_thread(self._revoked.lapse, int(self._clock()))
            await asyncio.to_thread(self._revoked.remember_position, event.upto)
            self._metrics.revocations.labels("gap").inc()
            return
        await asyncio.to_thread(self._revoked.apply, event.order)
        await asyncio.to_thread(self._revoked.remember_position, event.id)
        self._metrics.revocations.labels(event.order.kind).inc()
        log.info("revocations.applied", kind=event.order.kind, value=event.order.value, at=event.order.at)
        await self._sweep()

    async def _sweep(self) -> None:
        """Whatever is too old to concern any token goes whenever something new comes: the folder cannot grow otherwise."""
        await asyncio.to_thread(self._revoked.sweep, int(self._clock() - self._kept_s))
