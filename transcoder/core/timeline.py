"""Chunks that were encoded apart, joined to one timeline, or the reason why they do not fit together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from playnet.media.records import VideoTrack

from .plan import VideoPlan


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stretch(_Record):
    """One rendition of a chunk: `track` describes its segments only, `init_sha256` is of its init file."""

    track: VideoTrack
    init_sha256: str


class Chunk(_Record):
    """What a `video` task leaves in its row, one stretch for each rendition, smallest first."""

    n0: int = Field(ge=0)
    frames: int = Field(gt=0)
    stretches: tuple[Stretch, ...] = Field(min_length=1)

    @property
    def segments(self) -> int:
        """How many segments each rendition of it has."""
        return len(self.stretches[0].track.segment_ticks)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The tracks of the whole timeline, smallest first, and how many frames there are."""

    tracks: tuple[VideoTrack, ...]
    frames: int


class Unjoined(Exception):
    """The chunks are not one timeline: they have to be made again, in one go."""


def join(chunks: Sequence[Chunk], plan: VideoPlan) -> Timeline:
    """Join the chunks, which come in order. Raises Unjoined.

    They must follow each other without a gap and share one init file for each rendition: players read it once.
    """
    at = 0
    for number, chunk in enumerate(chunks):
        if chunk.n0 != at:
            raise Unjoined(f"chunk {number} starts at frame {chunk.n0}, the one before ends at {at}")
        at += chunk.frames
    renditions = zip(*(chunk.stretches for chunk in chunks), strict=True)
    tracks = tuple(_joined(stretches, plan) for stretches in renditions)
    return Timeline(tracks, at)


def _joined(stretches: Sequence[Stretch], plan: VideoPlan) -> VideoTrack:
    first = stretches[0].track
    segment_ticks = plan.segment_frames * plan.frame_ticks
    ticks: list[int] = []
    sizes: list[int] = []
    at = 0
    for number, stretch in enumerate(stretches):
        track = stretch.track
        if stretch.init_sha256 != stretches[0].init_sha256:
            raise Unjoined(f"{track.name}: the init file of chunk {number} differs from the first one's")
        if track.first_ticks != at or len(ticks) * segment_ticks != at:
            raise Unjoined(f"{track.name}: chunk {number} does not continue the one before it")
        ticks += track.segment_ticks
        sizes += track.segment_bytes
        at += sum(track.segment_ticks)
    return first.model_copy(update={"segment_ticks": tuple(ticks), "segment_bytes": tuple(sizes)})
