"""The index: entries by key and by tag in one SQLite file that diskcache keeps. Blocking; one thread owns it.

diskcache is used as decision 2 of the architecture says: no eviction policy of its own, JSON bytes as values, and a
Disk that neither writes nor reads pickle (CVE-2025-69872). Tags live in a table of ours in the same file, written in
the same transaction as the entry.
"""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import diskcache

from edge.core.entry import Entry, load
from edge.core.key import Key
from playnet.errors import Unavailable

_ENTRY: Final = "e:"
_META: Final = "m:"
_RAW: Final = 1  # diskcache's MODE_RAW: the value stands in the row itself
_TIMEOUT_S: Final = 10
_BATCH: Final = 500  # below SQLite's oldest limit of 999 parameters

_TAG_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS Tag (tag TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (tag, key)) WITHOUT ROWID"
)
_TAG_BY_KEY: Final = "CREATE INDEX IF NOT EXISTS Tag_key ON Tag (key)"


class PlainDisk(diskcache.Disk):
    """Takes str keys and str, int, float or bytes values, keeps all of them in the database, and treats pickle as absent."""

    def put(self, key: object) -> tuple[str, bool]:
        if type(key) is not str:
            raise TypeError("keys of the index are str")
        return key, True

    def get(self, key: object, raw: bool) -> object:
        if not raw or type(key) is not str:
            raise OSError("a key that was not written by this program")
        return key

    def store(self, value: object, read: bool, key: object = diskcache.UNKNOWN) -> Any:
        if read or type(value) not in {bytes, str, int, float}:
            raise TypeError("values of the index are bytes, str, int or float")
        plain: Any = super()
        return plain.store(value, read, key=key)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> Any:
        if mode != _RAW or filename is not None or read:
            raise OSError("a value that was not written by this program")  # diskcache: a miss
        plain: Any = super()
        return plain.fetch(mode, filename, value, read)


class _Table(diskcache.Cache):
    """diskcache with a table of tags beside its own."""

    def prepare(self) -> None:
        self._sql(_TAG_TABLE)
        self._sql(_TAG_BY_KEY)

    def tag(self, key: str, tags: Iterable[str]) -> None:
        self._sql("DELETE FROM Tag WHERE key = ?", (key,))
        for name in tags:
            self._sql("INSERT OR IGNORE INTO Tag (tag, key) VALUES (?, ?)", (name, key))

    def tagged(self, tag: str) -> list[str]:
        return [key for (key,) in self._sql("SELECT key FROM Tag WHERE tag = ?", (tag,))]

    def records(self) -> Iterator[bytes]:
        query = "SELECT value FROM Cache WHERE raw = 1 AND mode = ? AND key >= ? AND key < ? ORDER BY rowid"
        for (value,) in self._sql(query, (_RAW, _ENTRY, _after(_ENTRY))):
            if isinstance(value, bytes):
                yield value

    def exactly(self, key: str) -> list[str]:
        return [key for (key,) in self._sql("SELECT key FROM Cache WHERE raw = 1 AND key = ?", (key,))]

    def below(self, prefix: str) -> list[str]:
        query = "SELECT key FROM Cache WHERE raw = 1 AND key >= ? AND key < ?"
        return [key for (key,) in self._sql(query, (prefix, _after(prefix)))]


class Index:
    """Entries of one node. Every method raises Unavailable when the disk or SQLite refuses."""

    def __init__(self, folder: Path) -> None:
        table: Any = _Table  # diskcache has no types
        with _translated():
            self._table = table(
                str(folder), timeout=_TIMEOUT_S, disk=PlainDisk, eviction_policy="none", cull_limit=0, statistics=0,
                tag_index=0, size_limit=1 << 60, disk_min_file_size=1 << 40,
            )  # fmt: skip
            self._table.prepare()

    @classmethod
    def opened(cls, folder: Path) -> "Index":
        """Open, or begin anew when the file is no database any more: a cache may forget. Raises Unavailable."""
        try:
            return cls(folder)
        except Unavailable as exc:
            if type(exc.__cause__) is not sqlite3.DatabaseError:
                raise
            shutil.rmtree(folder, ignore_errors=True)
            return cls(folder)

    def close(self) -> None:
        """Close the thread's connection."""
        self._table.close()

    def get(self, key: Key) -> Entry | None:
        """The entry of a key."""
        with _translated():
            record = self._table.get(_ENTRY + key)
        return load(record) if isinstance(record, bytes) else None

    def put(self, entry: Entry) -> None:
        """Add or replace, with its tags."""
        with _translated(), self._table.transact():
            self._table.set(_ENTRY + entry.key, entry.dumped())
            self._table.tag(entry.key, entry.tags)

    def drop(self, keys: Iterable[Key]) -> list[Entry]:
        """Remove entries in one transaction per batch; gives back those that were there."""
        wanted = list(keys)
        gone: list[Entry] = []
        with _translated():
            for start in range(0, len(wanted), _BATCH):
                with self._table.transact():
                    gone += [entry for key in wanted[start : start + _BATCH] if (entry := self._drop(key))]
        return gone

    def _drop(self, key: Key) -> Entry | None:
        record = self._table.pop(_ENTRY + key)
        self._table.tag(key, ())
        return load(record) if isinstance(record, bytes) else None

    def keys_tagged(self, tag: str) -> list[Key]:
        """Keys of all entries that carry a surrogate key."""
        with _translated():
            return [Key(key) for key in self._table.tagged(tag)]

    def keys_below(self, prefix: str) -> list[Key]:
        """Keys of all entries that start with `prefix`."""
        with _translated():
            return [Key(key.removeprefix(_ENTRY)) for key in self._table.below(_ENTRY + prefix)]

    def keys_of(self, key: Key) -> list[Key]:
        """Where entries of a key that viewers ask for are stored: under itself, and as `KEY#…`."""
        with _translated():
            places = [*self._table.exactly(_ENTRY + key), *self._table.below(f"{_ENTRY}{key}#")]
        return [Key(place.removeprefix(_ENTRY)) for place in places]

    def entries(self) -> Iterator[Entry]:
        """Every readable entry, oldest first. Nothing may be written until it ends."""
        with _translated():
            for record in self._table.records():
                entry = load(record)
                if entry is not None:
                    yield entry

    def number(self, name: str) -> float | None:
        """A number that was remembered under `name`."""
        with _translated():
            value = self._table.get(_META + name)
        return float(value) if isinstance(value, int | float) else None

    def remember(self, name: str, value: float) -> None:
        """Keep a number across restarts."""
        with _translated():
            self._table.set(_META + name, value)


def _after(prefix: str) -> str:
    """The smallest text above everything that starts with `prefix` (keys are ASCII)."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, diskcache.Timeout, OSError) as exc:
        raise Unavailable("the index of the cache does not work", cause=f"{type(exc).__name__}: {exc}") from exc
