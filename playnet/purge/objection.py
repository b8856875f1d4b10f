"""Purge orders that could never mean anything, refused where they are given. Pure.

Nodes know entries by their cache key: path and query in one spelling (edge/core/key.py), without a playback token. A
URL is brought into that spelling by the node; a prefix is compared with it letter by letter, so it must be spelled so.
"""

import re
from typing import Final

from playnet.names import MEDIA_PATH

from .order import PurgeOrder

MAX_VALUE: Final = 8 << 10  # no longer key exists
_MAX_TAG: Final = 1 << 10
_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]")
_ESCAPE: Final = re.compile(r"%(.{0,2})")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")
_MEDIA: Final = re.compile(MEDIA_PATH)


def objection(order: PurgeOrder) -> str | None:
    """Why no entry can ever be meant, and what to write instead; None for an order that makes sense."""
    value = order.value
    if order.kind == "all":
        return None
    if len(value) > (_MAX_TAG if order.kind == "tag" else MAX_VALUE):
        return "it is longer than anything that is cached under it"
    strange = _UNPRINTABLE.search(value)
    if strange is not None and (order.kind != "url" or strange[0] <= " " or strange[0] == "\x7f"):
        return f"{strange[0]!r} cannot be in a {order.kind}" + (
            ": write it as escapes (%C3%A4)" if order.kind == "prefix" and strange[0] > "\x7f" else ""
        )
    return None if order.kind == "tag" else _of_path(order)


def _of_path(order: PurgeOrder) -> str | None:
    value, (path, mark, query) = order.value, order.value.partition("?")
    if "#" in value:
        return "a fragment (#…) never reaches a server: leave it out"
    if path.startswith("/t/") and path.count("/") > 2:
        return "a playback token is no part of what is cached: start at the path behind it"
    segments = path.split("/")
    if any(segment.lower().replace("%2e", ".") in {".", ".."} for segment in (segments if mark else segments[:-1])):
        return "paths with . or .. segments are never served: write the path that they lead to"
    for escape in _ESCAPE.finditer(path):  # queries are kept as they come
        wrong = _of_escape(escape[1], is_prefix=order.kind == "prefix")
        if wrong is not None:
            return wrong
    if order.kind == "prefix" and mark and _MEDIA.fullmatch(path):
        return f"no query distinguishes our own media: use --url {path}" if not query else "our own media have no query"
    return None


def _of_escape(digits: str, *, is_prefix: bool) -> str | None:
    if not _HEX.fullmatch(digits) or digits == "00":
        return f"%{digits} is a broken escape"
    char = chr(int(digits, 16))
    if is_prefix and _UNRESERVED.fullmatch(char):
        return f"entries are known by {char} where you wrote %{digits}"
    if is_prefix and digits != digits.upper():
        return f"entries are known by %{digits.upper()} where you wrote %{digits}"
    return None
