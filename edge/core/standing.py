"""Purge orders that are being applied: while that takes time, the store already answers as if it were done."""

from dataclasses import replace

from playnet.purge.order import PurgeOrder

from .entry import Entry
from .forget import concerns


class Standing:
    """Orders, each with the time at which it was given. An entry asked for after that is not meant by it."""

    def __init__(self) -> None:
        self._given: dict[PurgeOrder, tuple[float, int]] = {}
        self._count = 0

    def __len__(self) -> int:
        return len(self._given)

    @property
    def orders(self) -> tuple[PurgeOrder, ...]:
        """Those that hold."""
        return tuple(self._given)

    def begin(self, order: PurgeOrder, now: float) -> int:
        """From now on `order` holds; gives the number to end it by."""
        self._count += 1
        self._given[order] = (now, self._count)
        return self._count

    def end(self, order: PurgeOrder, number: int) -> None:
        """It was carried out: no stored entry is older than it. Who gave the same order later ends it himself."""
        if self._given.get(order, (0.0, 0))[1] == number:
            del self._given[order]

    def clear(self) -> None:
        """Something stronger holds instead of all of them."""
        self._given.clear()

    def applied(self, entry: Entry) -> Entry | None:
        """What the orders leave of a stored entry: nothing, the entry, or the entry made stale."""
        for order, (given_at, _) in self._given.items():
            if entry.requested_at <= given_at and concerns(order, entry.key, entry.tags):
                if not order.soft:
                    return None
                if entry.soft_purged_at is None:
                    entry = replace(entry, soft_purged_at=given_at)
        return entry
