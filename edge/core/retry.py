"""After a failed try: the next parent, the same one again, or the end. Pure; RFC 9110 §9.2.2, RFC 9112 §9.3.1.

What may have been carried out is never sent twice: only GET and HEAD are repeated once anything was sent.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from .invalidation import SAFE
from .parents import Parent, Peer

PASSED_OVER: Final = frozenset({502, 503, 504})  # a peer says so when it could not ask further: we still can
MAX_REPEATS: Final = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """No connection: nothing was sent."""


@dataclass(frozen=True, slots=True)
class Broke:
    """The connection ended before a head came. `was_idle`: it had been kept, so that its end may be older than the request."""

    was_idle: bool


@dataclass(frozen=True, slots=True)
class Silent:
    """No head came in time."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A peer's answer that tells of its upstream's trouble, or that may not be kept here. `is_lasting`: the next one may not either."""

    is_lasting: bool = False


Trouble = Refused | Broke | Silent | Unusable


class Step(Enum):
    NEXT = auto()
    AGAIN = auto()  # the same parent, on a fresh connection
    STOP = auto()


def after(trouble: Trouble, parent: Parent, method: str, *, repeats: int) -> Step:
    """`repeats`: how often this request was sent once more to an origin."""
    if isinstance(trouble, Refused):
        return Step.NEXT
    if method not in SAFE - {"OPTIONS"}:
        return Step.STOP
    if isinstance(trouble, Broke) and trouble.was_idle:
        return Step.AGAIN
    if isinstance(parent, Peer):
        return Step.NEXT
    return Step.NEXT if isinstance(trouble, Broke) and repeats < MAX_REPEATS else Step.STOP
