"""Why a request could not be answered from the store: every miss has exactly one cause.

A node remembers why keys left it in a table of fixed size: one word for each slot, the newest note wins it. What fell
out of the table, or left before the last start, counts as cold: a lost note never names a wrong cause.
"""

from array import array
from collections import OrderedDict
from enum import StrEnum
from typing import Final, assert_never

from .decide import Action, Bypass, Fetch, Marks, Refuse, Revalidate, Serve
from .entry import Entry
from .key import Key

SLOTS: Final = 1 << 20  # 8 MiB; four of five notes survive a purge of 500,000 entries
MAX_REFUSALS: Final = 4096  # about 1 MiB
_CODE_BITS: Final = 3


class Cause(StrEnum):
    """The label of `playnet_edge_misses`. An operator finds what to do in the text of that metric."""

    COLD = "cold"  # not asked for before, as far as the node remembers
    EXPIRED = "expired"  # stored, but no longer fresh
    EVICTED = "evicted"  # made room for others, or its file was lost
    PURGED = "purged"  # forgotten by order, softly too, or changed by an unsafe request
    UNCACHEABLE = "uncacheable"  # the answer must not, or could not, be kept
    BYPASS = "bypass"  # the request was one that no stored answer may serve


_CODES: Final = tuple(Cause)  # a slot holds 1 + the place of its cause in here


class Causes:
    """Notes by key, in bounded memory. One event loop's; O(1) each."""

    def __init__(self, slots: int = SLOTS) -> None:
        """`slots`: a power of two."""
        self._mask = slots - 1
        self._table = array("Q", bytes(8 * slots))

    def note(self, key: Key, cause: Cause) -> None:
        """`key` left the store, or did not come in, for this reason."""
        slot, tag = self._place(key)
        self._table[slot] = tag | (1 + _CODES.index(cause))

    def why(self, key: Key) -> Cause:
        """Why nothing is stored under `key`."""
        slot, tag = self._place(key)
        word = self._table[slot]
        code = word & ((1 << _CODE_BITS) - 1)
        return _CODES[code - 1] if code and word ^ code == tag else Cause.COLD

    def _place(self, key: Key) -> tuple[int, int]:
        """The slot, and the bits of the hash that tell whose it is. Python's hash is keyed: nobody can aim at a slot."""
        mixed = hash(key) & 0xFFFF_FFFF_FFFF_FFFF
        return (mixed >> _CODE_BITS) & self._mask, (mixed >> _CODE_BITS) << _CODE_BITS


class Refusals:
    """Why answers of late were not kept, in words. Bounded: the oldest goes first."""

    def __init__(self, bound: int = MAX_REFUSALS) -> None:
        self._bound = bound
        self._reasons: OrderedDict[Key, str] = OrderedDict()

    def note(self, key: Key, reason: str | None) -> None:
        """The newest answer under `key` was refused for this reason; None: it was kept."""
        self._reasons.pop(key, None)
        if reason is not None:
            self._reasons[key] = reason
            if len(self._reasons) > self._bound:
                self._reasons.popitem(last=False)

    def why(self, key: Key) -> str | None:
        """The reason, if there was one and it is still known."""
        return self._reasons.get(key)


def cause_of(action: Action, key: Key, causes: Causes, *, marks: Marks, now: float) -> Cause | None:
    """The cause if this action asks the origin before it answers; None when the store answers. Never raises.

    `key` is the place where the answer would stand. An answer that proves not to be storable makes it UNCACHEABLE.
    """
    match action:
        case Serve() | Refuse():
            return None
        case Revalidate(entry):
            return stale_cause(entry, marks=marks, now=now)
        case Fetch():
            return causes.why(key)
        case Bypass():
            return Cause.BYPASS
        case _:
            assert_never(action)


def stale_cause(entry: Entry, *, marks: Marks, now: float) -> Cause:
    """Why a stored entry may not be served as it is: time, somebody's order, or this request's wish."""
    if now >= entry.life.fresh_until:
        return Cause.EXPIRED
    if entry.soft_purged_at is not None or entry.requested_at <= max(marks.stale_before, marks.validate_before):
        return Cause.PURGED
    return Cause.BYPASS
