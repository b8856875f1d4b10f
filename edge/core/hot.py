"""Which entries nginx may serve alone, without asking the brain. The decision page `docs/decisions/hot-tree.md` says why.

nginx rebuilds the answer from a plain file: its name, its size, its mtime and the fixed fields of HOT_FIELDS.
An entry qualifies only if that is exactly what the brain would have said, apart from Age.
"""

import re
from typing import Final

from playnet.http.dates import format_date
from playnet.http.freshness import directives
from playnet.names import MEDIA_TYPES

from .access import ACCESS, OUR_TARGET, is_sealed
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

# And of private media, which nginx serves from the sealed tree: nobody but the viewer's own player keeps them, and not for long.
PRIVATE_S: Final = 3600
SEALED_FIELDS: Final = (
    ("cache-control", f"private, max-age={PRIVATE_S}, immutable"),
    (OUR_TARGET, f"max-age={YEAR_S}, immutable"),
    *(pair for pair in HOT_FIELDS if pair[0] != "cache-control"),
)

# One spelling per object, safe as a file name: no escapes, no empty or dot segments. nginx applies the same pattern to the
# raw request target, so no other spelling reaches the tree.
HOT_PATH: Final = r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+\.(?:" + "|".join(sorted(MEDIA_TYPES)) + ")"
_HOT_PATH_RE: Final = re.compile(HOT_PATH)
_MAX_PATH: Final = 512  # a line of nginx's access log over syslog holds 2 KiB
_MAX_SEGMENT: Final = 200  # below NAME_MAX with room for the temporary name

_FROM_THE_FILE: Final = frozenset({"content-type", "last-modified", "etag", "accept-ranges"})
_OF_THE_EXCHANGE: Final = frozenset({"date", "via", "cache-status", ACCESS})  # the last: the tree says it


def is_hot(entry: Entry, *, marks: Marks, now: float) -> bool:
    """Whether the entry may stand in the hot tree now. Never raises."""
    return why_not_hot(entry, marks=marks, now=now) is None


def why_not_hot(entry: Entry, *, marks: Marks, now: float) -> str | None:
    """The first rule that keeps the entry out of the hot tree, for people; None when it may stand there."""
    if entry.sliced is not None:
        return "it is kept in slices: nginx can send one file, not several"
    if entry.status != 200:
        return f"its status is {entry.status}: a file is always a 200"
    if decide(entry, marks=marks, now=now) != Serve(entry):
        return "it is not fresh, or was purged softly: only the brain decides about those"
    if not _is_plain(entry.key):
        return "its key is not one plain path with a known suffix: queries, escapes and variants need the brain"
    return _unlike_a_file(entry)


def _unlike_a_file(entry: Entry) -> str | None:
    """What nginx would say differently of the file that the entry would become."""
    kind = MEDIA_TYPES[entry.key.rpartition(".")[2]]
    if entry.fields.get("content-type") != kind:
        return f"its Content-Type is not {kind}, which nginx would say for this suffix"
    if "immutable" not in directives(entry.fields):
        return "its Cache-Control does not say immutable"
    if not _has_file_validators(entry):
        return (
            "nginx could not repeat its validators: it needs a Last-Modified, and an ETag of that and the size, or none"
        )
    return _unrepeatable(entry)


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


def _unrepeatable(entry: Entry) -> str | None:
    """The fields in which the entry differs from what nginx says of every file."""
    said = SEALED_FIELDS if is_sealed(entry.fields) else HOT_FIELDS
    rest = [pair for pair in entry.fields if pair[0] not in _FROM_THE_FILE | _OF_THE_EXCHANGE]
    if sorted(rest) == sorted(said):
        return None
    wrong = sorted({name for name, _ in set(rest) ^ set(said)}) or ["one of them, sent twice"]
    return f"nginx says exactly the fields of our own media, and this one differs in: {', '.join(wrong)}"
