"""Where a viewer goes on with an asset, on whichever device. Pure.

Each session holds one *mark*: its latest position, and when its viewer last acted there (pressed play, or sought). A
*trail* is what is remembered of all sessions: the marks that are at most two minutes older than the latest. The trail's
*place* is the mark whose viewer acted last.

| what happens | the place |
|---|---|
| a later session plays | is there: it was acted on later |
| the viewer rewinds | is the earlier position: a seek is an act, positions are never compared |
| two devices play at once | follows the one acted on last; the other does not move it |
| that one stops, the other plays on | is the other's, two minutes later |
| beats arrive late, twice, in any order | is the same: `merge` is commutative, associative and idempotent |
| a paused tab lies open | stays: only playing, seeking and pausing make marks |
| the end comes | is finished: the next time begins at the start, and it is no longer to be continued |
| it is played again | is there again |

`merge` is a join: marks of one session by the later one, then everything two minutes older than the latest is dropped.
A dropped mark cannot come back, because the latest only grows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .beats import Beat, EpochMs, State

TOGETHER_MS: Final = 120_000  # sessions that were heard of within it play at the same time
MAX_MARKS: Final = 8
_WORTH_MS: Final = 5_000  # nobody misses the first seconds
_END_MS: Final = 30_000  # credits: less than this, and less than a twentieth, is not worth coming back for
_END_SHARE: Final = 20


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Mark:
    """Ordered by who acted last, then by what was heard last; the rest only makes the order total."""

    acted_at: EpochMs
    at: EpochMs
    session: str
    sequence: int
    position_ms: int
    ended: bool = False
    rendition: str = ""
    audio: str = ""
    captions: str = ""


Trail = frozenset[Mark]

NO_TRAIL: Final[Trail] = frozenset()


def mark_of(beat: Beat) -> Mark | None:
    """What a beat leaves; None when it tells of nothing that the viewer did or saw."""
    moves = beat.played_ms > 0 or beat.state in {State.SEEKING, State.ENDED}
    if not moves:
        return None
    return Mark(
        acted_at=beat.acted_at,
        at=beat.at,
        session=beat.session,
        sequence=beat.sequence,
        position_ms=beat.position_ms,
        ended=beat.state is State.ENDED,
        rendition=beat.rendition or "",
        audio=beat.audio or "",
        captions=beat.captions or "",
    )


def merge(*trails: Iterable[Mark]) -> Trail:
    """One trail of several. Commutative, associative, idempotent."""
    latest: dict[str, Mark] = {}
    for trail in trails:
        for mark in trail:
            known = latest.get(mark.session)
            if known is None or _recency(mark) > _recency(known):
                latest[mark.session] = mark
    if not latest:
        return NO_TRAIL
    newest = max(mark.at for mark in latest.values())
    return frozenset(mark for mark in latest.values() if newest - mark.at <= TOGETHER_MS)


def bounded(trail: Trail) -> Trail:
    """The marks that were acted on last: nobody watches on nine devices."""
    return trail if len(trail) <= MAX_MARKS else frozenset(sorted(trail)[-MAX_MARKS:])


def place(trail: Trail) -> Mark | None:
    """Where the viewer is."""
    return max(trail, default=None)


def is_finished(mark: Mark, duration_ms: int) -> bool:
    """Whether there is nothing left to come back for."""
    if mark.ended:
        return True
    return duration_ms > 0 and mark.position_ms >= duration_ms - min(_END_MS, duration_ms // _END_SHARE)


def start_ms(mark: Mark, duration_ms: int) -> int:
    """Where to start next time: 0 for what was finished, or hardly begun."""
    return 0 if is_finished(mark, duration_ms) or mark.position_ms < _WORTH_MS else mark.position_ms


def _recency(mark: Mark) -> tuple[EpochMs, int, Mark]:
    return (mark.at, mark.sequence, mark)
