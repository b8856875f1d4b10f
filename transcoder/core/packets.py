"""When a source's pictures are shown, told from its packets: first, last, the usual gap, and how many fit on a grid. Pure."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from playnet.errors import MediaRejected

from .source import VideoStream

_MAX_PACKETS = 24 * 3600 * 120  # a day at 120 pictures per second: 83 MB of times
_MAX_UNTIMED = 8  # beyond it, the end of the file has lost its clock
_MAX_DIGITS = 18  # of a time that fits 64 bits


class PacketTimes:
    """Gathers a stream's packet times, fed as they are read, in any order; eight bytes for each."""

    def __init__(self) -> None:
        self._ticks = array("q")
        self._keys = array("q")
        self._untimed = 0

    def feed(self, line: str) -> None:
        """One `pts,flags` line. Packets that an edit list discards do not count, and those without a time only at the end:
        a program stream names times for packs, and the last one may hold several pictures."""
        pts, _, flags = line.strip().partition(",")
        if "D" in flags:
            return
        if not pts.lstrip("-").isdigit() or len(pts) > _MAX_DIGITS:
            self._untimed += pts == "N/A"
            return
        self._untimed = 0
        if len(self._ticks) >= _MAX_PACKETS:
            raise MediaRejected("The file holds more pictures than a day of video: it is damaged.")
        self._ticks.append(int(pts))
        if "K" in flags:
            self._keys.append(int(pts))

    def span(self) -> "Span | None":
        """What they say together; None when there was none."""
        if not self._ticks:
            return None
        ticks = array("q", sorted(self._ticks))
        span = _span(ticks, sorted(self._keys))
        if not self._untimed or span.gap is None or self._untimed > _MAX_UNTIMED:
            return span
        ticks.extend(span.last + round(number * span.gap) for number in range(1, self._untimed + 1))
        return _span(ticks, sorted(self._keys))


@dataclass(frozen=True, slots=True)
class Span:
    """First and last picture in ticks, how many there are, and the usual gap between two (None for one picture).

    `key_gap`: the longest stretch without a key frame, in ticks; 0 where it is not known. `ticks`: each picture's time,
    ascending; empty where they are not known.
    """

    first: int
    last: int
    count: int
    gap: Fraction | None
    key_gap: int = 0
    ticks: Sequence[int] = field(default=(), repr=False, compare=False)

    def pictures(self, frame_ticks: Fraction) -> int | None:
        """On how many frames of a grid that begins with the first picture another picture is shown than on the frame
        before. None where times are not known."""
        if not self.ticks:
            return None
        double, half = 2 * frame_ticks.denominator, frame_ticks.numerator
        slots = ((tick - self.first) * double + half for tick in self.ticks)
        return len({slot // (2 * half) for slot in slots})


def assumed_span(stream: VideoStream) -> Span | None:
    """What the container's header claims, for files that take too long to read; None when it says too little."""
    if stream.average_rate is None or stream.duration_s is None:
        return None
    gap = 1 / (stream.average_rate * stream.time_base)
    count = max(1, round(stream.duration_s * stream.average_rate))
    return Span(stream.start_ticks, stream.start_ticks + round((count - 1) * gap), count, gap)


def _span(ticks: Sequence[int], keys: Sequence[int]) -> Span:
    """The usual gap is the mean of those within a quarter of the median: holes do not count as slow motion, and
    clocks that round to milliseconds average out."""
    gaps = sorted(later - earlier for earlier, later in pairwise(ticks) if later > earlier)
    gap = None
    if gaps:
        median = gaps[len(gaps) // 2]
        usual = [one for one in gaps if 4 * abs(one - median) <= median]
        gap = Fraction(sum(usual), len(usual))
    key_gap = max(later - earlier for earlier, later in pairwise([ticks[0], *keys, ticks[-1]]))
    return Span(ticks[0], ticks[-1], len(ticks), gap, key_gap, ticks)
