"""When a crashed child starts again. Pure: clock readings and jitter are arguments."""

from dataclasses import dataclass

_FIRST_S = 0.5
_LONGEST_S = 30.0
_HEALTHY_S = 60.0  # a child that was ready for so long has earned a fresh schedule


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often in a row a child has failed."""

    failures: int = 0

    def after_exit(self, *, healthy_s: float) -> "Schedule":
        """Count one exit of a child that had been ready for `healthy_s` seconds."""
        return Schedule(1 if healthy_s >= _HEALTHY_S else self.failures + 1)

    def delay_s(self, *, jitter: float) -> float:
        """Pause before the next start: doubles from half a second up to 30 s; `jitter` in [0, 1) takes off up to a half."""
        if self.failures == 0:
            return 0.0
        full = min(_LONGEST_S, _FIRST_S * 2.0 ** min(self.failures - 1, 16))
        return full * (1 - jitter / 2)
