"""GDSF: Cherkasova, "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching Policy", HPL-98-69, 1998.

An object's rank is L + uses / size, where L is the rank of the object evicted last, at the time of its last use; the
lowest rank leaves. So many small objects are kept rather than few large ones: best by requests, poor by bytes. What
was popular once ages, because L rises past it. The cost of a miss is taken as 1 for every object.
"""

import heapq
from dataclasses import dataclass
from typing import Final

from edge.core.key import Key

_SCALE: Final = 1 << 40  # ranks are integers: exact however long L grows; sizes up to a TiB count
_SLACK: Final = 64
_GONE: Final = -1


@dataclass(slots=True, eq=False)
class _Node:
    """`turn` counts the rankings: of equal ranks the older leaves first. `queued`: the turn that stands in the heap."""

    key: Key
    size_bytes: int
    uses: int
    rank: int
    turn: int
    queued: int


class Gdsf:
    """`hit` takes constant time, the rest O(log n), amortised.

    A hit can only raise a rank, so it leaves the heap alone; `evict` puts an object that comes up with an old rank back
    under its present one.
    """

    def __init__(self) -> None:
        self._nodes: dict[Key, _Node] = {}
        self._heap: list[tuple[int, int, _Node]] = []
        self._floor = 0  # the paper's L
        self._turn = 0
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
        if node is None:
            node = self._nodes[key] = _Node(key, size_bytes, 1, 0, 0, _GONE)
            self._size_bytes += size_bytes
        else:
            self._size_bytes += size_bytes - node.size_bytes
            node.size_bytes = size_bytes
        self._rank(node)
        self._push(node)
        self._tidy()

    def hit(self, key: Key) -> None:
        node = self._nodes.get(key)
        if node is not None:
            node.uses += 1
            self._rank(node)

    def remove(self, key: Key) -> None:
        node = self._nodes.pop(key, None)
        if node is not None:
            self._size_bytes -= node.size_bytes
            node.queued = _GONE
            self._tidy()

    def evict(self) -> Key | None:
        while self._heap:
            rank, turn, node = heapq.heappop(self._heap)
            if turn != node.queued:
                continue
            if turn != node.turn:
                self._push(node)
                continue
            self._floor = rank
            self._size_bytes -= node.size_bytes
            del self._nodes[node.key]
            return node.key
        return None

    def _rank(self, node: _Node) -> None:
        self._turn += 1
        node.turn = self._turn
        node.rank = self._floor + node.uses * _SCALE // max(node.size_bytes, 1)

    def _push(self, node: _Node) -> None:
        node.queued = node.turn
        heapq.heappush(self._heap, (node.rank, node.turn, node))

    def _tidy(self) -> None:
        """Build the heap anew when most of it stands for objects that are gone, or have another size."""
        if len(self._heap) > 2 * len(self._nodes) + _SLACK:
            self._heap = [(node.rank, node.turn, node) for node in self._nodes.values()]
            heapq.heapify(self._heap)
            for node in self._nodes.values():
                node.queued = node.turn
