"""Who leaves when the cache is full. One interface by bytes; SIEVE is the policy.

SIEVE: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024. Objects queue in order of arrival; a hit only sets a
mark; a hand wanders from the oldest to the youngest, takes marks away and evicts the first object without one.
A hit moves nothing, so it may be reported late: nginx's direct hits arrive through its access log.
"""

from dataclasses import dataclass
from typing import Protocol

from .key import Key


class Policy(Protocol):
    """Order of eviction over keys with sizes. Holds no bodies and knows no limit: the owner of the quota asks."""

    @property
    def size_bytes(self) -> int:
        """Sum over all keys."""
        ...

    def __len__(self) -> int: ...

    def __contains__(self, key: object) -> bool: ...

    def insert(self, key: Key, size_bytes: int) -> None:
        """A new object, or a new size of one that is there (its place and mark stay)."""
        ...

    def hit(self, key: Key) -> None:
        """The object was used. Unknown keys are ignored: reports come late."""
        ...

    def remove(self, key: Key) -> None:
        """The object is gone for another reason. Unknown keys are ignored."""
        ...

    def evict(self) -> Key | None:
        """Choose, remove and name one object; None when there is none."""
        ...


@dataclass(slots=True, eq=False)
class _Node:
    key: Key
    size_bytes: int
    visited: bool = False
    newer: "_Node | None" = None
    older: "_Node | None" = None


class Sieve:
    """SIEVE. All operations take constant time, `evict` amortised."""

    def __init__(self) -> None:
        self._nodes: dict[Key, _Node] = {}
        self._newest: _Node | None = None
        self._oldest: _Node | None = None
        self._hand: _Node | None = None
        self._size_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, key: object) -> bool:
        return key in self._nodes

    def insert(self, key: Key, size_bytes: int) -> None:
        node = self._nodes.get(key)
        if node is not None:
            self._size_bytes += size_bytes - node.size_bytes
            node.size_bytes = size_bytes
            return
        node = _Node(key, size_bytes, older=self._newest)
        if self._newest is not None:
            self._newest.newer = node
        self._newest = node
        self._oldest = self._oldest or node
        self._nodes[key] = node
        self._size_bytes += size_bytes

    def hit(self, key: Key) -> None:
        node = self._nodes.get(key)
        if node is not None:
            node.visited = True

    def remove(self, key: Key) -> None:
        node = self._nodes.get(key)
        if node is not None:
            self._unlink(node)

    def evict(self) -> Key | None:
        node = self._hand or self._oldest
        while node is not None and node.visited:
            node.visited = False
            node = node.newer or self._oldest
        if node is None:
            return None
        self._hand = node
        self._unlink(node)
        return node.key

    def _unlink(self, node: _Node) -> None:
        """Take out of the queue; a hand that stands there moves on towards the newest."""
        if self._hand is node:
            self._hand = node.newer
        if node.newer is not None:
            node.newer.older = node.older
        else:
            self._newest = node.older
        if node.older is not None:
            node.older.newer = node.newer
        else:
            self._oldest = node.newer
        del self._nodes[node.key]
        self._size_bytes -= node.size_bytes
