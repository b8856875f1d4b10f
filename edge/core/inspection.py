"""What a node knows of one URL, as JSON and in a sentence: is it cached, as what, and if not, why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from playnet.http.dates import format_date

from .causes import Cause, stale_cause
from .decide import Marks, Revalidate, Serve, decide
from .entry import Entry
from .hot import why_not_hot
from .key import Key
from .slices import is_slice

MAX_SHOWN: Final = 100  # of the entries of one URL: an object of many slices tells the same of each

_WHY: Final = {
    Cause.COLD: "nobody has asked this node for it since it started, as far as it remembers",
    Cause.EXPIRED: "it was no longer fresh",
    Cause.EVICTED: "it made room for others, or its file was lost",
    Cause.PURGED: "it was purged",
    Cause.UNCACHEABLE: "the newest answer was not kept",
    Cause.BYPASS: "it was asked for in a way that no stored answer may serve",
}


@dataclass(frozen=True, slots=True)
class Filling:
    """An exchange under way. `total_bytes`: None while unknown."""

    place: Key
    received_bytes: int
    total_bytes: int | None
    viewers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that a node has about a key. `linked`: places in the hot tree; `in_memory`: places of the memory tier.

    `apart_s`: for how long answers will still be fetched by each viewer alone; 0 when they are shared.
    """

    node: str
    key: Key
    now: float
    marks: Marks
    cause: Cause
    refusal: str | None
    apart_s: float
    entries: Sequence[Entry]
    linked: frozenset[Key]
    in_memory: frozenset[Key]
    fillings: Sequence[Filling]


def report(facts: Facts) -> dict[str, Any]:
    """The whole answer of `/debug/entry`."""
    is_cached = bool(facts.entries)
    return {
        "node": facts.node,
        "key": facts.key,
        "cached": is_cached,
        "verdict": _verdict(facts),
        "cause": None if is_cached else facts.cause,
        "refusal": facts.refusal,
        "apart_s": round(facts.apart_s, 1),
        "stored_bytes": sum(entry.size_bytes for entry in facts.entries),
        "entries_total": len(facts.entries),
        "entries": [_shown(entry, facts) for entry in facts.entries[:MAX_SHOWN]],
        "fills": [
            {
                "place": fill.place,
                "received_bytes": fill.received_bytes,
                "total_bytes": fill.total_bytes,
                "viewers": fill.viewers,
            }
            for fill in facts.fillings
        ],
    }


def _shown(entry: Entry, facts: Facts) -> dict[str, Any]:
    now, life = facts.now, entry.life
    return {
        "place": entry.key,
        "kind": _kind(entry),
        "varies_by": dict(entry.selector),
        "status": entry.status,
        "size_bytes": entry.size_bytes,
        "tags": list(entry.tags),
        "age_s": int(life.age_s(now)),
        "fresh_until": format_date(life.fresh_until),
        "fresh_for_s": int(life.fresh_until - now),
        "next_use": _next_use(entry, facts),
        "tier": _tier(entry, facts),
        "not_hot_because": None if is_slice(entry.key) else why_not_hot(entry, marks=facts.marks, now=now),
    }


def _kind(entry: Entry) -> str:
    if is_slice(entry.key):
        return "slice"
    if entry.sliced is not None:
        return "head"
    return "variant" if entry.selector else "whole"


def _tier(entry: Entry, facts: Facts) -> str:
    if entry.key in facts.linked:
        return "hot"
    return "memory" if entry.key in facts.in_memory else "disk"


def _next_use(entry: Entry, facts: Facts) -> str:
    match decide(entry, marks=facts.marks, now=facts.now):
        case Serve(_, refresh=False):
            return "served"
        case Serve():
            return "served stale, and revalidated behind it"
        case Revalidate():
            why = stale_cause(entry, marks=facts.marks, now=facts.now)
            return f"revalidated first ({why})"
        case _:
            return "fetched"


def _verdict(facts: Facts) -> str:
    if facts.entries:
        return _of_stored(facts)
    if facts.fillings:
        return "not cached yet: it is being fetched now"
    if facts.apart_s > 0:
        because = f": {facts.refusal}" if facts.refusal else ""
        return f"not cached: the newest answer was for one viewer only{because}"
    if facts.refusal is not None:
        return f"not cached: the newest answer was not kept: {facts.refusal}"
    return f"not cached: {_WHY[facts.cause]}"


def _of_stored(facts: Facts) -> str:
    own = [entry for entry in facts.entries if not is_slice(entry.key)]
    if not own:
        return "not cached: slices without their head, which will be fetched"
    if len(own) > 1:
        return (
            f"cached, as {len(own)} variants: the least fresh is {_next_use(_least_fresh(own), facts)} at its next use"
        )
    (entry,) = own
    if entry.key in facts.linked:
        return "cached, and served by nginx alone from the hot tree"
    if entry.sliced is None:
        return f"cached, and {_next_use(entry, facts)} at its next use"
    places = set(entry.slice_keys)
    here = sum(stored.key in places for stored in facts.entries)
    return f"cached in slices, of which {here} of {entry.sliced.count} are here, and {_next_use(entry, facts)} at its next use"


def _least_fresh(entries: Sequence[Entry]) -> Entry:
    return min(entries, key=lambda entry: entry.life.fresh_until)
