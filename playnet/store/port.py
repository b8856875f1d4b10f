"""The object store as PlayNet needs it: no tags, no ACLs, no conditional writes, no stored Content-Type.

Keys match `[a-z0-9/._-]+`, at most 512 characters in all and 255 between slashes; no part is empty or starts with a dot;
no key is a folder of another (`a` and `a/b`). Adapters refuse others (InvalidInput, see `keys`).
Errors: NotFound, Unavailable (after the adapter's own retries), StorageFull, InvalidInput, TooLarge. Nothing else escapes,
except what a source stream itself raises: that reaches the caller of `put` unchanged.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stat:
    """One stored object. `modified_s`: whole seconds since the epoch, as HTTP dates have them."""

    key: str
    size_bytes: int
    modified_s: int


@dataclass(frozen=True, slots=True)
class Body:
    """An open object: what it is, and the wanted bytes in chunks of at most 1 MiB."""

    stat: Stat
    chunks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an object in the making. `number` counts from 1, `start` is its place; `tag` is the store's own name for it."""

    number: int
    start: int
    size_bytes: int
    tag: str


MIN_PART_BYTES = 5 << 20  # of every part but the last: S3 refuses smaller ones when it joins them
MAX_PARTS = 10_000  # S3 user guide, "Multipart upload limits"


class ObjectStore(Protocol):
    """`put` is atomic and durable: after it returns, the object survives a power loss; before, nothing is visible."""

    async def put(self, key: str, source: Path | AsyncIterator[bytes]) -> Stat:
        """Store a file or a stream of unknown length under `key`, replacing what was there. Memory: three parts at most.

        A file in the appliance's own staging or work folder may become the object itself (a hard link, read-only):
        it can be removed afterwards, but not written to. Others are copied. When several put one key, the last one wins.
        Cancelled: nothing is visible, unless the final step was already under way.
        """
        ...

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> AbstractAsyncContextManager[Body]:
        """Open `key` from byte `start`, `length` bytes or to the end. InvalidInput when the range leaves the object."""
        ...

    async def stat(self, key: str) -> Stat:
        """Size and time. NotFound when absent."""
        ...

    def list(self, prefix: str) -> AsyncIterator[Stat]:
        """Every object below `prefix` (empty, or ends in `/`), in key order, in bounded memory."""
        ...

    async def delete(self, key: str) -> None:
        """Remove one object; absent is fine."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every object below `prefix` (not empty, ends in `/`) and return how many there were."""
        ...

    def local_path(self, key: str) -> Path | None:
        """The object as a plain file on this host, where there is one: saves workers a copy. Read only."""
        ...

    async def free_bytes(self) -> int | None:
        """Space left for objects, or None where the store cannot tell."""
        ...

    async def check(self) -> None:
        """Raise Unavailable when the store does not answer. For `/readyz`."""
        ...

    async def close(self) -> None:
        """Release connections and threads."""
        ...


class PartedStore(ObjectStore, Protocol):
    """A store whose objects may also come in parts, through any number of processes and restarts.

    Nothing is visible before `join_parts`. All parts but the last have one size, at least MIN_PART_BYTES.
    """

    async def begin_parts(self, key: str) -> str:
        """Start an object; gives its handle."""
        ...

    async def put_part(self, key: str, handle: str, number: int, start: int, data: bytes) -> str:
        """Store one part durably; gives its tag. The same bytes may be sent again. NotFound after `drop_parts`."""
        ...

    async def join_parts(self, key: str, handle: str, parts: Sequence[Part]) -> Stat:
        """Make the object of at least one part, in order and without a gap. Repeating it after it succeeded is harmless.

        NotFound when the parts were dropped.
        """
        ...

    async def drop_parts(self, key: str, handle: str) -> None:
        """Forget the parts; that they are gone, or joined, is fine."""
        ...
