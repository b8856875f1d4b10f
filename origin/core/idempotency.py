"""Creations that may be repeated: the header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header §2). Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from playnet.errors import InvalidInput

from .accounts.callers import Caller

KEPT: Final = timedelta(days=1)
_MAX_CHARS: Final = 255


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a creation. `fingerprint`: of what it asks for."""

    actor: str
    key: str
    fingerprint: bytes


def read_attempt(header: str | None, caller: Caller, asked: Mapping[str, Any]) -> Attempt | None:
    """None without the header. Keys of different callers never meet. InvalidInput."""
    if header is None:
        return None
    key = header.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not 1 <= len(key) <= _MAX_CHARS or not (key.isascii() and key.isprintable()):
        raise InvalidInput(f"Idempotency-Key: expected 1 to {_MAX_CHARS} printable ASCII characters")
    text = json.dumps(asked, sort_keys=True, default=str)
    return Attempt(caller.account or caller.means.value, key, hashlib.sha256(text.encode()).digest())
