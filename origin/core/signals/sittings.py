"""Folds the beats of one playback session into what was watched. Pure.

A sitting is the session's sum: which beats it has, which milliseconds of media were played, and how long that took. It
does not depend on the order of beats, and a beat that it has changes nothing. Nobody watches faster than the clock:
what is credited is never more than the time between the first and the last beat.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from playnet.names import AssetId

from .beats import Beat, EpochMs, Refusal, Viewer
from .spans import NOTHING, Span, Spans, closed, holds, total, union

MAX_SPANS: Final = 256  # of one sitting: a viewer who seeks more has nearby pieces joined
SLACK_MS: Final = 1_000  # reports take differently long, which moves their beats' times against each other
_MAX_LENGTH_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One session. `claimed_ms`: wall clock that its beats tell of; `began_at`: when the first of them began to play.

    `judged`: its view was decided, one way or the other.
    """

    viewer: Viewer
    asset: AssetId
    bot: bool
    seen: Spans = NOTHING
    covered: Spans = NOTHING
    claimed_ms: int = 0
    began_at: EpochMs | None = None
    last_at: EpochMs | None = None
    judged: bool = False

    @property
    def credited_ms(self) -> int:
        """Watch time by the wall clock."""
        if self.began_at is None or self.last_at is None:
            return 0
        return min(self.claimed_ms, self.last_at - self.began_at + SLACK_MS)

    @property
    def played_ms(self) -> int:
        """Distinct media that was played, as far as the clock makes it believable."""
        if self.claimed_ms == 0:
            return 0
        return total(self.covered) * self.credited_ms // self.claimed_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A sitting after more beats; `fresh` are those that it did not have, `refused` those that it cannot take."""

    sitting: Sitting
    fresh: tuple[Beat, ...]
    refused: tuple[tuple[Beat, Refusal], ...]


def fold(sitting: Sitting, beats: Iterable[Beat], *, duration_ms: int) -> Folded:
    """Add settled beats of this session. `duration_ms`: of the asset; positions beyond it are cut."""
    fresh: list[Beat] = []
    refused: list[tuple[Beat, Refusal]] = []
    seen = sitting.seen
    for beat in beats:
        if holds(seen, beat.sequence):
            continue
        objection = _objection(sitting, seen, beat)
        if objection is not None:
            refused.append((beat, objection))
            continue
        seen = union((*seen, (beat.sequence, beat.sequence + 1)))
        fresh.append(beat)
    if not fresh:
        return Folded(sitting=sitting, fresh=(), refused=tuple(refused))
    began = [beat.at - beat.wall_ms for beat in fresh]
    last = [beat.at for beat in fresh]
    covered = union((*sitting.covered, *(span for beat in fresh if (span := span_of(beat, duration_ms)))))
    grown = Sitting(
        viewer=sitting.viewer,
        asset=sitting.asset,
        bot=sitting.bot,
        seen=seen,
        covered=closed(covered, MAX_SPANS),
        claimed_ms=sitting.claimed_ms + sum(beat.wall_ms for beat in fresh),
        began_at=EpochMs(min(began if sitting.began_at is None else [sitting.began_at, *began])),
        last_at=EpochMs(max(last if sitting.last_at is None else [sitting.last_at, *last])),
        judged=sitting.judged,
    )
    return Folded(sitting=grown, fresh=tuple(fresh), refused=tuple(refused))


def span_of(beat: Beat, duration_ms: int) -> Span | None:
    """The media that a beat says was played, in milliseconds."""
    start, end = beat.position_ms - beat.played_ms, min(beat.position_ms, duration_ms)
    return (start, end) if start < end else None


def _objection(sitting: Sitting, seen: Spans, beat: Beat) -> Refusal | None:
    if beat.asset != sitting.asset:
        return Refusal.OTHER_ASSET
    if sitting.began_at is not None and sitting.last_at is not None:
        length = max(sitting.last_at, beat.at) - min(sitting.began_at, beat.at - beat.wall_ms)
        if length > _MAX_LENGTH_MS:
            return Refusal.IMPOSSIBLE  # a session is one page that was open; the client begins another each day
    touches = any(start == beat.sequence + 1 or end == beat.sequence for start, end in seen)
    return Refusal.SCATTERED if len(seen) >= MAX_SPANS and not touches else None
