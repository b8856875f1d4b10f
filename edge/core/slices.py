"""Large objects in slices: who they are, which of them a request needs, and what to ask an origin for. Pure.

An object above one slice is kept as a head and its slices. The head is the entry under the object's key: fields,
lifetime, size, identity. A slice is an entry of its own under `KEY#~IDENTITY.NUMBER`, so that it comes and goes alone.
The identity is that of the bytes: slices that don't agree in their strong validator (RFC 9110 §8.8.1) and in the
object's size have different names, and nobody who holds one head can reach the slices of another.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from playnet.http.dates import parse_date
from playnet.http.fields import Fields
from playnet.http.ranges import ContentRange, Part, Spec, content_range

from .key import Key

WINDOW_SLICES: Final = 4  # most slices of one request to an origin that is made for a range
JOIN_DISTANCE: Final = 4  # a viewer waits for a slice that is so many ahead in a running exchange, else asks for it
_MARK: Final = "#~"
_IDENTITY_CHARS: Final = 16


@dataclass(frozen=True, slots=True)
class Sliced:
    """What a head knows of its slices."""

    total_bytes: int
    slice_bytes: int
    identity: str

    @property
    def count(self) -> int:
        """Number of slices."""
        return -(-self.total_bytes // self.slice_bytes)

    def number(self, position: int) -> int:
        """The slice that holds a byte."""
        return position // self.slice_bytes

    def part(self, number: int) -> Part:
        """The bytes of a slice."""
        first = number * self.slice_bytes
        return Part(first, min(first + self.slice_bytes, self.total_bytes) - 1)

    def key(self, head: Key, number: int) -> Key:
        """Where a slice is stored."""
        return Key(f"{head}{_MARK}{self.identity}.{number}")


def is_slice(key: Key) -> bool:
    """Whether a place is that of a slice. No key has a `#`."""
    return _MARK in key


def validator(response: Fields, *, now: float) -> str | None:
    """What If-Range may name: a strong entity tag, else a date that is strong. RFC 9110 §8.8.1, §8.8.2.2, §13.1.5."""
    etag = response.get("etag")
    if etag is not None:
        return etag if etag.startswith('"') and len(etag) > 2 else None
    modified, date = response.get("last-modified"), response.get("date")
    modified_s, date_s = parse_date(modified, now=now), parse_date(date, now=now)
    return modified if modified_s is not None and date_s is not None and modified_s < date_s else None


def sliced(response: Fields, *, total_bytes: int, slice_bytes: int, now: float) -> Sliced | None:
    """How the object of a response is cut; None where one slice holds it or nothing says which bytes belong together."""
    strong = validator(response, now=now)
    if strong is None or total_bytes <= slice_bytes:
        return None
    text = f"{strong}\n{total_bytes}\n{slice_bytes}"
    return Sliced(total_bytes, slice_bytes, hashlib.sha256(text.encode("latin-1")).hexdigest()[:_IDENTITY_CHARS])


def takes_ranges(response: Fields) -> bool:
    """Whether the origin says that it answers them: else the slices of a whole answer could never be completed again."""
    return "bytes" in response.members("accept-ranges")


@dataclass(frozen=True, slots=True)
class Window:
    """Aligned bytes that an origin is asked for. The last may lie beyond the end of an object of unknown size."""

    first: int
    last: int

    @property
    def range(self) -> str:
        """The Range field."""
        return f"bytes={self.first}-{self.last}"


def first_window(specs: tuple[Spec, ...], slice_bytes: int) -> Window | None:
    """What to ask for when nothing of the object is known: the slices of the first range, None for no range at all.

    A suffix cannot be aligned yet: the first slice tells the size, and most objects are no larger.
    """
    if not specs:
        return None
    spec = specs[0]
    if spec.suffix is not None:
        return Window(0, slice_bytes - 1)
    first = spec.first // slice_bytes
    most = first + WINDOW_SLICES - 1
    last = most if spec.last is None else min(max(spec.last // slice_bytes, first), most)
    return Window(first * slice_bytes, (last + 1) * slice_bytes - 1)


def missing_run(number: int, upto: int, is_there: Callable[[int], bool]) -> int:
    """The last slice of one request that begins at a missing slice and goes on while more are missing."""
    last = number
    while last < min(upto, number + WINDOW_SLICES - 1) and not is_there(last + 1):
        last += 1
    return last


def answered(window: Window, status: int, response: Fields, size_bytes: int | None) -> ContentRange | None:
    """What a 206 brings, if that is what was asked for, as far as the object has it. RFC 9110 §15.3.7."""
    told = content_range(response.get("content-range"))
    if status != 206 or told is None or told.total_bytes is None or told.first != window.first:
        return None
    fits = told.last == min(window.last, told.total_bytes - 1) and size_bytes in {None, told.last - told.first + 1}
    return told if fits else None
