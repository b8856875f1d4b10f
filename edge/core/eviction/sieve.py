"""SIEVE: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.

Objects queue in order of arrival; a hit only sets a mark; a hand wanders from the oldest to the newest, takes marks
away and evicts the first object without one. A hit moves nothing, so it may be reported late: nginx's direct hits
arrive through its access log.
"""

from edge.core.key import Key

from .fifo import Fifo, Node


class Sieve:
    """All operations take constant time, `evict` amortised: every step of the hand uses up a hit."""

    def __init__(self) -> None:
        self._queue = Fifo()
        self._hand: Node | None = None

    @property
    def size_bytes(self) -> int:
        return self._queue.size_bytes

    def __len__(self) -> int:
        return len(self._queue)

    def __contains__(self, key: object) -> bool:
        return key in self._queue

    def insert(self, key: Key, size_bytes: int) -> None:
        node = self._queue.get(key)
        if node is None:
            self._queue.append(Node(key, size_bytes))
        else:
            self._queue.resize(node, size_bytes)

    def hit(self, key: Key) -> None:
        node = self._queue.get(key)
        if node is not None:
            node.uses = 1

    def remove(self, key: Key) -> None:
        node = self._queue.get(key)
        if node is not None:
            self._unlink(node)

    def evict(self) -> Key | None:
        node = self._hand or self._queue.oldest
        while node is not None and node.uses:
            node.uses = 0
            node = node.newer or self._queue.oldest
        if node is None:
            return None
        self._hand = node
        self._unlink(node)
        return node.key

    def _unlink(self, node: Node) -> None:
        """A hand that stands there moves on towards the newest; from that one it starts again."""
        if self._hand is node:
            self._hand = node.newer
        self._queue.remove(node)
