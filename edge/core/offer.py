"""What an origin's answer offers to a cache, and whether and in which form it is kept. Pure."""

from dataclasses import dataclass
from typing import Final

from playnet.http.fields import Fields
from playnet.http.ranges import ContentRange
from playnet.http.storability import why_not_storable

from .entry import Entry, Exchange
from .slices import Sliced, Window, answered, sliced, takes_ranges

ERRORS: Final = frozenset({500, 502, 503, 504})  # RFC 5861 §4


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept: nothing above `max_object_bytes`; errors that say nothing for `negative_s`; objects above
    `slice_bytes` in slices, and those that are read whole and often in one piece again, up to `joined_bytes`."""

    max_object_bytes: int
    negative_s: float = 0
    slice_bytes: int = 8 << 20
    joined_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """An answer. `exchange`: that of the whole, also where less comes. `part`: all that comes, None for the whole."""

    exchange: Exchange
    total_bytes: int | None
    part: ContentRange | None = None


def offered(exchange: Exchange, size_bytes: int | None, window: Window | None) -> Offer:
    """What an answer of `size_bytes` brings to a request for `window`."""
    brought = None if window is None else answered(window, exchange.status, exchange.fields, size_bytes)
    if brought is None:
        return Offer(exchange, size_bytes)
    is_all = brought.last - brought.first + 1 == brought.total_bytes
    return Offer(exchange.whole(), brought.total_bytes, None if is_all else brought)


def form_of(offer: Offer, window: Window | None, keeping: Keeping, *, now: float) -> Sliced | None:
    """How the object is cut; None when it is, or has to be, kept in one piece.

    One that came whole although a part was asked for stays so: its origin does not know ranges, or it is small.
    """
    fields = offer.exchange.fields
    if offer.total_bytes is None or offer.exchange.status != 200:
        return None
    if offer.part is None and (window is not None or not takes_ranges(fields)):
        return None
    return sliced(fields, total_bytes=offer.total_bytes, slice_bytes=keeping.slice_bytes, now=now)


def why_not_kept(offer: Offer, draft: Entry, *, asked: Fields, stored: Entry | None, keeping: Keeping) -> str | None:
    """Why the answer is not kept, and therefore not for everybody: forbidden, of no use, or too large. None: it is.

    `draft`: what would be stored of it. An error is not kept where the entry that it would replace may be served instead
    (RFC 5861 §4).
    """
    status, bound = offer.exchange.status, keeping.max_object_bytes
    if status in ERRORS and stored is not None and stored.life.sie_s > 0:
        return f"a {status}, while a stale answer may be served instead (RFC 5861 §4)"
    forbidden = why_not_storable(asked, status, offer.exchange.fields, negative_s=keeping.negative_s)
    if forbidden is not None:
        return forbidden
    if not (draft.life.is_ever_served_alone or draft.has_validator):
        return "it is stale at once and has no validator: it could never be served (RFC 9111 §4.3.1)"
    if offer.total_bytes is not None and offer.total_bytes > bound:
        return f"its {offer.total_bytes} bytes are more than the node keeps of one object ({bound})"
    if offer.part is not None and draft.sliced is None:
        return "it is larger than a slice, and no strong validator says which slices belong together (RFC 9110 §8.8.1)"
    return None
