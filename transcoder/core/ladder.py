"""Which renditions a source gets. Pure.

A rung is chosen by the shorter side, so that portrait and landscape get the same qualities. Nothing is ever scaled up.
"""

from collections.abc import Sequence
from fractions import Fraction

from playnet.config import Rung

from .record import Record


class Rendition(Record):
    """One video quality to make; even numbers of square pixels, upright."""

    name: str
    width: int
    height: int
    crf: int
    max_bitrate_bps: int


def ladder(width: int, height: int, rungs: Sequence[Rung]) -> tuple[Rendition, ...]:
    """The rungs that a picture of that display size fills, smallest first.

    A picture below the smallest rung gets one rendition of its own size, on that rung's budget.
    """
    short = min(width, height)
    fitting = [rung for rung in rungs if rung.short_side <= short]
    if not fitting:
        return (_rendition(width, height, _even_down(short), rungs[0]),)
    return tuple(_rendition(width, height, rung.short_side, rung) for rung in fitting)


def _rendition(width: int, height: int, short_side: int, rung: Rung) -> Rendition:
    long_side = _even(Fraction(max(width, height) * short_side, min(width, height)))
    across, down = (long_side, short_side) if width >= height else (short_side, long_side)
    return Rendition(name=f"{short_side}p", width=across, height=down, crf=rung.crf, max_bitrate_bps=rung.max_bitrate)


def _even(value: Fraction) -> int:
    return max(2, 2 * round(value / 2))


def _even_down(value: int) -> int:
    return max(2, value // 2 * 2)
