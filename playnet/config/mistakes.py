"""What pydantic found wrong, in the words of the person who wrote the file. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .fields import setting_at
from .lines import Document

_LONGEST_SHOWN = 60


def mistakes(exc: ValidationError, document: Document, name: str) -> Iterator[str]:
    """One line each: `file:line: key = value: expected …`."""
    errors = exc.errors(include_url=False)
    paths = [error["loc"] for error in errors]
    for error in errors:
        path = error["loc"]
        if error["type"] == "too_short" and any(
            len(other) > len(path) and other[: len(path)] == path for other in paths
        ):
            continue  # pydantic does not count entries that are wrong themselves
        key = ".".join(map(str, path)) or "the file"
        yield f"{name}:{document.line(path)}: {key}{_shown(document, error)}: {_expected(error)}"


def _shown(document: Document, error: ErrorDetails) -> str:
    try:
        value: Any = document.at(error["loc"])
    except KeyError:
        return ""
    if isinstance(value, dict | list):
        return ""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return f" = {text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + '...'}"


def _expected(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden" | "invalid_key":
            return "there is no such setting (`playnet config reference` lists them all)"
        case "missing":
            return "is needed and not set"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            setting = setting_at(error["loc"])
            if setting is None:
                return "expected a mapping of sections"
            if error["loc"] and isinstance(error["loc"][-1], int):
                return "expected a mapping of settings"
            return f"expected {setting.wanted}"
