"""Which keys a store accepts. Pure; both adapters ask here, so neither sees a key that the other would refuse.

The grammar leaves nothing for an adapter to interpret: no escape, no NUL, no case, no `.` or `..`, no name that starts
with a dot (adapters keep their own files there), no part longer than a file name may be (255 bytes).
"""

import re

from playnet.errors import InvalidInput

MAX_KEY_LENGTH = 512
_PART = r"[a-z0-9_-][a-z0-9._-]{0,254}"
_KEY = re.compile(rf"{_PART}(?:/{_PART})*")


def is_key(text: str) -> bool:
    """Whether `text` can name an object."""
    return len(text) <= MAX_KEY_LENGTH and _KEY.fullmatch(text) is not None


def check_key(key: str) -> str:
    """`key`, unchanged. InvalidInput when it cannot name an object."""
    if not is_key(key):
        raise InvalidInput(f"{key[:MAX_KEY_LENGTH]!r} is not an object key")
    return key


def check_prefix(prefix: str) -> str:
    """`prefix`, unchanged: empty for the whole store, else a key and a slash. InvalidInput otherwise."""
    if prefix and not (prefix.endswith("/") and is_key(prefix[:-1])):
        raise InvalidInput(f"{prefix[:MAX_KEY_LENGTH]!r} is not a key prefix: it must be empty or end in a slash")
    return prefix


def check_range(key: str, size_bytes: int, start: int, length: int | None) -> int:
    """How many bytes the range holds. InvalidInput when it leaves the object; an empty range at its end does not."""
    wanted = size_bytes - start if length is None else length
    if start < 0 or wanted < 0 or start + wanted > size_bytes:
        raise InvalidInput(f"{key}: bytes {start} to {start + wanted} leave the object ({size_bytes} bytes)")
    return wanted
