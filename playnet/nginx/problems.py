"""The errors that an nginx itself answers with, as RFC 9457 documents like all others. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from .protection import RETRY_AFTER_S

_DOCUMENTS: Final = {
    400: ("invalid-input", "The request is not valid"),
    404: ("not-found", "Not found"),
    405: ("method-not-allowed", "Method Not Allowed"),
    413: ("too-large", "Too large"),
    414: ("too-large", "The address is too long"),
    421: ("misdirected", "This host name is not served here"),
    429: ("too-many-requests", "Too many requests from this address"),
    431: ("too-large", "The header of the request is too large"),
    502: ("unavailable", "Temporarily unavailable"),
    504: ("unavailable", "Temporarily unavailable"),
}
CODES: Final = frozenset(code for code, _ in _DOCUMENTS.values())
_OWN_STATUS: Final = {431: 494}  # nginx's internal number for "a header line does not fit"
_BEFORE_PATH: Final = {400, 414}  # no path was read, so there is none that a named location could keep for the log
_RETRY_S: Final = {429: RETRY_AFTER_S, 502: 2, 504: 2}
_PLACE: Final = "/.playnet/problem/"
_NONE: Final[Mapping[int, str]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What stands beside every document: variables or values of the nginx that renders them."""

    request_id: str
    cors: str
    allow: str


def error_pages(statuses: Iterable[int], around: Around, *, chosen: Mapping[int, str] = _NONE) -> Iterator[str]:
    """`error_page` directives and their locations, for `server`. `chosen`: a variable that names the location instead."""
    for status in statuses:
        unread = status in _BEFORE_PATH
        place = f"= {_PLACE}{status}" if unread else named_location(status)
        fields = _fields(status, around)
        own, target = _OWN_STATUS.get(status, status), place.removeprefix("= ")
        yield f"error_page {own} = {chosen[status]};" if status in chosen else f"error_page {own} ={status} {target};"
        yield f"location {place} {{"
        yield f"    {'internal; ' if unread else ''}types {{ }} default_type application/problem+json;"
        yield from (f"    add_header {name} {value} always;" for name, value in fields.items())
        yield f"    return {status} '{_document(status, around)}';"
        yield "}"


def named_location(status: int) -> str:
    """Where the document of a status is answered."""
    return f"@problem{status}"


def _fields(status: int, around: Around) -> Mapping[str, str]:
    fields = {
        "X-Request-Id": around.request_id,
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": around.cors,
    }
    if status in _RETRY_S:
        fields["Retry-After"] = str(_RETRY_S[status])
        fields["Access-Control-Expose-Headers"] = "Retry-After"
    if status == 405:
        fields["Allow"] = f'"{around.allow}"'
    return fields


def _document(status: int, around: Around) -> str:
    code, title = _DOCUMENTS[status]
    return (
        f'{{"type":"/docs/errors#{code}","title":"{title}","status":{status},"code":"{code}",'
        f'"request_id":"{around.request_id}"}}'
    )
