"""Chunks that were encoded apart, joined to one timeline, or the reason why they do not fit together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from playnet.media.records import VideoTrack

from .plan import VideoPlan
from .record import Record

_FEW_LOST = 2  # the first and the last picture of a cut recording


class Stretch(Record):
    """One rendition of a chunk: `track` describes its segments only, `init_sha256` is of its init file."""

    track: VideoTrack
    init_sha256: str


class Chunk(Record):
    """What a `video` task leaves in its row, one stretch for each rendition, smallest first."""

    n0: int = Field(ge=0)
    frames: int = Field(gt=0)
    pictures: int | None = Field(None, ge=0, description="How many different pictures of the source its frames show.")
    stretches: tuple[Stretch, ...] = Field(min_length=1)

    @property
    def segments(self) -> int:
        """How many segments each rendition of it has."""
        return len(self.stretches[0].track.segment_ticks)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The tracks of the whole timeline, smallest first, how many frames there are, and of how many pictures."""

    tracks: tuple[VideoTrack, ...]
    frames: int
    pictures: int | None = None
    chunks: int = 1

    def told(self, plan: VideoPlan) -> str | None:
        """What of the source was lost, for people; None for nothing.

        A picture that is shown on both sides of a boundary was counted twice, so each chunk is allowed one.
        """
        missing_s = float((plan.frames - self.frames) / plan.fps)
        if missing_s >= 1:
            return f"The file is damaged: its last {missing_s:.0f} seconds of picture could not be decoded."
        if self.pictures is None or plan.pictures is None:
            return None
        lost = plan.pictures - self.pictures
        if lost <= max(_FEW_LOST, self.chunks):
            return None
        return (
            f"The file is damaged: {lost} of its {plan.pictures} pictures could not be decoded. "
            "The picture before stands still in their place."
        )


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
    shown = [chunk.pictures for chunk in chunks if chunk.pictures is not None]
    return Timeline(tracks, at, sum(shown) if len(shown) == len(chunks) else None, len(chunks))


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
