"""SHA-256 of uploads while they come: carried from one request to the next by the process that saw all bytes.

hashlib cannot write a state down, so an upload that another origin takes over, or that outlives a restart, is read once
more when it is whole.
"""

import hashlib
from collections import OrderedDict
from typing import Final, Protocol, Self

_MAX_KEPT: Final = 1000  # a few hundred bytes each


class Digest(Protocol):
    """A hash of hashlib, as far as it is used here."""

    def update(self, data: bytes, /) -> None: ...

    def copy(self) -> Self: ...

    def hexdigest(self) -> str: ...


class RunningDigests:
    """By upload: how many bytes were hashed, and the hash."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[int, Digest]] = OrderedDict()

    def at(self, upload: str, size_bytes: int) -> Digest | None:
        """The hash of the first `size_bytes`, when this process knows it."""
        if size_bytes == 0:
            return hashlib.sha256()
        known = self._kept.get(upload)
        return known[1] if known is not None and known[0] == size_bytes else None

    def keep(self, upload: str, size_bytes: int, digest: Digest | None) -> None:
        """Remember it, or forget what was known when there is none."""
        self._kept.pop(upload, None)
        if digest is not None:
            self._kept[upload] = (size_bytes, digest)
            if len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)

    def forget(self, upload: str) -> None:
        """It is over."""
        self._kept.pop(upload, None)
