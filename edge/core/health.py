"""Which parents are worth a try: after a failure a pause that doubles, then one trial at a time. Pure, clock as argument.

A parent that cannot be reached costs one request its connect timeout, not every miss.
"""

from dataclasses import dataclass, replace
from typing import Final

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
_TRIAL_S: Final = 30.0  # a trial that never came to an end counts as none after this
_MAX_PARENTS: Final = 4096  # a fleet has at most 1000 nodes


@dataclass(frozen=True, slots=True)
class _State:
    """`until`: the pause, or the trial that followed it, ends then."""

    pause_s: float
    until: float
    is_on_trial: bool = False


class Health:
    """What is known of each parent by name; those that are well are not in it."""

    def __init__(self) -> None:
        self._failing: dict[str, _State] = {}

    def down(self, now: float) -> frozenset[str]:
        """Those that are in their pause, or on trial with another request."""
        return frozenset(name for name, state in self._failing.items() if now < state.until)

    def tries(self, name: str, now: float) -> None:
        """It is asked now: if it failed before, everybody else keeps away until the outcome is known."""
        state = self._failing.get(name)
        if state is not None and now >= state.until:
            self._failing[name] = replace(state, until=now + _TRIAL_S, is_on_trial=True)

    def failed(self, name: str, now: float) -> bool:
        """It could not be reached, fell silent or broke off. True when that is news."""
        state = self._failing.get(name)
        if state is None:
            if len(self._failing) < _MAX_PARENTS:
                self._failing[name] = _State(FIRST_PAUSE_S, now + FIRST_PAUSE_S)
            return True
        if state.is_on_trial or now >= state.until:  # else one of many requests that were under way when it failed
            pause_s = min(state.pause_s * 2, LONGEST_PAUSE_S)
            self._failing[name] = _State(pause_s, now + pause_s)
        return False

    def succeeded(self, name: str) -> bool:
        """It answered. True when that is news."""
        return self._failing.pop(name, None) is not None
