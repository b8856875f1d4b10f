"""The index: entries by key and by tag in one SQLite file that diskcache keeps. Blocking; one thread owns it.

diskcache is used as decision 2 of the architecture says: no eviction policy of its own, JSON bytes as values, and a
Disk that neither writes nor reads pickle (CVE-2025-69872). Two tables of ours stand in the same file and change in the
same transactions: tags, and what a node must know of every entry when it starts (`sql/create_place.sql`).
"""

import json
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, assert_never

import diskcache

from edge.core.entry import Entry, load
from edge.core.key import Key
from playnet.db.statements import Statements
from playnet.errors import Unavailable
from playnet.http.vary import Selector
from playnet.logs import logger
from playnet.purge.order import PurgeOrder

log = logger(__name__)

_ENTRY: Final = "e:"
_META: Final = "m:"
_RAW: Final = 1  # diskcache's MODE_RAW: the value stands in the row itself
_TIMEOUT_S: Final = 2  # for somebody else's lock: a sqlite3 shell of an operator
_LAYOUT: Final = 2  # of the tables; an index of another one is begun anew: a cache may forget
_LAYOUT_NAME: Final = "layout"

_SQL: Final = Statements(Path(__file__).with_name("sql"))


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


@dataclass(frozen=True, slots=True)
class Place:
    """An entry as `list_places.sql` tells of it. `entry` is its number, in the order of arrival."""

    entry: int
    key: Key
    body: str
    size_bytes: int
    boot: int
    asked: float
    hot_until: float | None
    selector: Selector


@dataclass(frozen=True, slots=True)
class Left:
    """A body that no entry names any more."""

    body: str
    size_bytes: int


class _Table(diskcache.Cache):
    """diskcache with our tables beside its own."""

    def prepare(self) -> None:
        for name in ("create_place", "create_tag", "create_tag_by_entry"):
            self._sql(_SQL[name])

    def rows(self, name: str, *arguments: object) -> list[Any]:
        found: list[Any] = self._sql(_SQL[name], arguments).fetchall()
        return found

    def number(self, key: str) -> int:
        ((entry,),) = self.rows("find_entry", key)
        return int(entry)


