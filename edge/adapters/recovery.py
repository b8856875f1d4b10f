"""What a node does with its folder before it serves: index, bodies and hot tree are brought to agree. Blocking.

Whatever a crash left, the index is right about what exists only where a body of the right size stands behind it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge.core.decide import Marks
from edge.core.entry import Entry
from edge.core.hot import is_hot
from edge.core.key import Key
from playnet.http.vary import Selector

from .bodies import Bodies
from .index import Index


@dataclass(slots=True)
class Recovered:
    """What is there. `hot`: key -> until when its entry is fresh."""

    sizes: dict[Key, int] = field(default_factory=dict)
    hot: dict[Key, float] = field(default_factory=dict)
    selectors: dict[Key, Selector] = field(default_factory=dict)
    dropped: int = 0
    orphans: int = 0


def recover(index: Index, bodies: Bodies, *, marks: Marks, now: float) -> Recovered:
    """Reconcile everything. Raises Unavailable when the disk does not work. The hot tree is never emptied meanwhile."""
    found = Recovered()
    hot: dict[Key, Entry] = {}
    known: set[str] = set()
    lost: list[Key] = []
    for entry in index.entries():
        if bodies.size_bytes(entry.body) != entry.size_bytes:
            lost.append(entry.key)
            continue
        known.add(entry.body)
        found.sizes[entry.key] = entry.size_bytes
        if entry.selector:
            found.selectors[entry.key] = entry.selector
        if is_hot(entry, marks=marks, now=now):
            hot[entry.key] = entry
            found.hot[entry.key] = entry.life.fresh_until
    found.dropped = len(index.drop(lost))
    _reconcile_hot(bodies, hot)
    found.orphans = bodies.sweep(known)
    return found


def _reconcile_hot(bodies: Bodies, wanted: dict[Key, Entry]) -> None:
    standing: set[Key] = set()
    for key, path in _files(bodies.hot):
        entry = wanted.get(key)
        if entry is None or not _same_file(path, bodies.path(entry.body)):
            bodies.unlink_hot(key)
        else:
            standing.add(key)
    for key, entry in wanted.items():
        if key not in standing:
            bodies.link_hot(key, entry.body)


def _files(root: Path) -> Iterator[tuple[Key, Path]]:
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            yield Key(f"/{path.relative_to(root)}"), path


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
