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
    control = directives(response)
    return (
        status >= 200
        and status not in _OF_ONE_REQUEST
        and _is_allowed(control, status)
        and ("set-cookie" not in response or "set-cookie" in unshared(response))
        and not _ONE_VIEWER_EACH & set(varying(response))
        and ("authorization" not in request or _allows_authorized(control))
        and _has_a_future(status, response, negative_s)
    )


def unshared(response: Fields) -> frozenset[str]:
    """Fields that no-cache or private take out of what is stored, in lower case. §5.2.2.4, §5.2.2.7."""
    control = directives(response)
    return frozenset(control.names("no-cache")) | frozenset(control.names("private"))


def _is_allowed(control: CacheControl, status: int) -> bool:
    if "must-understand" in control:
        if status not in _UNDERSTOOD:
            return False
    elif "no-store" in control:
        return False
    return "private" not in control or bool(control.names("private"))


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
