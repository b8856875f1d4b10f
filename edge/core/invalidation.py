"""What a successful unsafe request makes worthless. RFC 9111 §4.4."""

from typing import Final
from urllib.parse import urljoin, urlsplit

from playnet.errors import InvalidInput
from playnet.http.fields import Fields

from .key import Key, purged_key

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 §9.2.1; what we don't know counts as unsafe
_POINTERS: Final = ("location", "content-location")
_DONE_ELSEWHERE: Final = frozenset({307, 308})  # nothing was changed yet; the viewer has to ask there, perhaps in vain


def invalidated(key: Key, method: str, status: int, response: Fields, *, authority: str) -> tuple[Key, ...]:
    """Keys to forget: the target and, on the same host, what the answer points at. Never raises.

    `authority` is the Host that the viewer asked: an answer may not make us forget what belongs to others.
    """
    if method in SAFE or not 200 <= status < 400:
        return ()
    found = [key]
    for name in () if status in _DONE_ELSEWHERE else _POINTERS:
        pointed = _same_host(response.get(name), key, authority.lower())
        if pointed is not None:
            found.append(pointed)
    return tuple(dict.fromkeys(found))


def _same_host(value: str | None, key: Key, authority: str) -> Key | None:
    if value is None:
        return None
    try:
        url = urlsplit(urljoin(f"http://{authority}{key}", value))
        if url.scheme not in {"http", "https"} or url.netloc.lower() != authority:
            return None
        return purged_key((url.path or "/") + (f"?{url.query}" if url.query else ""))
    except (ValueError, InvalidInput):
        return None
