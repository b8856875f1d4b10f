"""Boxes of the ISO base media file format: where each begins and ends, and its fields as integers. Pure.

ISO/IEC 14496-12 §4.2. Nothing here trusts a size: a box that is too small for its header or runs past its
parent is MediaRejected, and so is a field past the end of its box. Recursion is the caller's, one level a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from playnet.errors import MediaRejected

HEADER_BYTES = 16  # size, type and a 64-bit size: what must be read to know any box's extent


@dataclass(frozen=True, slots=True)
class Extent:
    """One box: its type, where it starts, where its payload starts, and where it ends."""

    type: str
    start: int
    payload: int
    end: int


def extent(header: bytes | memoryview, start: int, limit: int) -> Extent:
    """The box that starts at `start`, given its first bytes (16, or what is left) and its parent's end."""
    if len(header) < 8:
        raise MediaRejected(f"box header at byte {start} is cut off")
    size, kind = int.from_bytes(header[:4], "big"), bytes(header[4:8]).decode("latin-1")
    head = 8
    if size == 1:
        if len(header) < HEADER_BYTES:
            raise MediaRejected(f"large box header at byte {start} is cut off")
        size, head = int.from_bytes(header[8:16], "big"), HEADER_BYTES
    elif size == 0:
        size = limit - start
    if size < head or size > limit - start:
        raise MediaRejected(f"box {kind!r} at byte {start} claims {size} bytes of {limit - start}")
    return Extent(kind, start, start + head, start + size)


class Box:
    """A box in memory. `fields()` reads its payload, `children()` walks it."""

    __slots__ = ("_data", "extent")

    def __init__(self, data: memoryview, where: Extent) -> None:
        self._data = data
        self.extent = where

    @property
    def type(self) -> str:
        return self.extent.type

    def fields(self) -> "Fields":
        return Fields(self._data[self.extent.payload : self.extent.end], self.type)

    def children(self, *, skip: int = 0) -> Iterator["Box"]:
        """Boxes inside, after `skip` bytes of the box's own fields."""
        return walk(self._data, self.extent.payload + skip, self.extent.end)

    def child(self, *path: str) -> "Box":
        """The first box at `path`. MediaRejected when it is missing."""
        box = self
        for kind in path:
            found = next((inner for inner in box.children() if inner.type == kind), None)
            if found is None:
                raise MediaRejected(f"box {box.type!r} has no {kind!r}")
            box = found
        return box

    def find(self, kind: str) -> "Box | None":
        """The first child of that type."""
        return next((inner for inner in self.children() if inner.type == kind), None)


def walk(data: memoryview, start: int, end: int) -> Iterator[Box]:
    """The boxes that fill `data[start:end]`."""
    while start < end:
        where = extent(data[start : min(start + HEADER_BYTES, end)], start, end)
        yield Box(data, where)
        start = where.end


class Fields:
    """Big-endian integers, one after the other."""

    __slots__ = ("_at", "_data", "_owner")

    def __init__(self, data: memoryview, owner: str) -> None:
        self._data, self._owner, self._at = data, owner, 0

    def bytes(self, count: int) -> memoryview:
        """The next `count` bytes."""
        if count > len(self._data) - self._at:
            raise MediaRejected(f"box {self._owner!r} ends inside a field")
        self._at += count
        return self._data[self._at - count : self._at]

    def skip(self, count: int) -> None:
        self.bytes(count)

    def uint(self, size: int) -> int:
        return int.from_bytes(self.bytes(size), "big")

    def sint(self, size: int) -> int:
        return int.from_bytes(self.bytes(size), "big", signed=True)

    def full(self) -> tuple[int, int]:
        """Version and flags of a full box (§4.2.2)."""
        word = self.uint(4)
        return word >> 24, word & 0xFFFFFF

    @property
    def left(self) -> int:
        return len(self._data) - self._at
