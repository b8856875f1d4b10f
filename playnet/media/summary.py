"""What lists and pages show of a presentation: small enough to be read for fifty assets at once. Pure.

`revision.summary` holds it as jsonb, written with the presentation that it is made from.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .records import AudioTrack, Presentation, TextTrack, VideoTrack


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Video(_Shown):
    """One video rendition."""

    kind: Literal["video"] = "video"
    name: str
    codec: str = Field(description="RFC 6381.")
    bitrate_bps: int = Field(description="Average over the whole duration.")
    peak_bitrate_bps: int = Field(description="Of the densest segment.")
    width: int
    height: int
    fps: float


class Audio(_Shown):
    """One audio rendition."""

    kind: Literal["audio"] = "audio"
    name: str
    codec: str = Field(description="RFC 6381.")
    bitrate_bps: int = Field(description="Average over the whole duration.")
    peak_bitrate_bps: int = Field(description="Of the densest segment.")
    channels: int
    sample_rate: int
    language: str | None


Rendition = Annotated[Video | Audio, Field(discriminator="kind")]


class Summary(BaseModel):
    """One revision in short."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may say more

    duration_s: float
    renditions: tuple[Rendition, ...]
    poster: bool
    storyboard: bool
    notes: tuple[str, ...] = ()
    texts: tuple[TextTrack, ...] = ()


def summarise(presentation: Presentation) -> Summary:
    """The summary of one presentation."""
    return Summary(
        duration_s=round(float(presentation.duration_s), 3),
        renditions=tuple(_rendition(track) for track in presentation.tracks),
        poster=presentation.poster,
        storyboard=presentation.storyboard is not None,
        notes=presentation.notes,
        texts=presentation.texts,
    )


def _rendition(track: VideoTrack | AudioTrack) -> Video | Audio:
    if isinstance(track, AudioTrack):
        return Audio(
            name=track.name,
            codec=track.codec,
            bitrate_bps=track.average_bandwidth_bps,
            peak_bitrate_bps=track.peak_bandwidth_bps,
            channels=track.channels,
            sample_rate=track.sample_rate,
            language=track.language,
        )
    return Video(
        name=track.name,
        codec=track.codec,
        bitrate_bps=track.average_bandwidth_bps,
        peak_bitrate_bps=track.peak_bandwidth_bps,
        width=track.width,
        height=track.height,
        fps=round(float(track.frame_rate), 3),
    )
