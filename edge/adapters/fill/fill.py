"""One fill: an exchange under way, who waits for it, what was purged meanwhile, and what it brings."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from edge.adapters.upstream.upstream import Ask, Reply
from edge.core.entry import Entry, Exchange
from edge.core.forget import concerns
from edge.core.key import Key
from edge.core.slices import Window
from playnet.http.fields import Fields
from playnet.http.freshness import directives
from playnet.purge.order import PurgeOrder

from .growing import Growing

_TURNS: Final = 8  # requests to the origin at once by viewers who waited in vain for one that nobody may share
_MAX_ORDERS: Final = 256  # purge orders remembered by a fill whose head has not come; more of them doom it


@dataclass(frozen=True, slots=True)
class Streaming:
    """The body arrives and everybody may have it. `entry` lacks only the final size.

    `personal`: further fields, for the viewer who started the fill alone.
    """

    entry: Entry
    personal: Fields
    body: Growing


@dataclass(frozen=True, slots=True)
class InSlices:
    """The object is cut into slices while it arrives. `entry` is its head; `personal` as in Streaming."""

    entry: Entry
    personal: Fields


@dataclass(frozen=True, slots=True)
class Validated:
    """The origin confirmed what is stored. `personal` as in Streaming."""

    entry: Entry
    personal: Fields


@dataclass(frozen=True, slots=True)
class Private:
    """An answer for the viewer who asked, None for all others: they ask for themselves."""

    reply: Reply | None
    status: int


@dataclass(frozen=True, slots=True)
class Copied:
    """A small error, in memory, for everybody who waited: a broken origin is not asked again by each of them."""

    exchange: Exchange
    body: bytes

    @property
    def status(self) -> int:
        return self.exchange.status

    @property
    def is_shared(self) -> bool:
        """Whether others may have its words too; else they are told of the error in ours."""
        control = directives(self.exchange.fields)
        return "private" not in control and "no-store" not in control


Head = Streaming | InSlices | Validated | Private | Copied


class Mismatch(Exception):
    """The fill that was joined brought a variant that does not suit the request: look again."""


@dataclass(frozen=True, slots=True)
class Obtained:
    """What a viewer gets from a fill. `collapsed`: somebody else had started it.

    `turns`: those who have to ask for themselves after all do it a few at a time.
    """

    head: Head
    collapsed: bool
    turns: asyncio.Semaphore


@dataclass(slots=True, eq=False)
class Fill:
    """State only; `Fills` runs it. `slot`: the place where its answer is expected, and where others find it while it runs.

    `window`: the slices that are asked for, None for the whole. `is_cut`: slices come, and each is found by itself.
    """

    key: Key
    slot: Key
    ask: Ask
    stored: Entry | None
    head: "asyncio.Future[Head]"
    viewers: int = 0
    tags: tuple[str, ...] | None = None
    orders: list[PurgeOrder] = field(default_factory=list)
    is_doomed: bool = False
    is_over: bool = False
    body: Growing | None = None
    fresh_until: float = 0.0
    has_leader: bool = False
    window: Window | None = None
    is_cut: bool = False
    left: asyncio.Event = field(default_factory=asyncio.Event)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_TURNS))

    def is_joinable(self, now: float) -> bool:
        """Whether a new viewer may have what this fill brings: all of it, and while it is fresh."""
        if self.is_cut:
            return now < self.fresh_until
        return self.body is None or (self.body.is_joinable and now < self.fresh_until)

    def forget(self, order: PurgeOrder) -> bool:
        """Note a purge. True when nobody may join any more; what it means for the body may come out later."""
        if not concerns(order, self.key, self.tags):
            return False
        if order.kind == "tag" and self.tags is None and len(self.orders) < _MAX_ORDERS:
            self.orders.append(order)
        else:
            self.is_doomed = True
        return True

    def learn(self, tags: tuple[str, ...]) -> None:
        """The head has come: earlier purges by tag are judged now."""
        self.tags = tags
        self.is_doomed |= any(concerns(order, self.key, tags) for order in self.orders)

    def leave(self) -> None:
        """The viewer that started it goes: what was for that one only is cut unless it was read to its end."""
        self.has_leader = False
        if self.head.done() and not self.head.cancelled() and self.head.exception() is None:
            head = self.head.result()
            if isinstance(head, Private) and head.reply is not None:
                head.reply.close()

    def let_go(self) -> None:
        """Close the file as soon as neither the fill nor a viewer needs it."""
        if self.is_over and self.viewers == 0 and self.body is not None:
            self.body.release()
