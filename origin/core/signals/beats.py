"""One beat: what a player tells every ten seconds, and whenever something changes. Pure.

A beat stands by itself: it says where playback is (`position_ms`) and how much media led there without a break since
the beat before (`played_ms`), so beats may come in any order, twice, or after some of them were lost. `acted_at`
is when the viewer last chose to be here: pressed play, or sought. Times are the client's until `settle` has put them on
the intake's clock.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NewType

from playnet.names import AssetId

Viewer = NewType("Viewer", str)
"""An account's id, or `~` and the hash of a device's cookie."""

EpochMs = NewType("EpochMs", int)

MAX_BEAT_MS: Final = 120_000  # of wall clock behind one beat: hidden tabs are woken once a minute
MAX_RATE: Final = 16.0  # what browsers allow at most
MIN_RATE: Final = 0.0625  # and at least; anything played at less would have taken no time, or for ever
MAX_AGE_MS: Final = 7 * 86_400_000  # offline batches: a week's journey
MAX_SEQUENCE: Final = 100_000  # a day of beats, one each second
_SLACK_MS: Final = 1_000  # between the clock's reading and the position's


class State(StrEnum):
    """What the player does at the time of the beat."""

    PLAYING = "playing"
    PAUSED = "paused"
    BUFFERING = "buffering"
    SEEKING = "seeking"
    ENDED = "ended"
    CLOSED = "closed"


class Refusal(StrEnum):
    """Why a beat does not count. Sending it again changes nothing."""

    UNKNOWN_ASSET = "unknown-asset"
    TOO_OLD = "too-old"
    IMPOSSIBLE = "impossible"
    SCATTERED = "scattered"
    OTHER_ASSET = "other-asset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """See the module. `revision` None: the current one."""

    session: str
    sequence: int
    asset: AssetId
    revision: int | None
    position_ms: int
    played_ms: int
    rate: float
    state: State
    at: EpochMs
    acted_at: EpochMs
    rendition: str | None = None
    edge: str | None = None
    audio: str | None = None
    captions: str | None = None

    @property
    def wall_ms(self) -> int:
        """How long the viewer sat there for `played_ms`."""
        return round(self.played_ms / self.rate) if self.rate >= MIN_RATE else 0


def settle(beat: Beat, *, sent_at: EpochMs, received_at: EpochMs) -> Beat | Refusal:
    """The beat on the intake's clock, within bounds; or why it cannot be.

    The client's clock is off by what its time of sending differs from the intake's of receipt (the way's duration is
    counted to it: it makes a beat older by milliseconds). What claims to be later than its own sending is taken as of now.
    """
    at = received_at - max(sent_at - beat.at, 0)
    if received_at - at > MAX_AGE_MS:
        return Refusal.TOO_OLD
    if beat.played_ms > 0 and beat.rate < MIN_RATE:
        return Refusal.IMPOSSIBLE
    if beat.wall_ms > MAX_BEAT_MS + _SLACK_MS or beat.played_ms > beat.position_ms + _SLACK_MS:
        return Refusal.IMPOSSIBLE
    acted_at = min(at - max(beat.at - beat.acted_at, 0), at)
    return _with_times(beat, EpochMs(at), EpochMs(max(acted_at, at - MAX_AGE_MS)))


def _with_times(beat: Beat, at: EpochMs, acted_at: EpochMs) -> Beat:
    """dataclasses.replace, at a third of its price: this is called for every beat."""
    return Beat(
        session=beat.session,
        sequence=beat.sequence,
        asset=beat.asset,
        revision=beat.revision,
        position_ms=beat.position_ms,
        played_ms=min(beat.played_ms, beat.position_ms),
        rate=beat.rate,
        state=beat.state,
        at=at,
        acted_at=acted_at,
        rendition=beat.rendition,
        edge=beat.edge,
        audio=beat.audio,
        captions=beat.captions,
    )
