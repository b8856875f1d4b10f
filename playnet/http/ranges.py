"""Range requests. RFC 9110 §14: what a Range field selects, and how several parts become one body.

nginx answers most ranges of a node and the brain the rest, and nobody should see who did. So where the RFC leaves a
choice this module takes nginx's: a malformed set, or one that is backwards, is rejected with 416 (§14.2 allows it);
parts are sent in the order asked for and not joined; more than MAX_RANGES, or more bytes than the whole has, get the
whole (§14.2 names both as signs of an attack). Departures, of nginx as well: a number of more than 63 bits is malformed
even as a last position, and positions in an empty representation select all of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_RANGES: Final = 32  # a player asks for two or three, a PDF viewer for a dozen; nginx gets the same bound
_UNIT: Final = "bytes="
_LARGEST: Final = (1 << 63) - 1
_DIGITS: Final = 19  # of _LARGEST; keeps int() cheap on hostile input
_SPACE: Final = " "  # nginx skips no tabs
_CONTENT_RANGE: Final = re.compile(r"bytes +(\d{1,18})-(\d{1,18})/(?:(\d{1,18})|\*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Whole:
    """Answer 200 with everything."""


@dataclass(frozen=True, slots=True)
class Part:
    """Answer 206 with the bytes from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def size_bytes(self) -> int:
        return self.last - self.first + 1

    def content_range(self, size_bytes: int | None) -> str:
        """RFC 9110 §14.4. None: the size is not known yet."""
        return f"bytes {self.first}-{self.last}/{'*' if size_bytes is None else size_bytes}"


@dataclass(frozen=True, slots=True)
class Parts:
    """Answer 206 with several parts, as multipart/byteranges. RFC 9110 §14.6."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Answer 416 with `Content-Range: bytes */SIZE`. RFC 9110 §15.5.17."""


Selected = Whole | Part | Parts | Unsatisfiable


class _Malformed(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Spec:
    """One range as it was asked for: `first` and perhaps `last`, or the length of a `suffix`. RFC 9110 §14.1.1."""

    first: int = 0
    last: int | None = None
    suffix: int | None = None

    @property
    def needs_size(self) -> bool:
        """Whether nobody can tell its end without the size of the representation."""
        return self.suffix is not None or self.last is None


def asked(value: str | None) -> tuple[Spec, ...]:
    """The ranges of a field in order, for plans; empty where there are none, where they are malformed or too many."""
    try:
        specs = tuple(_specs(value or ""))
    except _Malformed:
        return ()
    return specs if len(specs) <= MAX_RANGES else ()


def select(value: str | None, size_bytes: int) -> Selected:
    """What a Range field selects from a representation of `size_bytes`. Never raises.

    Other units are ignored (RFC 9110 §14.2).
    """
    parts: list[Part] = []
    try:
        for spec in _specs(value or ""):
            part = _placed(spec, size_bytes)
            if part is not None:
                parts.append(part)
            elif size_bytes == spec.first == 0:
                return Whole()
            if len(parts) > MAX_RANGES:
                return Whole()
    except _Malformed:
        return Unsatisfiable()
    if not parts:
        return Unsatisfiable() if _is_of_bytes(value or "") else Whole()
    if sum(part.size_bytes for part in parts) > size_bytes:
        return Whole()
    return parts[0] if len(parts) == 1 else Parts(tuple(parts))


def _is_of_bytes(value: str) -> bool:
    return len(value) > len(_UNIT) and value[: len(_UNIT)].lower() == _UNIT


def _specs(value: str) -> Iterator[Spec]:
    """Lazily, as nginx reads them: what comes first decides."""
    if _is_of_bytes(value):
        for item in value[len(_UNIT) :].split(","):
            yield _spec(item)


def _spec(item: str) -> Spec:
    first, dash, last = item.strip(_SPACE).partition("-")
    if not dash:
        raise _Malformed
    if not first:
        return Spec(suffix=_number(last))
    last = last.strip(_SPACE)
    return Spec(_number(first.rstrip(_SPACE)), _number(last) if last else None)


def _number(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise _Malformed
    significant = digits.lstrip("0")
    number = int(significant or "0") if len(significant) <= _DIGITS else _LARGEST + 1
    if number > _LARGEST:
        raise _Malformed
    return number


def _placed(spec: Spec, size_bytes: int) -> Part | None:
    """The bytes of one range, None when there are none."""
    first = spec.first if spec.suffix is None else max(size_bytes - spec.suffix, 0)
    last = size_bytes - 1 if spec.last is None else min(spec.last, size_bytes - 1)
    return Part(first, last) if first <= last else None


@dataclass(frozen=True, slots=True)
class ContentRange:
    """What a 206 says about its bytes. `total_bytes`: None where the sender does not know. RFC 9110 §14.4."""

    first: int
    last: int
    total_bytes: int | None


def content_range(value: str | None) -> ContentRange | None:
    """Read the field of a 206; None where it is absent, or not valid."""
    match = _CONTENT_RANGE.fullmatch((value or "").strip(" \t"))
    if match is None:
        return None
    told = ContentRange(int(match[1]), int(match[2]), int(match[3]) if match[3] is not None else None)
    is_valid = told.first <= told.last and (told.total_bytes is None or told.last < told.total_bytes)
    return told if is_valid else None


@dataclass(frozen=True, slots=True)
class Multipart:
    """The frame of several parts: what goes before each, and behind the last. RFC 9110 §14.6, RFC 2046 §5.1.1.

    `boundary` must be nothing that a publisher of the bytes could have foreseen.
    """

    parts: tuple[Part, ...]
    size_bytes: int | None
    content_type: str | None
    boundary: str

    @property
    def media_type(self) -> str:
        """Content-Type of the whole answer."""
        return f"multipart/byteranges; boundary={self.boundary}"

    @property
    def length_bytes(self) -> int:
        """Content-Length of the whole answer."""
        return sum(len(self.head(part)) + part.size_bytes for part in self.parts) + len(self.tail)

    def head(self, part: Part) -> bytes:
        """What precedes the bytes of a part."""
        kind = f"Content-Type: {self.content_type}\r\n" if self.content_type is not None else ""
        where = part.content_range(self.size_bytes)
        return f"\r\n--{self.boundary}\r\n{kind}Content-Range: {where}\r\n\r\n".encode("latin-1")

    @property
    def tail(self) -> bytes:
        """What ends the body."""
        return f"\r\n--{self.boundary}--\r\n".encode("latin-1")
