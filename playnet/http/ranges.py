"""Range requests. RFC 9110 §14: one range of bytes, by first position, by both, or by length of the suffix."""

import re
from dataclasses import dataclass
from typing import Final

_RANGE: Final = re.compile(
    r"[ \t]*bytes[ \t]*=[ \t]*(?:(?P<first>\d+)-(?P<last>\d*)|-(?P<suffix>\d+))[ \t]*", re.IGNORECASE
)
_DIGITS: Final = 19  # beyond any file; keeps int() cheap on hostile input


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

    def content_range(self, size_bytes: int) -> str:
        """RFC 9110 §14.4."""
        return f"bytes {self.first}-{self.last}/{size_bytes}"


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """Answer 416 with `Content-Range: bytes */SIZE`. RFC 9110 §15.5.17."""


Selected = Whole | Part | Unsatisfiable


def select(value: str | None, size_bytes: int) -> Selected:
    """What a Range field selects from a representation of `size_bytes`. Never raises.

    Malformed fields, other units and several ranges give Whole: a server may ignore Range (RFC 9110 §14.2).
    """
    match = _RANGE.fullmatch(value) if value is not None else None
    if match is None:
        return Whole()
    if match["suffix"] is not None:
        return _suffix(_number(match["suffix"]), size_bytes)
    first = _number(match["first"])
    last = _number(match["last"]) if match["last"] else size_bytes - 1
    if match["last"] and last < first:
        return Whole()  # RFC 9110 §14.1.1: invalid, so ignored
    if first >= size_bytes:
        return Unsatisfiable()
    return Part(first, min(last, size_bytes - 1))


def _suffix(length: int, size_bytes: int) -> Selected:
    if length == 0:
        return Unsatisfiable()
    if size_bytes == 0:
        return Whole()  # RFC 9110 §14.1.2: a suffix of an empty representation is all of it
    return Part(max(size_bytes - length, 0), size_bytes - 1)


def _number(digits: str) -> int:
    return int(digits) if len(digits) <= _DIGITS else 10**_DIGITS
