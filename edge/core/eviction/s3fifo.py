"""S3-FIFO: Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP 2023. By bytes.

Newcomers are on probation in a small queue, a tenth of the bytes held. Who leaves it used twice or more moves to the
main queue; anybody else is evicted, and a ghost remembers that it was there. Who comes back while the ghost remembers
goes to the main queue at once, where each hit buys one more round, three at most. So what is asked for once passes
through a tenth of the cache and never displaces the rest. Hits move nothing and may be reported late.

As libcachesim 0.3.5 has it, which says more than the paper: two uses promote, promotion forgets them, the ghost holds
nine tenths of the cache's bytes, and as long as nothing was evicted only a tenth of the newcomers' bytes are on
probation. The last point is what a restarted node needs: what it recovers is not a newcomer.

Departures: shares are of the bytes held at the moment, not of a quota, so they stay right while bodies that are
arriving hold room; the ghost has no more keys than the cache has; and an object larger than the small queue is admitted
as any other (libcachesim refuses it): it is the next to leave when everybody older on probation has left.
"""

from collections import OrderedDict
from typing import Final

from edge.core.key import Key

from .fifo import Fifo, Node

_SMALL_PART: Final = 10  # one of so many; paper §4.1
_GHOST_SHARE: Final = (9, 10)
_PROMOTING_USES: Final = 2
_MAX_USES: Final = 3  # two bits; paper §4.1


class _Ghost:
    """Who was evicted from probation lately, oldest first. Holds hashes, not keys: URLs are long.

    Two keys with one 64-bit hash would only promote an object too early.
    """

    def __init__(self) -> None:
        self._sizes: OrderedDict[int, int] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def take(self, key: Key) -> bool:
        """Whether the key is remembered; forget it."""
        size_bytes = self._sizes.pop(hash(key), None)
        self._size_bytes -= size_bytes or 0
        return size_bytes is not None

    def add(self, node: Node, *, limit_bytes: int, limit_keys: int) -> None:
        """Remember one, and forget the oldest that are too many."""
        self.take(node.key)
        self._sizes[hash(node.key)] = node.size_bytes
        self._size_bytes += node.size_bytes
        while len(self._sizes) > limit_keys or self._size_bytes > limit_bytes:
            self._size_bytes -= self._sizes.popitem(last=False)[1]


class S3Fifo:
    """All operations take constant time, `evict` amortised: every object that it passes over had a hit."""

    def __init__(self) -> None:
        self._small, self._main, self._ghost = Fifo(), Fifo(), _Ghost()
        self._filling = True  # nothing was evicted since it was empty

    @property
    def size_bytes(self) -> int:
        return self._small.size_bytes + self._main.size_bytes

    def __len__(self) -> int:
        return len(self._small) + len(self._main)

    def __contains__(self, key: object) -> bool:
        return key in self._small or key in self._main

    @property
    def remembered(self) -> int:
        """Keys in the ghost."""
        return len(self._ghost)

    def insert(self, key: Key, size_bytes: int) -> None:
        for fifo in (self._small, self._main):
            node = fifo.get(key)
            if node is not None:
                fifo.resize(node, size_bytes)
                return
        self._filling = self._filling or not len(self)
        returns = self._ghost.take(key)
        proven = returns or (self._filling and self._small_is_full)
        (self._main if proven else self._small).append(Node(key, size_bytes))

    def hit(self, key: Key) -> None:
        node = self._small.get(key) or self._main.get(key)
        if node is not None and node.uses < _MAX_USES:
            node.uses += 1

    def remove(self, key: Key) -> None:
        for fifo in (self._small, self._main):
            node = fifo.get(key)
            if node is not None:
                fifo.remove(node)

    def evict(self) -> Key | None:
        self._filling = False
        while True:
            if self._small_is_full or not len(self._main):
                node = self._small.oldest
                if node is None:
                    return None
                if not self._promoted(node):
                    return node.key
            else:
                node = self._main.oldest
                assert node is not None
                self._main.remove(node)
                if not node.uses:
                    return node.key
                node.uses -= 1
                self._main.append(node)

    @property
    def _small_is_full(self) -> bool:
        return self._small.size_bytes * _SMALL_PART > self.size_bytes

    def _promoted(self, node: Node) -> bool:
        """The end of probation: into the main queue, or out."""
        held_bytes, held_keys = self.size_bytes, len(self)
        self._small.remove(node)
        if node.uses >= _PROMOTING_USES:
            node.uses = 0
            self._main.append(node)
            return True
        part, whole = _GHOST_SHARE
        self._ghost.add(node, limit_bytes=held_bytes * part // whole, limit_keys=held_keys)
        return False
