"""The key set: a JSON object of key ids and base64 keys. The first signs, all verify; taking one out revokes it.

{"k2": "base64 of at least 32 bytes", "k1": "…"}
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .grammar import KID

MIN_KEY_BYTES: Final = 32  # as many as SHA-256 gives: RFC 2104 §3
MAX_KEY_BYTES: Final = 64
MAX_KEYS: Final = 16


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by id. Its `repr` says nothing of them."""

    keys: Mapping[str, bytes]

    def __repr__(self) -> str:
        return f"KeySet({', '.join(self.keys)})"

    @property
    def signing(self) -> tuple[str, bytes]:
        """Id and key that sign."""
        return next(iter(self.keys.items()))

    def dumped(self) -> str:
        """The file's text."""
        return json.dumps({kid: base64.b64encode(key).decode() for kid, key in self.keys.items()}, indent=2) + "\n"

    def rotated(self, kid: str, key: bytes) -> "KeySet":
        """A new key in front; those that are too many leave at the end."""
        rest = [pair for pair in self.keys.items() if pair[0] != kid]
        return KeySet(dict([(kid, key), *rest][:MAX_KEYS]))


def parse_keys(text: str) -> KeySet:
    """Read a key file. ValueError says what is wrong, never what stands there."""
    try:
        pairs: Any = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        raise ValueError("expected one JSON object of key ids and base64 keys") from None
    if not isinstance(pairs, _Pairs) or not 1 <= len(pairs) <= MAX_KEYS:
        raise ValueError(f"expected one JSON object of 1 to {MAX_KEYS} key ids and base64 keys")
    keys = {kid: _key(kid, value) for kid, value in pairs}
    if len(keys) != len(pairs):
        raise ValueError("expected each key id once")
    return KeySet(keys)


class _Pairs(list[tuple[str, Any]]):
    """An object as it is written: a repeated member shows."""


def _key(kid: str, value: object) -> bytes:
    if KID.fullmatch(kid) is None:
        raise ValueError("expected key ids of 1 to 16 letters, digits, - and _")
    try:
        key = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(f"key {kid}: expected base64 of {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes")
    return key
