"""The cache key of a request: its path and query in one canonical spelling. RFC 3986 §6.2.2.

Nothing else of a request is part of the key, above all no header. A playback token in front of the path is not
part of it either: the same bytes serve every viewer.

The query is part of the key only where it may mean something. Our own media (playnet/names.py) are files, so there it is
nothing: else anybody could fill the cache with copies of one segment. Elsewhere CMCD is left out, which a player adds to
every request and which tells about the player alone (CTA-5004). The origin gets neither.
nginx and the front hold to the same rule: edge/core/nginx.py, and `$uri` in lb/core/nginx.py.
"""

import re
from dataclasses import dataclass, field
from typing import Final, NewType

from playnet.errors import InvalidInput
from playnet.names import MEDIA_PATH

Key = NewType("Key", str)

MAX_KEY_BYTES: Final = 8 << 10  # nginx takes no longer request line either

_TOKEN_PREFIX: Final = re.compile(r"/t/([^/]*)(?=/)")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})?")
_PATH: Final = re.compile(r"(?:/[^\x00-\x20\x7f/?#]*)+")
_QUERY: Final = re.compile(r"[^\x00-\x20\x7f#]*")
_MEDIA: Final = re.compile(MEDIA_PATH)
_CMCD: Final = "CMCD"  # the name of the query argument, CTA-5004
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for. `key` is at the same time what the origin is asked for: it never sees a token."""

    key: Key
    path: str
    token: str | None = field(default=None, repr=False)


def target(raw_path: bytes, query: bytes, *, has_tokens: bool = True) -> Target:
    """Read a request target. `has_tokens`: `/t/TOKEN` in front of a path is a playback token.

    InvalidInput for NUL, broken escapes, dot segments, a token behind a token, and what is too long.
    Dot segments are refused rather than resolved: user agents resolve them before they send (RFC 3986 §5.2.4), so what
    still has them, also escaped, wants to reach something else than it says.
    """
    if len(raw_path) + len(query) > MAX_KEY_BYTES:
        raise InvalidInput("the URL is too long")
    path = _canonical(_ascii(raw_path))
    prefix = _TOKEN_PREFIX.match(path) if has_tokens else None
    path = path[prefix.end() :] if prefix else path
    is_nested = prefix is not None and path.startswith("/t/")  # no token is ever passed on
    if is_nested or not _PATH.fullmatch(path) or any(segment in {".", ".."} for segment in path.split("/")):
        raise InvalidInput("the path is not valid")
    text = _ascii(query)
    if not _QUERY.fullmatch(text):
        raise InvalidInput("the query is not valid")
    text = "" if _MEDIA.fullmatch(path) else _without_cmcd(text)
    return Target(Key(f"{path}?{text}" if text else path), path, prefix[1] if prefix else None)


def _without_cmcd(query: str) -> str:
    """A query that has no such argument stays exactly as it is."""
    if _CMCD not in _decoded(query):
        return query
    return "&".join(pair for pair in query.split("&") if _decoded(pair.partition("=")[0]) != _CMCD)


def _decoded(text: str) -> str:
    """With the escapes of unreserved characters undone, as far as there are any: enough to know a name by."""
    return _ESCAPE.sub(lambda match: _char(match) or match[0], text) if "%" in text else text


def _char(match: re.Match[str]) -> str | None:
    char = chr(int(match[1], 16)) if match[1] is not None else None
    return char if char is not None and char in _UNRESERVED else None


def purged_key(value: str) -> Key:
    """The key that a purge by URL path names; tokens and escapes as in requests. InvalidInput as `target`."""
    path, _, query = value.partition("?")
    return target(path.encode(), query.encode()).key


def _ascii(raw: bytes) -> str:
    """Bytes above ASCII become escapes, as a browser would have sent them."""
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def _canonical(path: str) -> str:
    """Escapes in upper case, those of unreserved characters undone. RFC 3986 §6.2.2.1, §6.2.2.2."""
    return _ESCAPE.sub(_spelled, path) if "%" in path else path


def _spelled(match: re.Match[str]) -> str:
    digits = match[1]
    if digits is None or digits == "00":
        raise InvalidInput("the path has a broken escape")
    return _char(match) or f"%{digits.upper()}"
