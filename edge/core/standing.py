"""Purge orders that are being applied: while that takes time, the store already answers as if it were done."""

from dataclasses import replace

from playnet.purge.order import PurgeOrder

from .entry import Entry
from .forget import concerns


class Standing:
    """Orders, each with the time at which it was given. An entry asked for after that is not meant by it."""

    def __init__(self) -> None:
        self._given: dict[PurgeOrder, float] = {}

    def __len__(self) -> int:
        return len(self._given)

    def begin(self, order: PurgeOrder, now: float) -> None:
        """From now on `order` holds."""
        self._given[order] = now

    def end(self, order: PurgeOrder) -> None:
        """It was carried out: no stored entry is older than it."""
        self._given.pop(order, None)

    def applied(self, entry: Entry) -> Entry | None:
        """What the orders leave of a stored entry: nothing, the entry, or the entry made stale."""
        for order, given_at in self._given.items():
            if entry.requested_at <= given_at and concerns(order, entry.key, entry.tags):
                if not order.soft:
                    return None
                if entry.soft_purged_at is None:
                    entry = replace(entry, soft_purged_at=given_at)
        return entry
