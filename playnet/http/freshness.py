"""Freshness and age in a shared cache. RFC 9111 §4.2; RFC 5861. The clock is an argument.

Departures, on purpose:
- `s-maxage` forbids stale answers by implying proxy-revalidate (RFC 9111 §5.2.2.10), unless the same response grants
  them with stale-while-revalidate or stale-if-error. Origins send both together and mean it.
- An Age that is not one non-negative integer makes the response stale at once, where RFC 9111 §5.1 would guess: somebody
  on the way kept it for a time that we don't know, and asking again is always right.
"""

from dataclasses import dataclass
from typing import Final

from .cache_control import CacheControl, parse_cache_control
from .dates import parse_date
from .fields import Fields
from .targeted import targeted

# RFC 9110 §15.1: statuses whose responses may be reused without being told for how long.
HEURISTIC: Final = frozenset({200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501})
_HEURISTIC_SHARE: Final = 0.1  # of the time since Last-Modified, RFC 9111 §4.2.2
_HEURISTIC_MAX_S: Final = 86_400.0  # above a day nobody trusts a guess


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

    @property
    def is_ever_served_alone(self) -> bool:
        """Whether there is a moment, also in future, at which it is served without a validation that succeeded."""
        return max(0.0, self.fresh_s - self.initial_age_s) + self.swr_s + self.sie_s > 0


def directives(fields: Fields) -> CacheControl:
    """What governs this cache: the targeted field that names us, else Cache-Control. RFC 9213 §2.2."""
    return targeted(fields) or parse_cache_control(fields.all("cache-control"))


def explicit_fresh_s(response: Fields, *, now: float = 0) -> float | None:
    """Freshness lifetime by s-maxage, max-age, Expires in this order; None when nothing says. RFC 9111 §4.2.1."""
    control = directives(response)
    for name in ("s-maxage", "max-age"):
        seconds = control.seconds(name)
        if seconds is not None:
            return seconds
    if "expires" not in response or targeted(response) is not None:
        return None
    expires, date = parse_date(response.get("expires"), now=now), parse_date(response.get("date"), now=now)
    if expires is None:
        return 0  # RFC 9111 §5.3: also "0"
    return max(0, expires - (date if date is not None else int(now)))


def heuristic_fresh_s(status: int, response: Fields, *, now: float = 0, negative_s: float = 0) -> float | None:
    """A guess from Last-Modified; None where none may be made. RFC 9111 §4.2.2.

    `negative_s`: the guess for an error of these statuses without Last-Modified, so that what is not there is not asked
    for by everybody. Other errors (5xx) may never be guessed at.
    """
    if status not in HEURISTIC and "public" not in directives(response):
        return None
    modified = parse_date(response.get("last-modified"), now=now)
    if modified is None:
        return negative_s if negative_s > 0 and status in HEURISTIC and status >= 400 else None
    date = parse_date(response.get("date"), now=now)
    since_s = max(0.0, (date if date is not None else now) - modified)
    return min(since_s * _HEURISTIC_SHARE, _HEURISTIC_MAX_S)


def lifetime(
    response: Fields, *, requested_at: float, received_at: float, status: int = 200, negative_s: float = 0
) -> Lifetime:
    """The clockwork of a response that is about to be stored."""
    control = directives(response)
    validates_always = "no-cache" in control and not control.names("no-cache")
    forbidden = validates_always or "must-revalidate" in control or "proxy-revalidate" in control
    fresh_s = explicit_fresh_s(response, now=received_at)
    if fresh_s is None:
        fresh_s = heuristic_fresh_s(status, response, now=received_at, negative_s=negative_s) or 0
    if validates_always or told_age_s(response) is None:
        fresh_s = 0
    return Lifetime(
        received_at=received_at,
        initial_age_s=initial_age_s(response, requested_at=requested_at, received_at=received_at),
        fresh_s=fresh_s,
        swr_s=0 if forbidden else control.seconds("stale-while-revalidate") or 0,
        sie_s=0 if forbidden else control.seconds("stale-if-error") or 0,
        must_revalidate=forbidden,
    )


def told_age_s(response: Fields) -> int | None:
    """The value of Age, 0 without the field, None when it is not one non-negative integer. RFC 9111 §5.1."""
    text = response.get("age")
    if text is None:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def initial_age_s(response: Fields, *, requested_at: float, received_at: float) -> float:
    """corrected_initial_age, RFC 9111 §4.2.3."""
    date = parse_date(response.get("date"), now=received_at)
    apparent = max(0.0, received_at - date) if date is not None else 0.0
    return max(apparent, (told_age_s(response) or 0) + max(0.0, received_at - requested_at))
