"""How often one may call: a token bucket as a value. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`per_s` on average, `burst` at once."""

    per_s: float
    burst: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is left at a time."""

    left: float
    at_s: float


def take(bucket: Bucket | None, pace: Pace, *, now_s: float) -> tuple[Bucket, float]:
    """The bucket after one call, and 0; or the same bucket and how many seconds to wait."""
    left = pace.burst if bucket is None else min(pace.burst, bucket.left + (now_s - bucket.at_s) * pace.per_s)
    if left < 1:
        return Bucket(left, now_s), (1 - left) / pace.per_s
    return Bucket(left - 1, now_s), 0.0
