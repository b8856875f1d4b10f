"""What players tell in CMCD (CTA-5004 and its second version): here, which objects they will ask for next. Pure.

The data come in the header field CMCD-Request or in the query argument CMCD, as one structured dictionary each.
"""

from typing import Final
from urllib.parse import unquote

from playnet.http.structured import Item, parse_dictionary

FIELD: Final = "cmcd-request"
ARGUMENT: Final = "CMCD"
_MAX_TEXT: Final = 2048


def argument(query: str) -> str:
    """The data in a query string; empty when there are none."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if unquote(name) == ARGUMENT:
            return unquote(value)
    return ""


def next_objects(text: str) -> tuple[str, ...]:
    """References in `nor`, relative to the object asked for: one, or in the second version a list. Never raises.

    `nrr`, the range of the next request, needs no reading: what players take by ranges is cached by slices, and of one
    object the next slice is not the next object.
    """
    if len(text) > _MAX_TEXT:
        return ()
    told: Item = (parse_dictionary([text]) or {}).get("nor")
    named = told if isinstance(told, tuple) else (told,)
    return tuple(unquote(reference) for reference in named if isinstance(reference, str))
