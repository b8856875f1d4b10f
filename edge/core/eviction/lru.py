"""LRU: who was used longest ago leaves. What every cache is compared with; exact only if hits are reported in order."""

from collections import OrderedDict

from edge.core.key import Key


class Lru:
    """All operations take constant time."""

    def __init__(self) -> None:
        self._sizes: OrderedDict[Key, int] = OrderedDict()  # the one used longest ago first
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def __len__(self) -> int:
        return len(self._sizes)

    def __contains__(self, key: object) -> bool:
        return key in self._sizes

    def insert(self, key: Key, size_bytes: int) -> None:
        self._size_bytes += size_bytes - self._sizes.get(key, 0)
        self._sizes[key] = size_bytes

    def hit(self, key: Key) -> None:
        if key in self._sizes:
            self._sizes.move_to_end(key)

    def remove(self, key: Key) -> None:
        self._size_bytes -= self._sizes.pop(key, 0)

    def evict(self) -> Key | None:
        if not self._sizes:
            return None
        key, size_bytes = self._sizes.popitem(last=False)
        self._size_bytes -= size_bytes
        return key
