"""Whether pictures are interlaced, and in which order their fields come: what the file says, checked by looking. Pure.

Containers lie in both directions: cameras put progressive pictures into interlaced streams (25PsF), tools lose the flag.
So a file that says `interlaced`, and one of a size, rate and codec of television that says nothing, is looked at with
ffmpeg's idet over some pictures from its middle.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from .source import VideoStream

Scan = Literal["progressive", "top-first", "bottom-first"]

_FLAGS: dict[str, Scan] = {"tt": "top-first", "tb": "top-first", "bb": "bottom-first", "bt": "bottom-first"}
_TV_LINES = frozenset({480, 486, 576, 512, 608, 1080, 1088})
_TV_CODECS = frozenset({"mpeg2video", "dvvideo", "dnxhd", "prores", "mjpeg", "rawvideo", "v210", "h264", "ffv1"})
_FASTEST_FRAMES = 31  # interlaced pictures are as fast as 30 a second
_COUNT = re.compile(r"lavfi\.idet\.multiple\.(tff|bff|progressive)=(\d+)")
_FEW = 10  # fewer decided pictures say nothing
_UNDECIDED = 3  # a source has one order of fields; where both are seen, fine detail was taken for them
_MANY = Fraction(1, 5)  # of the pictures that move: below, it is a progressive film with interlaced titles


def worth_looking(stream: VideoStream) -> bool:
    """Whether the flags need proof."""
    if stream.look.fields in _FLAGS:
        return True
    rate = stream.average_rate
    tv = stream.height in _TV_LINES and rate is not None and 24 < rate < _FASTEST_FRAMES
    return tv and stream.codec in _TV_CODECS and stream.look.fields != "progressive"


@dataclass(slots=True)
class Fields:
    """Reads what idet's metadata say, line by line; the counters only grow."""

    tff: int = 0
    bff: int = 0
    progressive: int = 0

    def feed(self, line: str) -> None:
        if found := _COUNT.search(line):
            setattr(self, found[1], int(found[2][:9]))


def scan(stream: VideoStream, seen: Fields | None) -> Scan:
    """What to take it for. Pictures that do not move tell nothing: then the flag counts.

    Fields of a picture that is shown on its side cannot be told apart any more; upside down they change places.
    """
    flagged = _FLAGS.get(stream.look.fields, "progressive")
    decided = _decided(seen, flagged) if seen is not None else flagged
    if decided == "progressive" or stream.rotation in {90, 270}:
        return "progressive"
    if stream.rotation == 180:
        return "bottom-first" if decided == "top-first" else "top-first"
    return decided


def _decided(seen: Fields, flagged: Scan) -> Scan:
    fields, total = seen.tff + seen.bff, seen.tff + seen.bff + seen.progressive
    if total < _FEW:
        return flagged
    if fields < _MANY * total:
        return "progressive"
    if _UNDECIDED * min(seen.tff, seen.bff) > max(seen.tff, seen.bff):
        return flagged
    return "top-first" if seen.tff >= seen.bff else "bottom-first"


def told(stream: VideoStream, decided: Scan) -> str | None:
    """What a publisher has to know of it; None for nothing."""
    flagged = stream.look.fields in _FLAGS
    if decided != "progressive":
        lie = "" if flagged else ", although it does not say so"
        return f"The picture is interlaced{lie}. Each of its fields becomes a picture, so motion stays smooth."
    if flagged and stream.rotation not in {90, 270}:
        return "The file says that it is interlaced, but its pictures are not: they are kept whole."
    return None
