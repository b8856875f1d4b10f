"""Small bodies at hand: what a brain answers itself, without a disk and without nginx's help.

Playlists, manifests and thumbnails are small and asked for often; for them nginx's detour over a file costs more than
the bytes. Some stand here alone: those that admission keeps from the disk (docs/decisions/admission.md).
"""

from typing import Final

from edge.adapters.metrics import Metrics
from edge.core.entry import Entry
from edge.core.eviction import S3Fifo
from edge.core.forget import concerns
from edge.core.key import Key
from playnet.purge.order import PurgeOrder

LARGEST_BYTES: Final = 64 << 10  # docs/decisions/memory-tier.md
_ENTRY_BYTES: Final = 2 << 10  # of Python objects beside a body: an empty one is not for nothing


class Memory:
    """At most `limit_bytes` of bodies, none larger than LARGEST_BYTES; who leaves is chosen as on the disk."""

    def __init__(self, limit_bytes: int, metrics: Metrics) -> None:
        self._limit_bytes, self._metrics = limit_bytes, metrics
        self._policy = S3Fifo()
        self._bodies: dict[Key, tuple[str, bytes]] = {}
        self._alone: dict[Key, Entry] = {}

    def takes(self, size_bytes: int) -> bool:
        """Whether a body of this size may stand here."""
        return size_bytes <= LARGEST_BYTES and size_bytes + _ENTRY_BYTES <= self._limit_bytes

    def body(self, entry: Entry) -> bytes | None:
        """The body of this entry, if it is here."""
        held = self._bodies.get(entry.key)
        if held is None or held[0] != entry.body:
            return None
        self._policy.hit(entry.key)
        return held[1]

    def has(self, entry: Entry) -> bool:
        """Whether the body of this entry is here; looking is no use of it."""
        return self._bodies.get(entry.key, ("", b""))[0] == entry.body

    def entry(self, key: Key) -> Entry | None:
        """An entry that stands here alone."""
        return self._alone.get(key)

    def keep(self, entry: Entry, data: bytes, *, alone: bool = False) -> None:
        """Take a body in. `alone`: with its entry, which no index knows."""
        size_bytes = _ENTRY_BYTES + len(data) + (_text_bytes(entry) if alone else 0)
        while self._policy.size_bytes + size_bytes > self._limit_bytes and (victim := self._policy.evict()) is not None:
            self._forget(victim)
        self._policy.insert(entry.key, size_bytes)
        self._bodies[entry.key] = (entry.body, data)
        if alone:
            self._alone[entry.key] = entry
        else:
            self._alone.pop(entry.key, None)
        self._metrics.memory_bytes.set(self._policy.size_bytes)

    def replace(self, entry: Entry) -> bool:
        """A new record of an entry that stands here alone; False when it does not, or has another body by now."""
        if entry.key not in self._alone or self._alone[entry.key].body != entry.body:
            return False
        self._alone[entry.key] = entry
        return True

    def leave(self, key: Key) -> None:
        """The key has another body now, or none."""
        if key in self._bodies:
            self._policy.remove(key)
            self._forget(key)
            self._metrics.memory_bytes.set(self._policy.size_bytes)

    def _forget(self, key: Key) -> None:
        del self._bodies[key]
        self._alone.pop(key, None)

    def meant(self, order: PurgeOrder) -> list[Key]:
        """Keys of the entries here alone that an order means."""
        return [key for key, entry in self._alone.items() if concerns(order, key, entry.tags)]


def _text_bytes(entry: Entry) -> int:
    """What came from the origin besides the body."""
    return sum(len(name) + len(value) for name, value in entry.fields) + sum(map(len, entry.tags))
