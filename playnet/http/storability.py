"""What a shared cache may keep, and of that what this one does. RFC 9111 §3.

Stricter than the RFC: a response with Set-Cookie is shared only when it names that field in no-cache or private, so that
it is stored without (§5.2.2.4, §5.2.2.7); one that could never be served again without a whole new response is not kept.
"""

from typing import Final

from .cache_control import CacheControl
from .fields import Fields
from .freshness import directives, explicit_fresh_s, heuristic_fresh_s
from .vary import varying

# Final statuses whose caching rules this cache follows (must-understand, §5.2.2.3): all of RFC 9110 §15 but those below.
_UNDERSTOOD: Final = frozenset(
    {
        200, 201, 202, 203, 204, 300, 301, 302, 303, 307, 308, 400, 402, 403, 404, 405, 406, 408, 409, 410, 411, 413, 414,
        415, 417, 421, 422, 426, 500, 501, 502, 503, 504, 505,
    }
)  # fmt: skip
# Never stored: they belong to one request's conditions, ranges, credentials or connection, not to the resource.
_OF_ONE_REQUEST: Final = frozenset({206, 304, 401, 407, 412, 416})

# A response that varies by these has a variant per viewer, and their secrets would have to be kept to tell them apart.
_ONE_VIEWER_EACH: Final = frozenset({"*", "cookie", "authorization"})


def is_storable(request: Fields, status: int, response: Fields, *, negative_s: float = 0) -> bool:
    """Whether the response to a GET is kept for others. `request` holds what the origin was asked."""
    return why_not_storable(request, status, response, negative_s=negative_s) is None


def why_not_storable(request: Fields, status: int, response: Fields, *, negative_s: float = 0) -> str | None:
    """The first rule that forbids to keep the response, for people; None when it is kept."""
    control = directives(response)
    if status < 200 or status in _OF_ONE_REQUEST:
        return f"status {status} belongs to one request, not to the resource (RFC 9111 §3)"
    if "authorization" in request and not _allows_authorized(control):
        return (
            "the request was authorised, and no public, s-maxage or must-revalidate shares the answer (RFC 9111 §3.5)"
        )
    return _forbidden(control, status) or _useless(status, response, negative_s)


def _useless(status: int, response: Fields, negative_s: float) -> str | None:
    """Why nobody else could ever be served with it."""
    if "set-cookie" in response and "set-cookie" not in unshared(response):
        return 'it sets a cookie, and no no-cache="set-cookie" allows to keep it without (RFC 9111 §7.3)'
    own = _ONE_VIEWER_EACH & set(varying(response))
    if own:
        return f"it varies by {', '.join(sorted(own))}: one answer for each viewer (RFC 9111 §4.1)"
    if not _has_a_future(status, response, negative_s):
        return "it has neither a lifetime nor a validator: no max-age, Expires, ETag or Last-Modified (RFC 9111 §3)"
    return None


def unshared(response: Fields) -> frozenset[str]:
    """Fields that no-cache or private take out of what is stored, in lower case. §5.2.2.4, §5.2.2.7."""
    control = directives(response)
    return frozenset(control.names("no-cache")) | frozenset(control.names("private"))


def _forbidden(control: CacheControl, status: int) -> str | None:
    if "must-understand" in control:
        if status not in _UNDERSTOOD:
            return f"must-understand, and this cache has no rules for status {status} (RFC 9111 §5.2.2.3)"
    elif "no-store" in control:
        return "the origin says no-store (RFC 9111 §5.2.2.5)"
    if "private" in control and not control.names("private"):
        return "the origin says private (RFC 9111 §5.2.2.7)"
    return None


def _allows_authorized(control: CacheControl) -> bool:
    """§3.5."""
    return any(name in control for name in ("public", "s-maxage", "must-revalidate"))


def _has_a_future(status: int, response: Fields, negative_s: float) -> bool:
    """A lifetime, explicit or guessed, or a validator with which it can be asked for again. §3, last list."""
    if explicit_fresh_s(response) is not None:
        return True
    if heuristic_fresh_s(status, response, negative_s=negative_s) is not None:
        return True
    return status == 200 and ("etag" in response or "last-modified" in response)
