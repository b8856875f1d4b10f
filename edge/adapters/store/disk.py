"""Index, bodies and links as one thing, for the one thread that changes them. Blocking.

Each method is one job: it leaves the three in agreement, or with a link too few or a body too many, which a start mends.
"""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.core.access import is_sealed
from edge.core.decide import Marks
from edge.core.entry import Entry
from edge.core.key import Key
from edge.core.variants import primary_of
from playnet.errors import PlayNetError, StorageFull, Unavailable
from playnet.purge.order import PurgeOrder

from .bodies import Bodies, Temp
from .index import Index, Left
from .recovery import Recovered, recover

_STALE_BEFORE: Final = "stale-before"
_VALIDATE_BEFORE: Final = "validate-before"
_POSITION: Final = "purge-position"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a start finds: the marks of purges of everything, and what is stored."""

    marks: Marks
    found: Recovered


class Disk:
    """`is_linked` tells whether a key belongs into the hot tree now; `refused` hears of links that could not be made,
    `left` of bodies that no entry names any more."""

    def __init__(
        self, bodies: Bodies, is_linked: Callable[[Key], bool], refused: Callable[[PlayNetError], None],
        left: Callable[[list[Left]], None],
    ) -> None:  # fmt: skip
        self._bodies, self._is_linked, self._refused, self._left = bodies, is_linked, refused, left
        self._index: Index | None = None
        self._boot = 0

    @property
    def index(self) -> Index:
        """Raises Unavailable while it is not open."""
        if self._index is None:
            raise Unavailable("the index of the cache is not open")
        return self._index

    def open(self, folder: Path, *, boot_id: str, marks: Marks, now: float) -> Opening:
        """Open the index and compare everything. `marks`: what is known of them already."""
        self._bodies.empty_temp()
        return self._opened(folder, boot_id=boot_id, marks=marks, now=now)

    def _opened(self, folder: Path, *, boot_id: str, marks: Marks, now: float) -> Opening:
        index = self._index = Index.opened(folder / "index")
        stale, validate = index.number(_STALE_BEFORE) or 0.0, index.number(_VALIDATE_BEFORE) or 0.0
        marks = Marks(max(stale, marks.stale_before), max(validate, marks.validate_before))
        found = recover(index, self._bodies, boot_id=boot_id, marks=marks, now=now)
        self._boot = found.boot
        return Opening(marks, found)

    def reopen(self, folder: Path, *, boot_id: str, marks: Marks, now: float) -> Opening:
        """As `open`, after the disk was away or broken: nobody knows what of the last writes it has.

        Bodies that arrive go on to do so.
        """
        self.close()
        self._bodies.find_again()
        opening = self._opened(folder, boot_id="", marks=marks, now=now)  # as if the host had started anew
        self.index.remember("boot-id", boot_id)
        proof = self._bodies.create()  # new bodies can stand here, too
        os.close(proof.fd)
        self._bodies.discard(proof)
        return opening

    def close(self) -> None:
        """Close the index."""
        if self._index is not None:
            self._index.close()
            self._index = None

    # --- entries

    def get(self, key: Key) -> Entry | None:
        """The entry of a key."""
        return self.index.get(key)

    def publish(self, entry: Entry, temp: Temp, hot_until: float | None) -> None:
        """Store a complete body under its entry."""
        self._bodies.publish(temp, entry.modified_s)
        try:
            self._bodies.unlink_hot(primary_of(entry.key))
            replaced = self.index.put(entry, boot=self._boot, hot_until=hot_until)
        except (Unavailable, StorageFull):
            self._bodies.remove(entry.body)
            raise
        if replaced is not None:
            self._left([replaced])
        self._link(entry, hot_until)

    def update(self, entry: Entry, hot_until: float | None, expected: Entry | None) -> bool:
        """A new record of a stored body. No effect when another body stands there, or a record that is not `expected`."""
        if expected is not None and self.index.get(entry.key) != expected:
            return False
        if hot_until is None or is_sealed(entry.fields):  # before the record says so: a crash must not leave it public
            self._bodies.unlink_hot(primary_of(entry.key))
        if not self.index.update(entry, hot_until=hot_until):
            return False
        self._link(entry, hot_until)
        return True

    def drop(self, keys: list[Key]) -> None:
        """Forget entries, links first."""
        self.unlink(keys)
        self._left(self.index.drop(keys))

    def soften(self, keys: list[Key], at: float) -> None:
        """Mark entries as purged softly, links first."""
        self.unlink(keys)
        self.index.soften(keys, at)

    def trust(self, entries: list[int]) -> None:
        """These bodies were verified during this boot."""
        self.index.trust(entries, self._boot)

    # --- links

    def unlink(self, keys: Collection[Key]) -> None:
        """Take keys out of the hot tree."""
        for key in keys:
            self._bodies.unlink_hot(key)

    def unlink_strangers(self, keys: Collection[Key]) -> None:
        """Take those out that do not belong there."""
        self.unlink([key for key in keys if not self._is_linked(key)])

    def relink(self, keys: Collection[Key]) -> None:
        """Make missing links of those that do."""
        for key in keys:
            entry = self.index.get(key) if self._is_linked(key) else None
            if entry is not None:
                self._link(entry, entry.life.fresh_until)

    def _link(self, entry: Entry, hot_until: float | None) -> None:
        if hot_until is None:
            return
        try:
            self._bodies.link_hot(entry.key, entry.body, sealed=is_sealed(entry.fields))
        except (Unavailable, StorageFull) as exc:  # another key's folder stands there, or the disk is full
            self._refused(exc)
            self._bodies.unlink_hot(entry.key)

    # --- purges

    def meant(self, order: PurgeOrder, after: Any, length: int) -> tuple[list[Key], Any]:
        """See `Index.meant`."""
        return self.index.meant(order, after, length)

    def places_of(self, key: Key) -> list[Key]:
        """See `Index.of`."""
        return self.index.of(key)

    def mark(self, marks: Marks) -> None:
        """Keep the marks across restarts."""
        self.index.remember(_STALE_BEFORE, marks.stale_before)
        self.index.remember(_VALIDATE_BEFORE, marks.validate_before)

    def position(self) -> int:
        """How far the purge log was applied."""
        return int(self.index.number(_POSITION) or 0)

    def remember_position(self, position: int) -> None:
        """Keep it across restarts."""
        self.index.remember(_POSITION, position)
