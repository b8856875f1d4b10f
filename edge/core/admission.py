"""Whether an object that is not held is written to the disk at all: what is asked for once would only wear it.

While there is room everything is written. In a full cache `second-request` lets an object stream through until somebody
asks for it again. Who asked is remembered in two Bloom filters (Bloom, CACM 1970): requests are noted in the younger,
both are asked; when the younger has noted four times as many keys as the cache holds, the older is forgotten. So memory
is bounded, and what was asked for lately is never overlooked; about one object in a hundred is taken for another and
written at its first request. `docs/decisions/admission.md` has the figures.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from .key import Key

_HASHES: Final = 4
_BITS_PER_KEY: Final = 10  # with four hashes: 1.2 % of the answers are wrong when a filter is full
_MOST_KEYS: Final = 1 << 20  # in each filter, 1.3 MB
_BITS: Final = _MOST_KEYS * _BITS_PER_KEY
_LEAST_KEYS: Final = 1 << 6
_KEYS_PER_HELD: Final = 4  # fewer save more writes and cost more hits


class Admission(Protocol):
    """Asked once for each object that would have to be fetched and stored."""

    def admits(self, key: Key, *, is_full: bool, held: int) -> bool:
        """Whether to write it; notes that it was asked for. `is_full`: others would have to go. `held`: objects there are."""
        ...


class Always:
    """Everything is written."""

    def admits(self, key: Key, *, is_full: bool, held: int) -> bool:
        return True


class SecondRequest:
    """Deterministic for a seed. A node's is secret, so that nobody can name objects that look like others."""

    def __init__(self, seed: bytes = b"") -> None:
        self._seed = seed
        self._younger, self._older = _empty(), _empty()
        self._noted = 0

    def admits(self, key: Key, *, is_full: bool, held: int) -> bool:
        places = self._places(key)
        known = _holds(self._younger, places)
        if not known:
            known = _holds(self._older, places)
            self._note(places, min(max(_KEYS_PER_HELD * held, _LEAST_KEYS), _MOST_KEYS))
        return known or not is_full

    def _note(self, places: list[int], limit: int) -> None:
        if self._noted >= limit:
            self._younger, self._older, self._noted = _empty(), self._younger, 0
        for place in places:
            self._younger[place >> 3] |= 1 << (place & 7)
        self._noted += 1

    def _places(self, key: Key) -> list[int]:
        """Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2008: two hashes do for any number of them."""
        digest = hashlib.blake2b(key.encode(), digest_size=16, key=self._seed).digest()
        first, step = int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big") | 1
        return [(first + turn * step) % _BITS for turn in range(_HASHES)]


def _empty() -> bytearray:
    return bytearray((_BITS + 7) // 8)


def _holds(bits: bytearray, places: list[int]) -> bool:
    return all(bits[place >> 3] & 1 << (place & 7) for place in places)


ADMISSIONS: Final[Mapping[str, Callable[[bytes], Admission]]] = {
    "always": lambda _: Always(),
    "second-request": SecondRequest,
}
"""By the names that `edge_tuning.admission` takes; made from a seed of at most 64 bytes."""

DEFAULT_ADMISSION: Final = "second-request"
