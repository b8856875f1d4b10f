"""Sets of whole numbers as sorted, disjoint, half-open spans: played milliseconds, seen sequence numbers. Pure.

Written as PostgreSQL writes an int4multirange (`{[0,10000),[12000,15000)}`), so that an operator can read the rows.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from playnet.errors import InvalidInput

Span = tuple[int, int]
Spans = tuple[Span, ...]

NOTHING: Final[Spans] = ()
_PAIR = re.compile(r"\[(-?\d+),(-?\d+)\)")
_WHOLE = re.compile(r"\{(?:\[-?\d+,-?\d+\)(?:,\[-?\d+,-?\d+\))*)?\}")


def union(spans: Iterable[Span]) -> Spans:
    """The same numbers in the fewest spans; empty ones are left out. Commutative, associative, idempotent."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def total(spans: Spans) -> int:
    """How many numbers."""
    return sum(end - start for start, end in spans)


def holds(spans: Spans, number: int) -> bool:
    """Whether `number` is among them."""
    return any(start <= number < end for start, end in spans)


def closed(spans: Spans, most: int) -> Spans:
    """At most `most` spans, got by filling the smallest gaps."""
    if len(spans) <= most:
        return spans
    gaps = sorted(range(1, len(spans)), key=lambda place: (spans[place][0] - spans[place - 1][1], place))
    kept = sorted(gaps[len(spans) - most :])
    starts = [0, *kept]
    ends = [*kept, len(spans)]
    return tuple((spans[start][0], spans[end - 1][1]) for start, end in zip(starts, ends, strict=True))


def write(spans: Spans) -> str:
    """As PostgreSQL reads it."""
    return "{" + ",".join(f"[{start},{end})" for start, end in spans) + "}"


def read(text: str) -> Spans:
    """The inverse. InvalidInput for anything else."""
    if not _WHOLE.fullmatch(text):
        raise InvalidInput("expected spans like {[0,10),[20,30)}")
    return tuple((int(start), int(end)) for start, end in _PAIR.findall(text))


def seconds(spans: Sequence[Span], last_s: int) -> list[int]:
    """Every second below `last_s` of which a span holds at least half, once for each span."""
    return [second for start, end in spans for second in range((start + 500) // 1000, min((end + 500) // 1000, last_s))]
