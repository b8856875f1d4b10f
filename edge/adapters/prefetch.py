"""Fetching what will be asked for next, in the time that viewers leave over; the object's owner does it, told by a hint.

`seen` costs a viewer nothing: it thinks and queues. A few workers do the rest, one wish at a time each.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from edge.core.forward import forwarded, nobody
from edge.core.key import Key
from edge.core.prefetch import Load, Outcome, Plan, is_strained, wishes
from playnet.errors import PlayNetError
from playnet.logs import logger

from .fill.fill import Copied, InSlices, Mismatch, Private, Streaming
from .fill.fills import Fills
from .metrics import Metrics
from .store.store import Store
from .upstream.upstream import Ask, Upstream

log = logger(__name__)

_WORKERS: Final = 4
_WAITING: Final = 64
_LONGEST_S: Final = 60.0  # of one prefetch: a segment that takes longer helps nobody
_LAG_PERIOD_S: Final = 0.25
_PATIENCE: Final = 8  # periods: a segment that comes two seconds late may still be in time
_SWEEP_PERIODS: Final = 40
_END: Final = 1 << 62  # of any body: to wait for it is to wait until nothing more comes
_GONE: Final = frozenset({404, 410})


class Prefetch:
    """`run` works until it is cancelled; `seen`, `asked` and `hinted` may be called before."""

    def __init__(
        self, node: str, store: Store, fills: Fills, upstream: Upstream, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._node, self._store, self._fills, self._upstream = node, store, fills, upstream
        self._metrics, self._clock = metrics, clock
        self._plan = Plan()
        self._queue: asyncio.Queue[tuple[Key, bool]] = asyncio.Queue(_WAITING)
        self._lag_s = 0.0

    def seen(self, key: Key, cmcd: str) -> None:
        """A viewer gets this object: think about the next one."""
        if self._plan.is_first(key, cmcd, self._clock()):
            for wish in wishes(key, cmcd):
                self._consider(wish, is_hint=False)

    def hinted(self, key: Key) -> None:
        """Another node says that this will be asked for here."""
        self._consider(key, is_hint=True)

    def asked(self, key: Key) -> None:
        """Somebody asks for this object."""
        if self._plan.asked(key):
            self._told(Outcome.USEFUL)

    async def run(self) -> None:
        """The workers, and a look at the event loop's lag."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(), name="prefetch-load")
            for number in range(_WORKERS):
                group.create_task(self._work(), name=f"prefetch-{number}")

    def _consider(self, wish: Key, *, is_hint: bool) -> None:
        now = self._clock()
        if not self._plan.is_news(wish, now):
            return
        refusal = self._plan.refusal(wish, now)
        if refusal is None:
            try:
                self._queue.put_nowait((wish, is_hint))
            except asyncio.QueueFull:
                refusal = Outcome.CROWDED
        if refusal is not None:
            self._told(refusal)

    async def _work(self) -> None:
        while True:
            wish, is_hint = await self._queue.get()
            try:
                async with asyncio.timeout(_LONGEST_S):
                    outcome = await self._followed(wish, is_hint=is_hint)
            except (PlayNetError, Mismatch, TimeoutError) as exc:
                log.debug("prefetch.failed", key=wish, reason=str(exc))
                outcome = Outcome.FAILED
            except Exception:
                log.exception("prefetch.crashed", key=wish)
                outcome = Outcome.FAILED
            self._told(outcome)

    async def _followed(self, wish: Key, *, is_hint: bool) -> Outcome:
        if not await self._has_leisure():
            self._plan.put_off(wish)
            return Outcome.PAUSED
        fields = forwarded(nobody(()), node=self._node, request_id=f"prefetch-{self._node}", conditions=False)
        if self._fills.under_way(wish) or await self._store.lookup(wish, fields) is not None:
            return Outcome.HELD
        if not is_hint and await self._upstream.hint(wish, fields):
            return Outcome.HINTED
        return await self._fetched(Ask("GET", wish, fields))

    async def _has_leisure(self) -> bool:
        """Wait a little for viewers to leave something over."""
        for _ in range(_PATIENCE):
            if not is_strained(Load(self._fills.count, self._lag_s, self._upstream.first_byte_s)):
                return True
            await asyncio.sleep(_LAG_PERIOD_S)
        return False

    async def _fetched(self, ask: Ask) -> Outcome:
        async with self._fills.obtain(ask, None) as obtained:
            head = obtained.head
            status = head.status if isinstance(head, Private | Copied) else head.entry.status
            if status in _GONE:
                self._plan.ended(ask.key, self._clock())
                return Outcome.ENDED
            if obtained.collapsed:
                return Outcome.HELD
            if status != 200 or not isinstance(head, Streaming | InSlices):
                return Outcome.FAILED
            self._plan.fetched(ask.key, self._clock())
            if isinstance(head, Streaming):  # of what comes in slices the first ones do
                await head.body.available(_END)
        return Outcome.FETCHED

    async def _watch(self) -> None:
        """Measure how late the event loop is; now and then count what was fetched in vain."""
        loop, period = asyncio.get_running_loop(), 0
        while True:
            due = loop.time() + _LAG_PERIOD_S
            await asyncio.sleep(_LAG_PERIOD_S)
            self._lag_s = max(loop.time() - due, self._lag_s / 2)
            period += 1
            if period % _SWEEP_PERIODS == 0:
                for _ in self._plan.overdue(self._clock()):
                    self._told(Outcome.WASTED)

    def _told(self, outcome: Outcome) -> None:
        self._metrics.prefetches.labels(outcome).inc()
