"""Fragments of a finished file as numbered segments. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from playnet.media.cmaf import Fragment, Movie


@dataclass(frozen=True, slots=True)
class Segment:
    """Bytes of the file that become `<number>.m4s`."""

    number: int
    offset: int
    size_bytes: int
    duration_ticks: int


def of_video(movie: Movie, *, first_number: int = 1) -> tuple[Segment, ...]:
    """Every fragment is a segment."""
    return tuple(_joined(number, [one]) for number, one in enumerate(movie.fragments, first_number))


def of_audio(movie: Movie, segment_s: Fraction) -> tuple[Segment, ...]:
    """Fragments gathered so that segment k ends as near as they allow to k times `segment_s`, without drift.

    A rest shorter than half a segment that only exists because of the encoder's padding joins its neighbour.
    """
    groups = list(_groups(movie, segment_s * movie.track.timescale))
    if len(groups) > 1 and len(groups[-1]) == 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return tuple(_joined(number, group) for number, group in enumerate(groups, 1))


def _groups(movie: Movie, segment_ticks: Fraction) -> Iterator[list[Fragment]]:
    group: list[Fragment] = []
    boundary = segment_ticks
    for fragment in movie.fragments:
        middle = fragment.decode_ticks + Fraction(fragment.duration_ticks, 2) - movie.track.edit_ticks
        if group and middle >= boundary:
            yield group
            group = []
            boundary += segment_ticks
        group.append(fragment)
    if group:
        yield group


def _joined(number: int, fragments: Sequence[Fragment]) -> Segment:
    first, last = fragments[0], fragments[-1]
    duration = sum(fragment.duration_ticks for fragment in fragments)
    return Segment(number, first.offset, last.offset + last.size_bytes - first.offset, duration)
