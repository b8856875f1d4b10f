"""Signals as the API takes and shows them. Pure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from origin.core.representation import AssetView
from playnet.names import AssetId

from .beats import MAX_RATE, MAX_SEQUENCE, Beat, EpochMs, Refusal, State
from .heat import Bin

MAX_BEATS = 200
MAX_REPORT_BYTES = 64 << 10  # what browsers let pages leave behind with sendBeacon (Fetch §4.5 "keepalive")
_ASSET = "k3v9m2qx7ahd"
_SESSION = "Zq3xV0m1Tn2rB8sYcK4dLw"
_MS = 1_767_607_200_000
_WHEN = "2026-01-05T10:00:00Z"

AssetName = Annotated[str, Field(pattern="^[a-z2-9]{12}$")]
SessionName = Annotated[str, Field(pattern="^[A-Za-z0-9_-]{16,64}$", description="Random: who knows it can add to it.")]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:+-]{0,63}$")]
Milliseconds = Annotated[int, Field(ge=0, le=253_402_300_799_000, description="Unix time by the player's clock.")]
Seconds = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


_BEAT = {
    "session": _SESSION, "sequence": 3, "asset": _ASSET, "revision": 1, "position_s": 40.2, "played_s": 10.0,
    "rate": 1.0, "state": "playing", "at_ms": _MS - 20, "acted_at_ms": _MS - 40_000, "rendition": "720p",
    "edge": "edge-1", "audio": "en", "captions": None,
}  # fmt: skip


class BeatIn(BaseModel):
    """One beat of a player."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    session: SessionName
    sequence: int = Field(ge=0, le=MAX_SEQUENCE, description="Counts the session's beats; a repeated one counts once.")
    asset: AssetName
    revision: int | None = Field(None, ge=1, le=2**31 - 1)
    position_s: Seconds
    played_s: Seconds = Field(0, description="Media played without a break up to `position_s`, since the beat before.")
    rate: float = Field(1, ge=0, le=MAX_RATE, allow_inf_nan=False)
    state: State
    at_ms: Milliseconds
    acted_at_ms: Milliseconds | None = Field(None, description="When the viewer last pressed play, or sought.")
    rendition: Label | None = None
    edge: Label | None = None
    audio: Label | None = None
    captions: Label | None = None

    def beat(self) -> Beat:
        return Beat(
            session=self.session,
            sequence=self.sequence,
            asset=AssetId(self.asset),
            revision=self.revision,
            position_ms=round(self.position_s * 1000),
            played_ms=round(self.played_s * 1000),
            rate=self.rate,
            state=self.state,
            at=EpochMs(self.at_ms),
            acted_at=EpochMs(self.at_ms if self.acted_at_ms is None else self.acted_at_ms),
            rendition=self.rendition,
            edge=self.edge,
            audio=self.audio,
            captions=self.captions,
        )


class Report(BaseModel):
    """Beats since the last report, or of a time without network."""

    model_config = _example(sent_at_ms=_MS, beats=[_BEAT])

    sent_at_ms: Milliseconds
    beats: list[BeatIn] = Field(min_length=1, max_length=MAX_BEATS)


class RefusedBeat(BaseModel):
    """A beat that does not count, whenever it comes."""

    session: str
    sequence: int
    reason: Refusal


class Receipt(BaseModel):
    """What became of a report. All of it is durable now: none of it needs to be sent again."""

    model_config = _example(accepted=1, refused=[])

    accepted: int = Field(description="Beats that count, now or already before.")
    refused: list[RefusedBeat]


class Reaction(StrEnum):
    """What somebody with an account thinks of an asset."""

    LIKE = "like"
    DISLIKE = "dislike"
    NONE = "none"


class NewReaction(BaseModel):
    """Like or dislike; `none` is set by DELETE."""

    model_config = _example(reaction="like")

    reaction: Reaction


class ReactionView(BaseModel):
    """One's own reaction, and everybody's."""

    model_config = _example(reaction="like", likes=12, dislikes=1)

    reaction: Reaction
    likes: int
    dislikes: int


class NewPlace(BaseModel):
    """Where a viewer is, told by a player that sends no beats. Counts as an act of now."""

    model_config = _example(position_s=61.5, audio="en", captions="de", rendition="720p")

    position_s: Seconds
    ended: bool = False
    rendition: Label | None = None
    audio: Label | None = None
    captions: Label | None = None


class PlaceView(BaseModel):
    """Where to go on. `at` null: never watched."""

    model_config = _example(
        asset=_ASSET,
        position_s=61.5,
        start_s=61.5,
        finished=False,
        at=_WHEN,
        rendition="720p",
        audio="en",
        captions=None,
    )

    asset: str
    position_s: float = Field(description="Where playback was.")
    start_s: float = Field(description="Where to start now: 0 after the end, and for what was hardly begun.")
    finished: bool
    at: datetime | None
    rendition: str | None
    audio: str | None
    captions: str | None


class Watched(BaseModel):
    """One asset of a viewer's history."""

    asset: AssetView
    position_s: float
    finished: bool
    watched_at: datetime = Field(description="To the minute.")


class History(BaseModel):
    """One page, the latest first."""

    items: list[Watched]
    next: str | None = Field(description="Give it as `cursor` to get the page after this one; null at the end.")


class Kept(BaseModel):
    """One asset that is kept for later."""

    asset: AssetView
    added_at: datetime


class WatchLater(BaseModel):
    """One page, the newest first."""

    items: list[Kept]
    next: str | None = Field(description="Give it as `cursor` to get the page after this one; null at the end.")


class HeatBin(BaseModel):
    """A part of the timeline."""

    start_s: float
    end_s: float
    heat: float = Field(ge=0, le=1, description="1 for the part that was played most.")


class MostReplayed(BaseModel):
    """How often each part of the asset was played, in up to a hundred parts; empty until it was played."""

    model_config = _example(asset=_ASSET, bins=[{"start_s": 0, "end_s": 1, "heat": 1}])

    asset: str
    bins: list[HeatBin]


def represent_bins(bins: list[Bin]) -> list[HeatBin]:
    """For MostReplayed."""
    return [HeatBin(start_s=part.start_s, end_s=part.end_s, heat=part.heat) for part in bins]
