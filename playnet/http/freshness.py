"""Storability and freshness in a shared cache. RFC 9111 §3, §4.2; RFC 5861. The clock is an argument.

Departure, on purpose: `s-maxage` forbids stale answers by implying proxy-revalidate (RFC 9111 §5.2.2.10), unless
the same response grants them with stale-while-revalidate or stale-if-error. Origins send both together and mean it.
"""

from dataclasses import dataclass
from typing import Final

from .cache_control import CacheControl, parse_cache_control
from .dates import parse_date
from .fields import Fields

# Final status codes whose meaning this cache knows (RFC 9111 §3) and keeps whole. 206 and 304 are never stored as such.
UNDERSTOOD: Final = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a stored response may be used. Times are those of the clock that was passed in."""

    received_at: float
    initial_age_s: float
    fresh_s: float
    swr_s: float = 0
    sie_s: float = 0
    must_revalidate: bool = False

    def age_s(self, now: float) -> float:
        """current_age, RFC 9111 §4.2.3."""
        return self.initial_age_s + max(0.0, now - self.received_at)

    @property
    def fresh_until(self) -> float:
        return self.received_at - self.initial_age_s + self.fresh_s


def directives(fields: Fields) -> CacheControl:
    """The Cache-Control of a message."""
    return parse_cache_control(fields.all("cache-control"))


def is_storable(request: Fields, status: int, response: Fields) -> bool:
    """Whether a shared cache may keep the response to a GET, and this one does. RFC 9111 §3.

    Stricter than the RFC: Set-Cookie is never shared, heuristic freshness (§4.2.2) is not used, and of the responses
    that vary only those stay that vary by Accept-Encoding while not being encoded (identity suits every viewer).
    """
    control = directives(response)
    return (
        status in UNDERSTOOD
        and not {"no-store", "private", "no-cache"} & set(control.directives)
        and "set-cookie" not in response
        and "content-range" not in response
        and _is_one_variant(response)
        and ("authorization" not in request or _allows_authorized(control))
        and fresh_s(response) is not None
    )


def _is_one_variant(response: Fields) -> bool:
    varies = set(response.members("vary"))
    return not varies or (varies == {"accept-encoding"} and "content-encoding" not in response)


def _allows_authorized(control: CacheControl) -> bool:
    """RFC 9111 §3.5."""
    return any(name in control for name in ("public", "s-maxage", "must-revalidate"))


def fresh_s(response: Fields, *, now: float = 0) -> float | None:
    """Freshness lifetime by s-maxage, max-age, Expires in this order; None when nothing says. RFC 9111 §4.2.1."""
    control = directives(response)
    for name in ("s-maxage", "max-age"):
        seconds = control.seconds(name)
        if seconds is not None:
            return seconds
    if "expires" not in response:
        return None
    expires, date = parse_date(response.get("expires"), now=now), parse_date(response.get("date"), now=now)
    return max(0, expires - (now if date is None else date)) if expires is not None else 0  # §5.3: invalid is past


def lifetime(response: Fields, *, requested_at: float, received_at: float) -> Lifetime:
    """The clockwork of a response that is about to be stored."""
    control = directives(response)
    forbidden = any(name in control for name in ("must-revalidate", "proxy-revalidate", "no-cache"))
    return Lifetime(
        received_at=received_at,
        initial_age_s=initial_age_s(response, requested_at=requested_at, received_at=received_at),
        fresh_s=fresh_s(response, now=received_at) or 0,
        swr_s=0 if forbidden else control.seconds("stale-while-revalidate") or 0,
        sie_s=0 if forbidden else control.seconds("stale-if-error") or 0,
        must_revalidate=forbidden,
    )


def initial_age_s(response: Fields, *, requested_at: float, received_at: float) -> float:
    """corrected_initial_age, RFC 9111 §4.2.3."""
    date = parse_date(response.get("date"), now=received_at)
    apparent = max(0.0, received_at - date) if date is not None else 0.0
    ages = response.all("age")
    text = ages[0].partition(",")[0].strip() if ages else ""  # §5.1: the first of several counts
    told = int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else 0
    return max(apparent, told + max(0.0, received_at - requested_at))
