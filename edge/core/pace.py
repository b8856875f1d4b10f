"""Whether an upstream delivers fast enough to be waited for. Pure.

A deadline for silence alone lets an origin that drips a byte now and then hold its waiters for ever.
"""

from typing import Final

WINDOW_S: Final = 30.0
FLOOR_BYTES: Final = 30 << 10  # in one window: 8 kbit/s, below any media and any line that is worth a connection


class Pace:
    """Counts bytes over time spent waiting for them; time in which we did not read does not count."""

    def __init__(self, *, window_s: float = WINDOW_S, floor_bytes: int = FLOOR_BYTES) -> None:
        self._window_s, self._floor_bytes = window_s, floor_bytes
        self._waited_s, self._got_bytes = 0.0, 0

    def is_held(self, waited_s: float, size_bytes: int) -> bool:
        """Note one read; False when a whole window brought less than its floor."""
        self._waited_s += waited_s
        self._got_bytes += size_bytes
        if self._waited_s < self._window_s:
            return True
        enough = self._got_bytes >= self._floor_bytes * (self._waited_s / self._window_s)
        self._waited_s, self._got_bytes = 0.0, 0
        return enough
