"""Who may have a response: `PlayNet-Access: token` of an origin closes it to everybody without a valid playback token.

The field is stored with all others, so that a 304 or a HEAD replaces it as any other, and leaves only through
`released`. Such a response says `private` to the caches of others and speaks to nodes by a targeted field, which stays
between nodes, too. Any value but `public` closes: what a newer origin might say must not open anything here.
"""

from enum import Enum
from typing import Final

from playnet.http.fields import Fields
from playnet.tokens.refusal import TokenNeeded

ACCESS: Final = "playnet-access"
OUR_TARGET: Final = "playnet-cdn-cache-control"  # how long nodes keep what nobody else may keep, RFC 9213
PUBLIC: Final = "public"

# As for media (edge/core/hot.py): scripts of other origins are to see why.
REFUSAL_FIELDS: Final = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "Cache-Status"),
)
# A refused preflight would hide the refusal from the player (Fetch standard, CORS-preflight fetch): it is allowed to ask.
PREFLIGHT_FIELDS: Final = (
    ("access-control-allow-origin", "*"),
    ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
    ("access-control-allow-headers", "*"),
    ("cache-control", "no-store"),
)


class Access(Enum):
    """What a request may have."""

    PUBLIC = "public"
    ENTITLED = "entitled"  # its token is valid for this path
    NODE = "node"  # a proven node of the fleet, which keeps to the rules itself and so has to know them


def is_sealed(fields: Fields) -> bool:
    """Whether these fields of a response close it."""
    return any(value.strip().lower() != PUBLIC for value in fields.all(ACCESS))


def lapsed(news: Fields) -> frozenset[str]:
    """Stored fields that end with the news of a 304: what was said for the time while it was private."""
    return frozenset({OUR_TARGET}) if ACCESS in news and not is_sealed(news) else frozenset()


def released(fields: Fields, access: Access) -> Fields:
    """The fields that this asker gets. Raises TokenNeeded."""
    if access is Access.NODE:
        return fields
    if not is_sealed(fields):
        return fields.without([ACCESS])
    if access is Access.PUBLIC:
        raise TokenNeeded("this is private: it is played by the address that the API gives out")
    return fields.without([ACCESS, OUR_TARGET])
