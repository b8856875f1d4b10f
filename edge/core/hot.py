"""Which entries nginx may serve alone, without asking the brain. The decision page `docs/decisions/hot-tree.md` says why.

nginx rebuilds the answer from a plain file: its name, its size, its mtime and the fixed fields of HOT_FIELDS.
An entry qualifies only if that is exactly what the brain would have said, apart from Age.
"""

import re
from typing import Final

from playnet.http.dates import format_date
from playnet.http.freshness import directives
from playnet.names import MEDIA_TYPES

from .decide import Marks, Serve, decide
from .entry import Entry

YEAR_S: Final = 31_536_000

# Exactly what our origin says of media (a test compares), besides Content-Type, Content-Length, Last-Modified, ETag and Accept-Ranges.
HOT_FIELDS: Final = (
    ("cache-control", f"public, max-age={YEAR_S}, immutable"),
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "Content-Length, Content-Range, Cache-Status, Age, ETag"),
    ("timing-allow-origin", "*"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("x-content-type-options", "nosniff"),
)

# One spelling per object, safe as a file name: no escapes, no empty or dot segments. nginx applies the same pattern to the
# raw request target, so no other spelling reaches the tree.
HOT_PATH: Final = r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\.(?:" + "|".join(sorted(MEDIA_TYPES)) + ")"
_HOT_PATH_RE: Final = re.compile(HOT_PATH)
_MAX_PATH: Final = 512  # a line of nginx's access log over syslog holds 2 KiB
_MAX_SEGMENT: Final = 200  # below NAME_MAX with room for the temporary name

_FROM_THE_FILE: Final = frozenset({"content-type", "last-modified", "etag", "accept-ranges"})
_OF_THE_EXCHANGE: Final = frozenset({"date", "via", "cache-status"})


def is_hot(entry: Entry, *, marks: Marks, now: float) -> bool:
    """Whether the entry may stand in the hot tree now. Never raises."""
    return (
        entry.status == 200
        and decide(entry, marks=marks, now=now) == Serve(entry)
        and _is_plain(entry.key)
        and entry.fields.get("content-type") == MEDIA_TYPES[entry.key.rpartition(".")[2]]
        and "immutable" in directives(entry.fields)
        and _has_file_validators(entry)
        and _is_reproducible(entry)
    )


def nginx_etag(modified_s: int, size_bytes: int) -> str:
    """The ETag that nginx gives to a file."""
    return f'"{modified_s:x}-{size_bytes:x}"'


def _is_plain(key: str) -> bool:
    return (
        len(key) <= _MAX_PATH
        and _HOT_PATH_RE.fullmatch(key) is not None
        and all(len(segment) <= _MAX_SEGMENT for segment in key.split("/"))
    )


def _has_file_validators(entry: Entry) -> bool:
    """Last-Modified becomes the mtime; the ETag is absent or what nginx makes of mtime and size."""
    modified = entry.modified_s
    if modified is None or entry.fields.get("last-modified") != format_date(modified):
        return False
    return entry.fields.get("etag") in {None, nginx_etag(modified, entry.size_bytes)}


def _is_reproducible(entry: Entry) -> bool:
    rest = [pair for pair in entry.fields if pair[0] not in _FROM_THE_FILE | _OF_THE_EXCHANGE]
    return sorted(rest) == sorted(HOT_FIELDS)
