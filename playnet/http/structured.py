"""Structured fields, as far as caching and players need them: dictionaries of items and inner lists. RFC 9651 §4.2.2.

Strict, as the specification demands: a field that does not parse as a whole is None, never half a dictionary.
Parameters are read and left out; byte sequences, dates and display strings have no meaning here.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_KEY: Final = re.compile(r"[a-z*][a-z0-9_.*-]*")
_NUMBER: Final = re.compile(r"-?(?:(?P<whole>\d{1,15})(?!\d)(?!\.)|\d{1,12}\.\d{1,3}(?!\d))")
_STRING: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")
_BOOLEAN: Final = re.compile(r"\?([01])")
_BYTES: Final = re.compile(r":[A-Za-z0-9+/=]*:")
_DATE: Final = re.compile(r"@-?\d{1,15}(?![\d.])")
_SPACE: Final = re.compile(r"[ \t]*")
_SPACES_ONLY: Final = re.compile(r" *")


@dataclass(frozen=True, slots=True)
class Token:
    """A bare word, as opposed to a string in quotes."""

    text: str


Bare = int | bool | str | Token | None  # None: of a kind that has no meaning here
Item = Bare | tuple[Bare, ...]


class _Malformed(Exception):
    pass


def parse_dictionary(lines: Iterable[str]) -> Mapping[str, Item] | None:
    """Members by key, the last of several counts; None when any line is malformed. Never raises."""
    text = ",".join(line for line in lines if line.strip(" ")).strip(" ")
    members: dict[str, Item] = {}
    position = 0
    try:
        while position < len(text):
            position = _member(text, position, members)
    except _Malformed:
        return None
    return members


def _member(text: str, position: int, members: dict[str, Item]) -> int:
    """Read one member and the comma behind it; gives the position of the next."""
    key, position = _matched(_KEY, text, position)
    value: Item = True
    if text.startswith("=", position):
        value, position = _value(text, position + 1)
    position = _parameters(text, position)
    members.pop(key, None)
    members[key] = value
    _, position = _matched(_SPACE, text, position)
    if position == len(text):
        return position
    if text[position] != ",":
        raise _Malformed
    _, position = _matched(_SPACE, text, position + 1)
    if position == len(text):
        raise _Malformed  # a comma at the end
    return position


def _value(text: str, position: int) -> tuple[Item, int]:
    if not text.startswith("(", position):
        return _item(text, position)
    members: list[Bare] = []
    position += 1
    while True:
        _, position = _matched(_SPACES_ONLY, text, position)
        if text.startswith(")", position):
            return tuple(members), position + 1
        member, position = _item(text, position)
        members.append(member)
        position = _parameters(text, position)
        if text[position : position + 1] not in {" ", ")"}:
            raise _Malformed


def _item(text: str, position: int) -> tuple[Bare, int]:
    for form in (_NUMBER, _STRING, _TOKEN, _BOOLEAN, _BYTES, _DATE):
        match = form.match(text, position)
        if match is not None:
            return _meaning(form, match), match.end()
    raise _Malformed


def _meaning(form: re.Pattern[str], match: re.Match[str]) -> Bare:
    if form is _NUMBER:
        return int(match[0]) if match["whole"] is not None else None
    if form is _STRING:
        return re.sub(r"\\(.)", r"\1", match[1])
    if form is _TOKEN:
        return Token(match[0])
    return match[1] == "1" if form is _BOOLEAN else None


def _parameters(text: str, position: int) -> int:
    while text.startswith(";", position):
        _, position = _matched(_SPACES_ONLY, text, position + 1)
        _, position = _matched(_KEY, text, position)
        if text.startswith("=", position):
            _, position = _item(text, position + 1)
    return position


def _matched(form: re.Pattern[str], text: str, position: int) -> tuple[str, int]:
    match = form.match(text, position)
    if match is None:
        raise _Malformed
    return match[0], match.end()
