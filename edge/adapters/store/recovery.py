"""What a node does with its folder before it serves: what the index says is compared with what stands there. Blocking.

The index is right about what exists where a body of the right size stands behind it. Whether it holds the right bytes
is certain as long as the host did not start anew meanwhile; after that each body is verified before it is used. Links
are right or missing at any instant, so that only those that ended must go before nginx may be asked.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge.core.decide import Marks
from edge.core.key import Key
from edge.core.variants import primary_of
from playnet.http.vary import Selector

from .bodies import Bodies
from .index import Index, Left, Place

_BOOT: Final = "boot"
_BOOT_ID: Final = "boot-id"
_SYSTEM_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_BATCH: Final = 1000


@dataclass(slots=True)
class Recovered:
    """What is there. `hot`: key -> until when its entry is fresh. `orphans`: bodies that no entry names."""

    boot: int
    sizes: dict[Key, int] = field(default_factory=dict)
    hot: dict[Key, float] = field(default_factory=dict)
    selectors: dict[Key, Selector] = field(default_factory=dict)
    unverified: list[tuple[Key, int]] = field(default_factory=list)
    orphans: list[Left] = field(default_factory=list)
    dropped: int = 0
    newest_asked: float = 0.0


def system_boot_id() -> str:
    """What is another after every start of the host; empty, and so never the same, where the kernel does not tell."""
    try:
        return _SYSTEM_BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def recover(index: Index, bodies: Bodies, *, boot_id: str, marks: Marks, now: float) -> Recovered:
    """Look at everything once. Raises Unavailable when the disk does not work."""
    found = Recovered(_boot(index, bodies, boot_id))
    standing = bodies.standing()
    lost: list[Key] = []
    ended: list[Key] = []
    hot: list[Place] = []
    newest: dict[Key, float] = {}
    for place in index.places():
        if standing.get(place.body) != place.size_bytes:
            lost.append(place.key)
            continue
        del standing[place.body]
        found.sizes[place.key] = place.size_bytes
        if place.boot != found.boot:
            found.unverified.append((place.key, place.entry))
        if place.selector:
            found.selectors[place.key] = place.selector
        primary = primary_of(place.key)
        newest[primary] = max(newest.get(primary, 0.0), place.asked)
        found.newest_asked = max(found.newest_asked, place.asked)
        if place.hot_until is not None:
            if _is_hot(place, marks, now):
                hot.append(place)
            else:
                ended.append(place.key)
    for place in hot:
        if place.asked < newest[place.key]:
            ended.append(place.key)  # a newer variant stands beside it: nginx cannot choose among them
        elif place.boot == found.boot:
            found.hot[place.key] = place.hot_until or 0.0
    for key in (*lost, *ended):
        bodies.unlink_hot(key)
    for start in range(0, len(lost), _BATCH):
        index.drop(lost[start : start + _BATCH])
    found.dropped = len(lost)
    found.orphans = [Left(body, size_bytes) for body, size_bytes in standing.items()]
    return found


def _is_hot(place: Place, marks: Marks, now: float) -> bool:
    """As `is_hot` decided when the entry was stored, and still."""
    return (
        place.hot_until is not None
        and now < place.hot_until
        and place.asked > max(marks.stale_before, marks.validate_before)
    )


def _boot(index: Index, bodies: Bodies, boot_id: str) -> int:
    """The number of this boot. If it is a new one nothing stays in the hot tree: nginx would verify nothing."""
    number = int(index.number(_BOOT) or 0)
    if not boot_id or index.text(_BOOT_ID) != boot_id:
        bodies.clear_hot()
        number += 1
        index.remember(_BOOT, number)
        index.remember(_BOOT_ID, boot_id)
    return number
