"""What to do for one key: the action, from what is stored and what was purged since. RFC 9111 §4, RFC 5861."""

from dataclasses import dataclass

from .entry import Entry


@dataclass(frozen=True, slots=True)
class Marks:
    """Purges of everything, as times: entries asked for at or before a mark are no longer fresh.

    `stale_before`: a soft purge of all, such entries may be served while they are revalidated.
    `validate_before`: purge orders were missed, such entries must be validated first.
    """

    stale_before: float = 0.0
    validate_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Serve:
    """Answer from the store. `refresh`: it is stale, revalidate behind the viewer's back (RFC 5861 §3)."""

    entry: Entry
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Revalidate:
    """Ask the origin whether the entry still holds. `may_serve_on_error`: RFC 5861 §4."""

    entry: Entry
    may_serve_on_error: bool


@dataclass(frozen=True, slots=True)
class Fetch:
    """Nothing usable is stored."""


@dataclass(frozen=True, slots=True)
class Bypass:
    """The viewer wants the origin's own answer, and nothing kept of it."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The viewer wants what is stored or nothing (RFC 9111 §5.2.1.7)."""


Action = Serve | Revalidate | Fetch | Bypass | Refuse

SOFT_PURGE_GRACE_S = 60.0  # softly purged entries without a grace of their own are served stale for so long


def decide(stored: Entry | None, *, marks: Marks, now: float) -> Action:
    """Choose for one GET or HEAD. Never raises."""
    if stored is None:
        return Fetch()
    life = stored.life
    if stored.requested_at <= marks.validate_before:
        return Revalidate(stored, may_serve_on_error=now < _stale_since(stored, marks, now) + life.sie_s)
    since = _stale_since(stored, marks, now)
    if now < since:
        return Serve(stored)
    purged_softly = since < life.fresh_until
    grace_s = max(life.swr_s, SOFT_PURGE_GRACE_S) if purged_softly and not life.must_revalidate else life.swr_s
    if now < since + grace_s:
        return Serve(stored, refresh=True)
    return Revalidate(stored, may_serve_on_error=now < since + life.sie_s)


def _stale_since(stored: Entry, marks: Marks, now: float) -> float:
    """When the entry stopped being fresh. An order counts at once, also if the clock was put back since."""
    orders = [mark for mark in (marks.stale_before, marks.validate_before) if stored.requested_at <= mark]
    if stored.soft_purged_at is not None:
        orders.append(stored.soft_purged_at)
    return min(stored.life.fresh_until, *(min(order, now) for order in orders)) if orders else stored.life.fresh_until
