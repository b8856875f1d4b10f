"""Cache control for caches like this one, apart from what everybody else obeys. RFC 9213.

Where a targeted field is present and well-formed it governs alone: Cache-Control and Expires say nothing then. One that
is empty or malformed is as good as absent (§2.1, §2.2). The field stays in the response: caches behind us are CDNs, too.
"""

from typing import Final

from .cache_control import CacheControl
from .fields import Fields
from .structured import Item, Token, parse_dictionary

TARGETS: Final = ("playnet-cdn-cache-control", "cdn-cache-control")  # the most specific first, §2.2


def targeted(response: Fields) -> CacheControl | None:
    """The directives of the first target that speaks to us."""
    for name in TARGETS:
        if name in response:
            members = parse_dictionary(response.all(name))
            if members:
                return CacheControl({key: _argument(value) for key, value in members.items() if value is not False})
    return None


def _argument(value: Item) -> str | None:
    """As in Cache-Control; numbers of seconds are integers (§2.1), and what is none counts as 0 there."""
    match value:
        case Token(text):
            return text
        case bool() | tuple() | None:
            return None
        case _:
            return str(value)
