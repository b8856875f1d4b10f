"""Which node nginx sends a key to: its own consistent ring, computed. Pure.

nginx's `hash KEY consistent` (http upstream module): each server's base is the CRC-32 of its host, a NUL and its port as
written in the `server` directive; 160 points for each unit of weight follow, each the CRC-32 continued from that base over
the point before it (little-endian, 0 before the first). Points are sorted, of equal ones the first stays. A key belongs to
the first point at or above its CRC-32, wrapping round; an unusable server passes it to the next point; after 21 points
nginx gives up on the ring and takes servers in turn.

`tests/integration/test_ring_nginx.py` compares all of this with a running nginx.
"""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from zlib import crc32

from playnet.config import Address, Config
from playnet.errors import ConfigError

POINTS_PER_WEIGHT = 160
_CIRCLE = 1 << 32
_EXAMINED_POINTS = 21  # the key's own point and 20 steps
_MOST_POINTS = 1 << 22  # 32 MiB here and 64 MiB in every nginx worker; weights are ratios, smaller ones do


@dataclass(frozen=True, slots=True)
class Node:
    """One `server` of the upstream block, spelled as there: the ring hashes the spelling."""

    name: str
    address: Address
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Move:
    """A part of the circle that changes its owner. None: there was or is no node at all."""

    source: str | None
    target: str | None
    share: Fraction


@dataclass(frozen=True, slots=True)
class Moved:
    """What a change of the fleet does: `share` of all keys move, along `moves` (largest first)."""

    share: Fraction
    moves: tuple[Move, ...]


class Ring:
    """The ring of a fleet. Immutable; building costs about 1 µs for each point, a lookup about 1 µs."""

    __slots__ = ("_hashes", "_owners", "nodes")

    def __init__(self, nodes: Sequence[Node]) -> None:
        """ValueError: a name or address stands twice, or the weights add up to more points than nginx should carry."""
        self.nodes = tuple(nodes)
        if len({node.name for node in nodes}) < len(nodes) or len({node.address for node in nodes}) < len(nodes):
            raise ValueError("expected every node of the ring to have a name and an address of its own")
        if sum(node.weight for node in nodes) * POINTS_PER_WEIGHT > _MOST_POINTS:
            raise ValueError(f"expected weights that add up to at most {_MOST_POINTS // POINTS_PER_WEIGHT}")
        self._hashes = array("I")
        self._owners = array("I")
        previous = -1
        for point in sorted(self._points()):  # sorts by hash, then by order of the nodes
            if (hash_ := point >> 32) != previous:
                self._hashes.append(hash_)
                self._owners.append(point & (_CIRCLE - 1))
                previous = hash_

    def _points(self) -> Iterator[int]:
        """Every point as hash << 32 | index of its node."""
        for index, node in enumerate(self.nodes):
            base = crc32(b"%s\0%d" % (node.address.host.encode(), node.address.port))
            hash_ = 0
            for _ in range(POINTS_PER_WEIGHT * node.weight):
                hash_ = crc32(hash_.to_bytes(4, "little"), base)
                yield hash_ << 32 | index

    def locate(self, key: str, down: Container[str] = frozenset()) -> Node | None:
        """The node that answers `key` while the nodes named in `down` are unusable.

        None: nginx leaves the ring for this key and takes usable servers in turn. A lone node takes everything.
        """
        if len(self.nodes) == 1:
            return None if self.nodes[0].name in down else self.nodes[0]
        usable = (node for node in self._examined(key) if node.name not in down)
        return next(usable, None)

    def preference(self, key: str) -> tuple[Node, ...]:
        """The nodes in the order in which they get `key` as those before fail; only those nginx reaches on the ring."""
        return tuple(dict.fromkeys(self._examined(key)))

    def share(self) -> Mapping[str, Fraction]:
        """Exact part of the circle that each node owns; the parts add up to 1."""
        owned: Counter[str] = Counter()
        for start, end, owner in self._arcs():
            owned[owner] += end - start
        return {node.name: Fraction(owned[node.name], _CIRCLE) for node in self.nodes}

    def _examined(self, key: str) -> Iterator[Node]:
        """Owners of the points that nginx looks at, in its order."""
        size = len(self._hashes)
        first = bisect_left(self._hashes, crc32(key.encode()))
        for step in range(min(_EXAMINED_POINTS, size)):
            yield self.nodes[self._owners[(first + step) % size]]

    def _arcs(self) -> Iterator[tuple[int, int, str]]:
        """The circle cut at 0: (first hash, one past the last, owner), ascending, without gaps; empty without nodes."""
        if not self._hashes:
            return
        start = 0
        for end, owner in zip(self._hashes, self._owners, strict=True):
            yield start, end + 1, self.nodes[owner].name
            start = end + 1
        yield start, _CIRCLE, self.nodes[self._owners[0]].name  # above the last point: wraps to the first


def ring_of(config: Config) -> Ring:
    """The ring of the front that `config` describes. ConfigError when nginx should not carry it."""
    try:
        return Ring([Node(edge.name, edge.dialled, edge.weight) for edge in config.edges])
    except ValueError as exc:
        raise ConfigError(f"edges: {exc}") from exc


def moved(before: Ring, after: Ring) -> Moved:
    """What changing `before` into `after` moves, as exact shares of the circle."""
    lengths: Counter[tuple[str | None, str | None]] = Counter()
    starts = {start for ring in (before, after) for start, end, _ in ring._arcs() if start < end}
    owners_before, owners_after = _Cursor(before), _Cursor(after)
    for start, end in pairwise((*sorted(starts | {0}), _CIRCLE)):
        source, target = owners_before.at(start), owners_after.at(start)
        if source != target:
            lengths[source, target] += end - start
    moves = tuple(Move(source, target, Fraction(n, _CIRCLE)) for (source, target), n in lengths.most_common())
    return Moved(sum((move.share for move in moves), Fraction(0)), moves)


def moved_keys(before: Ring, after: Ring, keys: Iterable[str]) -> Iterator[tuple[str, Node | None, Node | None]]:
    """Those of `keys` that change their owner: (key, old owner, new owner)."""
    for key in keys:
        source, target = before.locate(key), after.locate(key)
        if (source and source.name) != (target and target.name):
            yield key, source, target


class _Cursor:
    """Owner of ascending positions of one ring."""

    def __init__(self, ring: Ring) -> None:
        self._arcs = ring._arcs()
        self._end = 0
        self._owner: str | None = None

    def at(self, position: int) -> str | None:
        while self._end <= position:
            arc = next(self._arcs, None)
            if arc is None:
                self._end, self._owner = _CIRCLE, None
            else:
                _, self._end, self._owner = arc
        return self._owner
