"""How long a sign-in has to wait after others failed. Pure.

Two counters meet: one of the account that is named, one of the address that asks. An account that does not exist has
a counter like any other, so waiting tells nothing. Counted before the password is looked at, so that a thousand
attempts at once are a thousand attempts.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Patience:
    """`free` failures cost nothing; each one after doubles the wait, from `first_s` up to `longest_s`."""

    free: int
    first_s: float
    longest_s: float
    forget_s: int


# Five slips of a person; then 1, 2, 4 … 900 s: 150 guesses a day at most.
OF_ACCOUNT: Final = Patience(free=5, first_s=1, longest_s=900, forget_s=24 * 3600)
# An address may be a whole school, or the proxy in front of everybody.
OF_ADDRESS: Final = Patience(free=30, first_s=1, longest_s=60, forget_s=3600)


def wait_s(failures: int, patience: Patience) -> float:
    """How long the next attempt is refused after so many failures in a row."""
    beyond = failures - patience.free
    if beyond <= 0:
        return 0.0
    return min(patience.longest_s, patience.first_s * 2.0 ** min(beyond - 1, 30))


def waits_s(patience: Patience) -> list[float]:
    """Every wait by the number of failures, from the first on; the last one is for all that follow."""
    waits = [0.0]
    while waits[-1] < patience.longest_s:
        waits.append(wait_s(len(waits), patience))
    return waits[1:]
