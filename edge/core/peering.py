"""What nodes tell each other and no viewer: surrogate keys, how far purges came, the origin's Date. Pure.

A purge may reach the asking node before the node it asks. What that one sends is then older than the purge and must not be
kept: it tells the position in the purge log that it had reached before it looked, and the asker compares. nginx puts a Date
of its own on bodies that it sends, so the origin's travels beside it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from playnet.names import DATE_FIELD, POSITION_FIELD

from .decide import Action, Revalidate, Serve
from .entry import Exchange

TOLD_FIELDS: Final = ("surrogate-key", POSITION_FIELD, DATE_FIELD)
_PLACE: Final = re.compile(r"(\d{1,18})-(\d{1,18})")
_MISTRUST_S: Final = 60.0  # a node reads the log every two seconds, and after trouble every ten


Place = tuple[int, int]
"""A position in the purge log: an order's id, and how many orders came late at it."""


@dataclass(slots=True)
class Position:
    """How far a node came in the purge log.

    `applied` is what it tells others: all up to there is gone here. `begun` is what it demands of others: fills that
    start now are no longer stopped by that order.
    """

    clock: Callable[[], float]
    applied: Place = (0, 0)
    begun: Place = (0, 0)
    mistrusts_until: float = 0.0

    @classmethod
    def at(cls, position: int, clock: Callable[[], float]) -> "Position":
        """After a start."""
        return cls(clock, (position, 0), (position, 0))

    def begins(self, position: int, late: int = 0) -> None:
        """An order is about to be applied. One that lies behind us: the log was lost, and for a while numbers tell nothing."""
        if position < self.begun[0]:
            self.mistrusts_until = self.clock() + _MISTRUST_S
        self.begun = (position, late)

    def ends(self) -> None:
        """It is applied."""
        self.applied = self.begun

    @property
    def trusts_peers(self) -> bool:
        """Whether positions of other nodes can be compared with ours."""
        return self.clock() >= self.mistrusts_until


def for_peer(action: Action) -> Action:
    """What a node does for another: nothing stale. That one would take it for fresh where a soft purge ended its freshness."""
    match action:
        case Serve(entry, True) | Revalidate(entry, True):
            return Revalidate(entry, may_serve_on_error=False)
        case _:
            return action


def told(tags: tuple[str, ...], date: str | None, applied: Place) -> tuple[tuple[str, str], ...]:
    """The fields that a proven peer gets besides those for viewers. `applied`: as it was before we looked for the answer."""
    pairs = (
        ("surrogate-key", " ".join(tags)),
        (POSITION_FIELD, f"{applied[0]}-{applied[1]}"),
        (DATE_FIELD, date or ""),
    )
    return tuple((name, value) for name, value in pairs if value)


def heard(exchange: Exchange) -> tuple[Place | None, Exchange]:
    """A peer's position and its answer as the origin's; None: it did not take us for a peer."""
    match = _PLACE.fullmatch(exchange.fields.get(POSITION_FIELD) or "")
    date = exchange.fields.get(DATE_FIELD)
    fields = exchange.fields.without([POSITION_FIELD, DATE_FIELD, *(["date"] if date else [])])
    own = fields.plus(("date", date)) if date else fields
    return ((int(match[1]), int(match[2])) if match else None), replace(exchange, fields=own)
