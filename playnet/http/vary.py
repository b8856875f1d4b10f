"""Which requests a stored response suits. RFC 9110 §12.5.5, RFC 9111 §4.1.

Selecting fields are compared in a normal form that keeps their meaning: lines combined, blanks around commas gone;
languages besides in lower case and in order of preference (RFC 9110 §12.5.4: order says nothing, weights do).
"""

from collections.abc import Iterable
from typing import Final

from .fields import Fields

# Names in order, each with its normal form; None for a field that the request lacked.
Selector = tuple[tuple[str, str | None], ...]

_PREFERENCES: Final = frozenset({"accept-language"})


def selector(response: Fields, request: Fields) -> Selector | None:
    """What the response was selected by; empty when it suits every request, None when it suits no other (`*`)."""
    names = varying(response)
    return None if "*" in names else selected_by(names, request)


def varying(response: Fields) -> tuple[str, ...]:
    """The names in Vary, sorted, each once."""
    return tuple(sorted(set(response.members("vary"))))


def selected_by(names: Iterable[str], request: Fields) -> Selector:
    """The request's values of these fields."""
    return tuple((name, normal(name, request.get(name))) for name in names)


def suits(stored: Selector, request: Fields) -> bool:
    """Whether a response with this selector may answer the request."""
    return all(normal(name, request.get(name)) == value for name, value in stored)


def normal(name: str, value: str | None) -> str | None:
    """A field's value in normal form; one with quoted strings stays as it is."""
    if value is None or '"' in value:
        return value
    members = [member.strip(" \t") for member in value.split(",")]
    if name in _PREFERENCES:
        members = sorted((_preference(member) for member in members if member), key=_by_weight)
    return ",".join(members)


def _preference(member: str) -> str:
    """A range and its weight without blanks, in lower case, a weight of 1 left out."""
    choice, *rest = "".join(member.lower().split()).split(";")
    weights = [part for part in rest if part not in {"q=1", "q=1.0", "q=1.00", "q=1.000"}]
    return ";".join((choice, *weights))


def _by_weight(preference: str) -> tuple[float, str]:
    _, _, weight = preference.partition(";q=")
    digits = weight.replace(".", "", 1)
    return (-float(weight) if digits.isascii() and digits.isdigit() else -1.0, preference)