class Index:
    """Entries of one node. Every method raises Unavailable when the disk or SQLite refuses."""

    def __init__(self, folder: Path) -> None:
        table: Any = _Table  # diskcache has no types
        with _translated():
            self._table = table(
                str(folder), timeout=_TIMEOUT_S, disk=PlainDisk, eviction_policy="none", cull_limit=0, statistics=0,
                tag_index=0, size_limit=1 << 60, disk_min_file_size=1 << 40, sqlite_auto_vacuum=0,
            )  # fmt: skip
            self._table.prepare()

    @classmethod
    def opened(cls, folder: Path) -> "Index":
        """Open, or begin anew when the file is no database, or of another layout. Raises Unavailable."""
        try:
            index = cls(folder)
            if index.number(_LAYOUT_NAME) == _LAYOUT:
                return index
            index.close()
        except Unavailable as exc:
            if not _is_damage(exc.__cause__):
                raise
            log.error("index.damaged", **exc.context)
        shutil.rmtree(folder, ignore_errors=True)
        index = cls(folder)
        index.remember(_LAYOUT_NAME, _LAYOUT)
        return index

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """One transaction around many changes."""
        with _translated(), self._table.transact():
            yield

    def close(self) -> None:
        """Close the thread's connection."""
        self._table.close()

    def get(self, key: Key) -> Entry | None:
        """The entry of a key."""
        with _translated():
            record = self._table.get(_ENTRY + key)
        return load(record) if isinstance(record, bytes) else None

    def put(self, entry: Entry, *, boot: int, hot_until: float | None) -> Left | None:
        """Add or replace with a new body; gives the one that stood there before."""
        with _translated(), self._table.transact():
            before = self._table.rows("show_place", _ENTRY + entry.key)
            number = self._record(entry)
            selector = json.dumps(entry.selector) if entry.selector else None
            self._table.rows(
                "put_place",
                number,
                entry.key,
                entry.body,
                entry.size_bytes,
                boot,
                entry.requested_at,
                hot_until,
                selector,
            )
        return Left(*before[0]) if before and before[0][0] != entry.body else None

    def update(self, entry: Entry, *, hot_until: float | None) -> bool:
        """A new record of the same body; False, and nothing changed, when another one or none stands there."""
        with _translated(), self._table.transact():
            before = self._table.rows("show_place", _ENTRY + entry.key)
            if not before or before[0][0] != entry.body:
                return False
            self._table.rows("update_place", entry.requested_at, hot_until, self._record(entry))
        return True

    def _record(self, entry: Entry) -> int:
        name = _ENTRY + entry.key
        self._table.set(name, entry.dumped())
        number: int = self._table.number(name)
        if [tag for (tag,) in self._table.rows("list_tags", number)] != sorted(entry.tags):
            self._table.rows("clear_tags", number)
            for tag in entry.tags:
                self._table.rows("add_tag", tag, number)
        return number

    def drop(self, keys: Sequence[Key]) -> list[Left]:
        """Remove entries in one transaction; gives their bodies. A caller with many of them comes with some at a time."""
        names = json.dumps([_ENTRY + key for key in keys])
        with _translated(), self._table.transact():
            gone = self._table.rows("drop_places", names)
            self._table.rows("drop_tags", names)
            self._table.rows("drop_records", names)
        return [Left(body, size_bytes) for body, size_bytes in gone]

    def soften(self, keys: Iterable[Key], at: float) -> None:
        """Mark entries that were asked for until `at` as purged softly, in one transaction."""
        with _translated(), self._table.transact():
            for key in keys:
                entry = self.get(key)
                if entry is not None and entry.requested_at <= at and entry.soft_purged_at is None:
                    number = self._record(replace(entry, soft_purged_at=at))
                    self._table.rows("update_place", entry.requested_at, None, number)

    def trust(self, entries: Iterable[int], boot: int) -> None:
        """These bodies were verified."""
        with _translated():
            self._table.rows("trust_places", boot, json.dumps(list(entries)))

    def meant(self, order: PurgeOrder, after: Any, length: int) -> tuple[list[Key], Any]:
        """A page of the keys of the entries that an order means, and where the next one begins. `after`: None at first."""
        with _translated():
            match order.kind:
                case "tag":
                    rows = self._table.rows("list_tagged", order.value, after or 0, length)
                    return [Key(key) for _, key in rows], rows[-1][0] if rows else after
                case "url":  # the key itself, then its variants and slices
                    if after is None and self._table.rows("find_entry", _ENTRY + order.value):
                        return [Key(order.value)], ""
                    return self._below(f"{order.value}#", after, length)
                case "prefix":
                    return self._below(order.value, after, length)
                case "all":
                    return self._below("/", after, length)
                case _:
                    assert_never(order.kind)

    def of(self, key: Key) -> list[Key]:
        """Where entries of a key that viewers ask for are stored: under itself, and as `KEY#…`."""
        with _translated():
            own = [key] if self._table.rows("find_entry", _ENTRY + key) else []
            return own + self._below(f"{key}#", None, -1)[0]

    def _below(self, prefix: str, after: Any, length: int) -> tuple[list[Key], Any]:
        first, end = _ENTRY + prefix, _after(_ENTRY + prefix)
        rows = self._table.rows("list_below", first, after or "", end, length)
        return [Key(name.removeprefix(_ENTRY)) for (name,) in rows], rows[-1][0] if rows else after

    def places(self) -> Iterator[Place]:
        """Every entry in the order of arrival. Nothing may be written until it ends."""
        with _translated():
            for number, key, body, size_bytes, boot, asked, hot_until, selector in self._table._sql(
                _SQL["list_places"]
            ):
                chosen = () if selector is None else tuple((name, value) for name, value in json.loads(selector))
                yield Place(number, Key(key), body, size_bytes, boot, asked, hot_until, chosen)

    def number(self, name: str) -> float | None:
        """A number that was remembered under `name`."""
        value = self._value(name)
        return float(value) if isinstance(value, int | float) else None

    def text(self, name: str) -> str | None:
        """A text that was remembered under `name`."""
        value = self._value(name)
        return value if isinstance(value, str) else None

    def _value(self, name: str) -> object:
        with _translated():
            value: object = self._table.get(_META + name)
        return value

    def remember(self, name: str, value: float | str) -> None:
        """Keep a number or a text across restarts."""
        with _translated():
            self._table.set(_META + name, value)


def _after(prefix: str) -> str:
    """The smallest text above everything that starts with `prefix` (keys are ASCII)."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _is_damage(cause: BaseException | None) -> bool:
    """Whether the file is no database any more: SQLITE_NOTADB, SQLITE_CORRUPT."""
    return type(cause) is sqlite3.DatabaseError


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, diskcache.Timeout, OSError) as exc:
        raise Unavailable("the index of the cache does not work", cause=f"{type(exc).__name__}: {exc}") from exc
