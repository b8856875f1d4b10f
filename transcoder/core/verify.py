"""Whether ffmpeg's output is what was planned. Its exit status proves nothing: the boxes are read and compared. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from playnet.errors import MediaRejected, ToolFailed
from playnet.media.cmaf import Fragment, Movie
from playnet.media.sample_entry import Audible, Visual

from .plan import AUDIO_RATE, VideoPlan, Window
from .sound import AudioPlan


@dataclass(frozen=True, slots=True)
class Verdict:
    """`frames` were encoded of `planned`; fewer when the end of a damaged source does not decode."""

    frames: int
    planned: int

    @property
    def complete(self) -> bool:
        return self.frames == self.planned


def check_video(movies: Sequence[Movie], plan: VideoPlan, window: Window) -> Verdict:
    """Every rendition has the same frames on the same grid, each segment starting at a key frame shown at once.

    MediaRejected when nothing decoded; ToolFailed when the output contradicts the plan.
    """
    counts = {sum(fragment.samples for fragment in movie.fragments) for movie in movies}
    if counts == {0}:
        raise MediaRejected("None of the pictures in this file can be decoded: it is damaged.")
    for rendition, movie in zip(plan.renditions, movies, strict=True):
        sample = movie.track.sample
        if not isinstance(sample, Visual) or (sample.width, sample.height) != (rendition.width, rendition.height):
            raise ToolFailed(f"{rendition.name}: the picture has another size than planned")
        if movie.track.timescale != plan.timescale:
            raise ToolFailed(f"{rendition.name}: timescale {movie.track.timescale} instead of {plan.timescale}")
        _check_grid(rendition.name, movie.fragments, plan, window)
    frames = counts.pop()
    if counts:
        raise ToolFailed(f"renditions differ in length: {sorted([frames, *counts])} frames")
    if frames > window.frames:
        raise ToolFailed(f"{frames} frames instead of {window.frames}")
    return Verdict(frames, window.frames)


def _check_grid(name: str, fragments: Sequence[Fragment], plan: VideoPlan, window: Window) -> None:
    at = window.n0
    for number, fragment in enumerate(fragments, 1):
        if fragment.decode_ticks != at * plan.frame_ticks:
            raise ToolFailed(f"{name}: segment {number} starts at {fragment.decode_ticks}, not frame {at}")
        if fragment.first_offset_ticks != 0 or not fragment.starts_with_sync:
            raise ToolFailed(f"{name}: segment {number} does not start with a picture that is shown first")
        if fragment.duration_ticks != fragment.samples * plan.frame_ticks:
            raise ToolFailed(f"{name}: segment {number} has uneven frames")
        if fragment.samples != plan.segment_frames and number < len(fragments):
            raise ToolFailed(f"{name}: segment {number} has {fragment.samples} frames, not {plan.segment_frames}")
        at += fragment.samples


def check_audio(movie: Movie, plan: AudioPlan) -> None:
    """One unbroken timeline from zero. MediaRejected when nothing decoded; ToolFailed when it has a hole."""
    if not movie.fragments:
        raise MediaRejected("The sound in this file cannot be decoded: it is damaged.")
    if movie.track.timescale != AUDIO_RATE:
        raise ToolFailed(f"the sound has {movie.track.timescale} ticks per second")
    sample = movie.track.sample
    if not isinstance(sample, Audible) or sample.channels != plan.channels:
        raise ToolFailed(f"the sound has not the {plan.channels} channels that were planned")
    at = 0
    for fragment in movie.fragments:
        if fragment.decode_ticks != at:
            raise ToolFailed(f"the sound has a hole at {at} ticks")
        at += fragment.duration_ticks
    if plan.duration_s is not None and at < plan.duration_s * AUDIO_RATE:
        raise ToolFailed(f"the sound ends at {at} ticks, before the picture")
