"""Whom a node asks for a key, and in which order: its owner on the ring, a shield, the origins. Pure.

The ring is the front's own (playnet/ring.py), hashed by the same key, so that all nodes agree with the front and with
each other who owns what. A node asks only those that come before itself, and a request that passed a node of the fleet
never goes back to the ring: the longest way is node, owner, shield, origin. docs/decisions/parents.md says why.
"""

import hashlib
from collections.abc import Collection, Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final
from urllib.parse import unquote

from playnet.http.fields import Fields
from playnet.ring import Node, Ring

from .key import Key

_RING_TRIES: Final = 2  # who finds two owners dead should not look for a third while a viewer waits
_SHIELD_TRIES: Final = 1


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node of the fleet. `url`: scheme, host and port of its public listener."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Origin:
    """`url`: scheme, host and port."""

    url: str

    @property
    def name(self) -> str:
        return self.url


Parent = Peer | Origin


class Fleet:
    """All nodes, as the one called `me` sees them."""

    def __init__(self, me: str, nodes: Sequence[Node], *, uses_ring: bool, shields: Collection[str] = ()) -> None:
        """ValueError for a shield that is no node, and as `Ring`."""
        unknown = set(shields) - {node.name for node in nodes}
        if unknown:
            raise ValueError(f"expected shields to be names of edges: there is no {min(unknown)}")
        self.me = me
        self.names = frozenset(node.name for node in nodes)
        self._ring = Ring(nodes) if uses_ring else None
        self._shields = Ring([node for node in nodes if node.name in shields]) if shields else None

    def peers(self, key: Key, *, passed: frozenset[str], down: Container[str]) -> tuple[Peer, ...]:
        """The nodes to ask before any origin. `passed`: nodes that the request was at; `down`: not to be tried now."""
        hashed = ring_key(key)
        nodes: list[Node] = []
        if self._ring is not None and not passed & self.names - {self.me}:
            nodes += islice(self._usable(self._ring, hashed, down), _RING_TRIES)
        if self._shields is not None:
            nodes += islice(self._usable(self._shields, hashed, down), _SHIELD_TRIES)
        return tuple(
            Peer(node.name, f"http://{node.address}") for node in dict.fromkeys(nodes) if node.name not in passed
        )

    def owner(self, key: Key, *, down: Container[str]) -> Peer | None:
        """The node that viewers of this key are sent to; None when it is this one, or without a ring."""
        nodes = self._usable(self._ring, ring_key(key), down) if self._ring is not None else iter(())
        return next((Peer(node.name, f"http://{node.address}") for node in nodes), None)

    def _usable(self, ring: Ring, hashed: str, down: Container[str]) -> Iterable[Node]:
        """The nodes before this one in the order of a key: this one would be asked by them, never the other way round."""
        before = takewhile(lambda node: node.name != self.me, ring.preference(hashed))
        return (node for node in before if node.name not in down)


def ring_key(key: Key) -> str:
    """What the front hashes: the decoded path, without token and query (lb/core/nginx.py, `$playnet_key`)."""
    return unquote(key.partition("?")[0].partition("#")[0], errors="replace")


def spread(key: Key, origins: Sequence[str], *, down: Container[str]) -> tuple[Origin, ...]:
    """The origins in the order of this key: every one the first of its share (rendezvous hashing, Thaler and Ravishankar 1998).

    All slices and variants of an object have one order. Those that are down come last instead of never: with nothing
    else left a failed try is better than none.
    """
    hashed = ring_key(key).encode(errors="surrogateescape")
    ordered = sorted(origins, key=lambda url: hashlib.blake2b(hashed, digest_size=8, key=_mixed(url)).digest())
    return tuple(Origin(url) for url in sorted(ordered, key=lambda url: url in down))


def _mixed(url: str) -> bytes:
    return hashlib.blake2b(url.encode(), digest_size=32).digest()


def passed(request: Fields) -> frozenset[str]:
    """The caches that a request has been at. RFC 8586 §2."""
    return frozenset(member.partition(";")[0].strip() for member in request.members("cdn-loop"))
