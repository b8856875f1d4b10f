"""Preconditions of GET and HEAD as a cache evaluates them. RFC 9110 §13, RFC 9111 §4.3.2."""

import re
from typing import Final

from .dates import parse_date
from .fields import Fields

_ENTITY_TAG: Final = re.compile(r'(?:W/)?"[^"]*"')


def not_modified(request: Fields, stored: Fields, *, now: float = 0) -> bool:
    """Whether the stored response is answered with 304. If-None-Match rules out If-Modified-Since (§13.2.2)."""
    wanted = request.get("if-none-match")
    if wanted is not None:
        return _none_match_fails(wanted, stored.get("etag"))
    since = parse_date(request.get("if-modified-since"), now=now)
    modified = parse_date(stored.get("last-modified") or stored.get("date"), now=now)
    return since is not None and modified is not None and modified <= since


def _none_match_fails(wanted: str, etag: str | None) -> bool:
    """RFC 9110 §13.1.2, weak comparison."""
    if wanted.strip() == "*":
        return True
    return etag is not None and _opaque(etag) in {_opaque(tag) for tag in _ENTITY_TAG.findall(wanted)}


def if_range_holds(request: Fields, stored: Fields, *, now: float = 0) -> bool:
    """Whether Range may be honoured: no If-Range, or one that names exactly what is stored. RFC 9110 §13.1.5."""
    condition = request.get("if-range")
    if condition is None:
        return True
    if condition.endswith('"'):
        return not condition.startswith("W/") and condition == stored.get("etag")
    wanted = parse_date(condition, now=now)
    return wanted is not None and wanted == _strong_date(stored, now)


def _strong_date(stored: Fields, now: float) -> int | None:
    """Last-Modified when it is a strong validator: at least one second before Date. RFC 9110 §8.8.2.2."""
    modified, date = parse_date(stored.get("last-modified"), now=now), parse_date(stored.get("date"), now=now)
    return modified if modified is not None and date is not None and modified < date else None


def validators(stored: Fields) -> tuple[tuple[str, str], ...]:
    """The request fields that ask the origin whether a stored response still holds. RFC 9111 §4.3.1."""
    pairs = (("if-none-match", stored.get("etag")), ("if-modified-since", stored.get("last-modified")))
    return tuple((name, value) for name, value in pairs if value)


def _opaque(tag: str) -> str:
    return tag.removeprefix("W/")
