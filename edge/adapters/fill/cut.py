"""One exchange with an origin that is cut into slices: how far it is, who wants more of it, and what it brings."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from edge.adapters.store.bodies import Temp
from edge.adapters.store.reservation import Reservation
from edge.core.entry import Entry
from edge.core.forget import concerns
from edge.core.key import Key
from edge.core.slices import JOIN_DISTANCE, Sliced
from playnet.errors import PlayNetError
from playnet.purge.order import PurgeOrder

from .growing import Growing

_STALL_S = 20.0


@dataclass(frozen=True, slots=True)
class Place:
    """The slice that arrives now, where it goes, and the room that is held for it."""

    body: Growing
    temp: Temp | None
    room: Reservation


def _nobody() -> bool:
    return False


@dataclass(slots=True, eq=False)
class Cut:
    """State only; `Slices` runs it. Slices `first` to `last` of `head`, of which `at` arrives now.

    `last` may shrink: who wants a slice far ahead asks for it apart. `viewers`: where each of them reads now.
    `is_awaited`: whether somebody is about to read who is not among `viewers` yet.
    """

    head: Entry
    sliced: Sliced
    first: int
    last: int
    files: Executor
    at: int = field(init=False)
    arriving: dict[int, Growing] = field(default_factory=dict)
    viewers: dict[object, int] = field(default_factory=dict)
    is_awaited: Callable[[], bool] = _nobody
    is_doomed: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    place: "Place | None" = None
    outcome: str = "unstored"

    def __post_init__(self) -> None:
        self.at = self.first

    def key(self, number: int) -> Key:
        """Where a slice of this object stands."""
        return self.sliced.key(self.head.key, number)

    def is_joinable(self, number: int) -> bool:
        """Whether a slice will come from here, and soon."""
        return not self.is_doomed and self.at <= number <= min(self.last, self.at + JOIN_DISTANCE)

    def slice(self, number: int) -> Growing:
        """A slice that arrives or is about to."""
        if number not in self.arriving:
            size_bytes = self.sliced.part(number).size_bytes
            self.arriving[number] = Growing(
                self.files, None, size_bytes, stall_s=_STALL_S, is_awaited=lambda: self.is_wanted
            )
        return self.arriving[number]

    @property
    def is_wanted(self) -> bool:
        """Whether anybody reads from here, or will."""
        return bool(self.viewers) or self.is_awaited()

    @property
    def lead(self) -> int:
        """How many slices the origin is ahead of the viewer who is furthest on."""
        return self.at - max(self.viewers.values()) if self.viewers else 0

    def enter(self, viewer: object, number: int) -> None:
        """A viewer reads this slice now, or those before it."""
        self.viewers[viewer] = number
        self.changed.set()

    def leave(self, viewer: object) -> None:
        """A viewer goes."""
        self.viewers.pop(viewer, None)
        self.changed.set()

    def forget(self, order: PurgeOrder) -> bool:
        """Whether a purge means this object: then nothing more of it is stored."""
        self.is_doomed |= concerns(order, self.head.key, self.head.tags)
        return self.is_doomed

    def fail(self, error: PlayNetError) -> None:
        """No more slices will come."""
        for body in self.arriving.values():
            body.fail(error)
            body.release()
        self.arriving.clear()
