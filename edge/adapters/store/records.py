"""Records of entries: in the index, and those of late at hand. One read before a change is never kept as if it came after."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from edge.core.entry import Entry
from edge.core.key import Key

from .disk import Disk
from .worker import Worker

_AT_HAND: Final = 4096  # parsed, about 3 KiB each
_LOOKS: Final = 8


class Records:
    """`changes` counts what was asked of the worker: who reads compares it before and after."""

    def __init__(self, worker: Worker, disk: Disk) -> None:
        self._worker, self._disk = worker, disk
        self._at_hand: OrderedDict[Key, Entry] = OrderedDict()
        self.changes = 0

    def latest(self, key: Key) -> Entry | None:
        """What is at hand."""
        return self._at_hand.get(key)

    async def get(self, key: Key) -> Entry | None:
        """The record in exactly this place. Raises Unavailable."""
        if (known := self._at_hand.get(key)) is not None:
            return known
        changes = self.changes
        entry = await self._worker.run(self._disk.get, key)
        if entry is not None and changes == self.changes:
            self._at_hand[key] = entry
            if len(self._at_hand) > _AT_HAND:
                self._at_hand.popitem(last=False)
        return entry

    def hit(self, key: Key) -> None:
        """It was used."""
        if key in self._at_hand:
            self._at_hand.move_to_end(key)

    def changed(self, keys: Iterable[Key]) -> None:
        """The worker was, or is about to be, asked to change these."""
        self.changes += 1
        for key in keys:
            self._at_hand.pop(key, None)

    def clear(self) -> None:
        """Everything may have changed."""
        self.changes += 1
        self._at_hand.clear()

    async def has_still(self, entry: Entry) -> bool:
        """Whether no other body came under its key since the entry was looked up. Raises Unavailable."""
        for _ in range(_LOOKS):
            changes = self.changes
            stored = await self._worker.run(self._disk.get, entry.key)
            if stored is not None and stored.body != entry.body:
                return False
            if changes == self.changes:
                return True
        return False
