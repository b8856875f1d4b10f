"""Bounds how often one address may report. In this process: it must hold without Redis, and needs to be exact for nobody."""

import time
from math import ceil
from typing import Final

from origin.core.recent import Recent
from origin.core.signals.pace import Bucket, Pace, take
from playnet.errors import TooManyTries

OF_VIEWER: Final = Pace(per_s=2, burst=30)  # a page sends one in ten seconds, and one for each thing that happens
OF_ADDRESS: Final = Pace(per_s=300, burst=3_000)  # a school behind one address: 3,000 viewers
_MAX_KNOWN: Final = 100_000


class Paces:
    """Buckets of whoever called last."""

    def __init__(self) -> None:
        self._buckets: Recent[str, Bucket] = Recent(_MAX_KNOWN)

    def require(self, name: str, pace: Pace) -> None:
        """TooManyTries for one that calls too often."""
        bucket, wait_s = take(self._buckets.get(name), pace, now_s=time.monotonic())
        self._buckets.put(name, bucket)
        if wait_s > 0:
            raise TooManyTries("too many reports: send several beats in one", retry_after_s=ceil(wait_s))
