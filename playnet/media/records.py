"""What is known of an encoded asset: the input of every manifest. Pure, frozen, JSON in and out.

A track is one rendition: an init file and segments numbered from 1. Durations are what the boxes say, in ticks
of the track's timescale, never nominal. `revision.presentation` holds these records as jsonb.
"""

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"
_Positive = Annotated[int, Field(gt=0)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Track(_Record):
    """What video and audio share. `codec` is an RFC 6381 string read from the init file."""

    name: Annotated[str, Field(pattern=_NAME)]
    codec: str
    timescale: _Positive
    segment_ticks: tuple[_Positive, ...] = Field(min_length=1)
    segment_bytes: tuple[_Positive, ...] = Field(min_length=1)
    first_ticks: int = Field(0, ge=0, description="Decode time of the first sample (tfdt).")

    @property
    def duration_s(self) -> Fraction:
        return Fraction(sum(self.segment_ticks), self.timescale)

    @property
    def average_bandwidth_bps(self) -> int:
        """RFC 8216bis AVERAGE-BANDWIDTH: all bytes over the whole duration."""
        return _bps(sum(self.segment_bytes), self.duration_s)

    @property
    def peak_bandwidth_bps(self) -> int:
        """RFC 8216bis BANDWIDTH: the densest segment, but not one shorter than half the target duration."""
        half = max(self.segment_ticks) / 2
        rates = [
            _bps(size, Fraction(ticks, self.timescale))
            for size, ticks in zip(self.segment_bytes, self.segment_ticks, strict=True)
            if ticks >= half
        ]
        return max(rates)


class VideoTrack(_Track):
    """One video quality; `width` and `height` are display pixels (square)."""

    kind: Literal["video"] = "video"
    width: _Positive
    height: _Positive
    fps_num: _Positive
    fps_den: _Positive

    @property
    def frame_rate(self) -> Fraction:
        return Fraction(self.fps_num, self.fps_den)


class AudioTrack(_Track):
    """One audio rendition."""

    kind: Literal["audio"] = "audio"
    channels: _Positive
    sample_rate: _Positive
    language: str | None = Field(None, description="BCP 47 tag, when the source names one.")
    label: str | None = Field(None, description="What a viewer chooses by; distinct among tracks of as many channels.")
    role: Literal["main", "commentary", "description", "dub"] = "main"


class TextTrack(_Record):
    """Captions: one WebVTT file `<name>/1.vtt` for the whole timeline."""

    name: Annotated[str, Field(pattern=_NAME)]
    language: str | None = None
    label: str
    forced: bool = Field(False, description="Only what has to be read even by those who understand the sound.")
    hearing: bool = Field(False, description="For those who do not hear: with sounds described.")
    size_bytes: _Positive
    cues: _Positive


class Chapter(_Record):
    """Where a part of the video begins."""

    start_s: float = Field(ge=0)
    title: str


Track = Annotated[VideoTrack | AudioTrack, Field(discriminator="kind")]


class Storyboard(_Record):
    """Sprite sheets `thumbs/sprite-<n>.jpg` and their index `thumbs/storyboard.vtt`."""

    columns: _Positive
    rows: _Positive
    tile_width: _Positive
    tile_height: _Positive
    interval_s: float = Field(gt=0)
    sheets: _Positive


class Presentation(_Record):
    """One revision, ready to be described: tracks in ascending quality."""

    tracks: tuple[Track, ...] = Field(min_length=1)
    texts: tuple[TextTrack, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = Field((), description="What of the source is shown differently or not at all, for people.")
    storyboard: Storyboard | None = None
    poster: bool = Field(False, description="Whether `thumbs/poster.jpg` exists.")

    @property
    def video(self) -> tuple[VideoTrack, ...]:
        return tuple(track for track in self.tracks if isinstance(track, VideoTrack))

    @property
    def audio(self) -> tuple[AudioTrack, ...]:
        return tuple(track for track in self.tracks if isinstance(track, AudioTrack))

    @property
    def duration_s(self) -> Fraction:
        """The longest track's."""
        return max(track.duration_s for track in self.tracks)


def _bps(size_bytes: int, duration_s: Fraction) -> int:
    return -(-size_bytes * 8 * duration_s.denominator // duration_s.numerator)
