"""Which variants are stored under one key, and which of them a request may have. RFC 9111 §4.1.

A response without Vary is stored under the key itself. One that varies is stored under `KEY#HASH`, where the hash is that
of its selecting fields; no key has a `#`, so prefixes and purges of the key find it too.
"""

import hashlib
from collections import OrderedDict
from typing import Final

from playnet.http.fields import Fields
from playnet.http.vary import Selector, selected_by, suits

from .key import Key
from .slices import is_slice

MAX_VARIANTS: Final = (
    64  # of one key; an origin that varies by Cookie or User-Agent must not fill the disk with one page
)
_MAX_LEARNED: Final = 10_000
_HASH_CHARS: Final = 24
_SEPARATOR: Final = "#"


def variant_key(key: Key, selector: Selector) -> Key:
    """Where the response with this selector is stored."""
    if not selector:
        return key
    text = "\n".join(f"{name}:{value}" if value is not None else name for name, value in selector)
    return Key(f"{key}{_SEPARATOR}{hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARS]}")


def primary_of(key: Key) -> Key:
    """The key that viewers ask for."""
    return Key(key.partition(_SEPARATOR)[0])


class Variants:
    """The variants of all keys. Bounded per key by MAX_VARIANTS, altogether by what is stored."""

    def __init__(self) -> None:
        self._stored: dict[Key, dict[Key, Selector]] = {}
        self._learned: OrderedDict[Key, tuple[str, ...]] = OrderedDict()

    def add(self, key: Key, selector: Selector) -> list[Key]:
        """A stored response; gives those that are too many now, oldest first."""
        if is_slice(key):
            return []
        primary = primary_of(key)
        self.learn(primary, selector)
        if not selector:
            return []
        variants = self._stored.setdefault(primary, {})
        variants.pop(key, None)
        variants[key] = selector
        return list(variants)[: max(len(variants) - MAX_VARIANTS, 0)]

    def remove(self, key: Key) -> None:
        """It is stored no more."""
        variants = self._stored.get(primary_of(key))
        if variants is not None:
            variants.pop(key, None)
            if not variants:
                del self._stored[primary_of(key)]

    def learn(self, primary: Key, selector: Selector) -> None:
        """The newest response under this key varies by these fields."""
        if not selector:
            self._learned.pop(primary, None)
            return
        self._learned[primary] = tuple(name for name, _ in selector)
        self._learned.move_to_end(primary)
        if len(self._learned) > _MAX_LEARNED:
            self._learned.popitem(last=False)

    def expected(self, primary: Key, request: Fields) -> Key:
        """Where the answer to this request will be stored if it varies as the newest did: requests for one place collapse."""
        return variant_key(primary, selected_by(self._learned.get(primary, ()), request))

    def suiting(self, primary: Key, request: Fields) -> list[Key]:
        """Stored variants that may answer this request, in the order in which they came."""
        return [key for key, selector in self._stored.get(primary, {}).items() if suits(selector, request)]

    def __contains__(self, primary: object) -> bool:
        return primary in self._stored

    def of(self, primary: Key) -> list[Key]:
        """All stored variants."""
        return list(self._stored.get(primary, ()))
