"""Takes reports of beats and answers when they are durable: those that come together share one transaction."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from origin.core.signals.beats import Beat, EpochMs, Refusal, settle
from origin.core.signals.representation import Receipt, RefusedBeat, Report
from playnet.errors import PlayNetError, Unavailable
from playnet.logs import logger

from .hot import HotPlaces
from .ledger import Arrival, Ledger, Recorded

log = logger(__name__)

_MAX_BATCH: Final = 400  # arrivals in one transaction
_MAX_WAITING: Final = 5_000  # two seconds' worth at the speed that it is made for
_GATHER_S: Final = 0.02  # a beat can wait; twenty in one commit cost a third of twenty commits
_DEADLINE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    arrival: Arrival
    done: "asyncio.Future[tuple[tuple[Beat, Refusal], ...]]"


class Intake:
    """One per origin; `run` is its work."""

    def __init__(self, ledger: Ledger, hot: HotPlaces) -> None:
        self._ledger = ledger
        self._hot = hot
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(_MAX_WAITING)

    async def take(self, report: Report, arrival: Arrival, *, received_s: float | None = None) -> Receipt:
        """The receipt of a report, whose beats are durable then. `arrival`: its caller. Unavailable: send it again."""
        received_at = EpochMs(round((time.time() if received_s is None else received_s) * 1000))
        beats: list[Beat] = []
        refused: list[tuple[Beat, Refusal]] = []
        for given in report.beats:
            raw = given.beat()
            settled = settle(raw, sent_at=EpochMs(report.sent_at_ms), received_at=received_at)
            if isinstance(settled, Beat):
                beats.append(settled)
            else:
                refused.append((raw, settled))
        if beats:
            later = await self._wait(Arrival(viewer=arrival.viewer, bot=arrival.bot, beats=tuple(beats)))
            refused += later
        return Receipt(
            accepted=len(report.beats) - len(refused),
            refused=[RefusedBeat(session=beat.session, sequence=beat.sequence, reason=why) for beat, why in refused],
        )

    async def _wait(self, arrival: Arrival) -> Sequence[tuple[Beat, Refusal]]:
        waiting = _Waiting(arrival, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(waiting)
        except asyncio.QueueFull as exc:
            raise Unavailable("more beats come than can be kept: send them again later") from exc
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await waiting.done
        except TimeoutError as exc:
            raise Unavailable("the beats could not be kept in time: send them again") from exc

    async def run(self) -> None:
        """One batch after another, for `keep_going`."""
        first = await self._queue.get()
        await asyncio.sleep(_GATHER_S)
        batch = [first]
        while len(batch) < _MAX_BATCH and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        batch = [waiting for waiting in batch if not waiting.done.done()]
        try:
            await self._record(batch)
        except asyncio.CancelledError:
            _fail(batch, Unavailable("this service is stopping: send the beats again"))
            raise

    async def _record(self, batch: list[_Waiting]) -> None:
        try:
            recorded = await self._ledger.record([waiting.arrival for waiting in batch])
        except PlayNetError as error:
            _fail(batch, error)
            return
        except Exception as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            log.exception("beats.batch_failed", arrivals=len(batch))
            for waiting in batch:  # one of them cannot be kept: the others shall not suffer
                await self._record([waiting])
            return
        await self._hot.publish(recorded.places)
        _answer(batch, recorded)


def _answer(batch: Sequence[_Waiting], recorded: Recorded) -> None:
    refused: dict[tuple[str, int], tuple[Beat, Refusal]] = {
        (beat.session, beat.sequence): (beat, why) for beat, why in recorded.refused
    }
    for waiting in batch:
        names = {(beat.session, beat.sequence) for beat in waiting.arrival.beats} & refused.keys()
        if not waiting.done.done():
            waiting.done.set_result(tuple(refused[name] for name in sorted(names)))


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
