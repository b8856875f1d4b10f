"""Most replayed: how often each second of a revision was played. Pure.

Kept by the minute, so that a beat of ten seconds touches one row, or two.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from playnet.names import AssetId

from .spans import Span, seconds

MINUTE_S: Final = 60
MAX_BINS: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class Minute:
    """One minute of one revision: what a row is found by."""

    asset: AssetId
    revision: int
    number: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Part of the timeline. `heat`: 1 for the most played one."""

    start_s: float
    end_s: float
    heat: float


def spread(played: Iterable[tuple[AssetId, int, Span, int]]) -> dict[Minute, list[int]]:
    """Plays by second for each minute. `played`: asset, revision, span of milliseconds, duration in milliseconds."""
    found: dict[Minute, list[int]] = {}
    for asset, revision, span, duration_ms in played:
        for second in seconds((span,), -(-duration_ms // 1000)):
            plays = found.setdefault(Minute(asset, revision, second // MINUTE_S), [0] * MINUTE_S)
            plays[second % MINUTE_S] += 1
    return found


def histogram(minutes: Mapping[int, Sequence[int]], duration_s: float, bins: int = MAX_BINS) -> list[Bin]:
    """The timeline in at most `bins` equal parts of a second or more; a part has its seconds' mean. Empty: no plays."""
    length_s = max(1, -(-round(duration_s * 1000) // 1000))
    count = min(bins, length_s)
    plays = Counter(
        {minute * MINUTE_S + place: number for minute, row in minutes.items() for place, number in enumerate(row)}
    )
    edges = [length_s * place // count for place in range(count + 1)]
    means = [sum(plays[second] for second in range(start, end)) / (end - start) for start, end in pairwise(edges)]
    hottest = max(means, default=0.0)
    if hottest == 0:
        return []
    return [
        Bin(float(start), min(float(end), duration_s), round(mean / hottest, 4))
        for (start, end), mean in zip(pairwise(edges), means, strict=True)
    ]
