"""The models read as a list of settings: what may stand there, in words. Pure.

Error messages, the reference file and the settings page all speak from here, so they cannot contradict the models.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types as bounds
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from .model import SHAPES, Config
from .units import Address, write_bitrate, write_duration, write_size

_UNITS = {write_size: "a size", write_bitrate: "a bit rate", write_duration: "a duration"}
_BOOL = {True: "true", False: "false"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of a section."""

    name: str
    wanted: str  # "a whole number from 1 to 64"
    reason: str
    needed: bool
    default: Any  # as written in YAML; None when there is none
    example: Any  # for a setting without default
    section: type[BaseModel] | None  # of a nested mapping, or of each entry of a list
    is_list: bool


@cache
def settings(model: type[BaseModel]) -> tuple[Setting, ...]:
    """The settings of one section, in the order of the model."""
    written = {} if _needs_values(model) else model().model_dump(mode="json", by_alias=True)
    return tuple(_setting(name, field, written) for name, field in model.model_fields.items())


def setting_at(path: Sequence[str | int]) -> Setting | None:
    """The setting that a path of keys and list indexes names, or None."""
    model: type[BaseModel] | None = Config
    found: Setting | None = None
    for step in path:
        if isinstance(step, int):
            continue
        if model is None:
            return None
        found = next((setting for setting in settings(model) if setting.name == step), None)
        model = found.section if found else None
    return found


def sections(model: type[BaseModel] = Config, path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Every section with its path (`edges[]` for the entries of a list), depth first, the whole file first."""
    yield path, model
    for setting in settings(model):
        if setting.section is not None:
            name = f"{setting.name}[]" if setting.is_list else setting.name
            yield from sections(setting.section, f"{path}.{name}" if path else name)


def _needs_values(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def _setting(name: str, field: FieldInfo, written: Mapping[str, Any]) -> Setting:
    kind, metadata = _kind(field)
    is_list = get_origin(kind) is tuple
    inner = get_args(kind)[0] if is_list else kind
    section = inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None
    default = written.get(name)
    if default is None and field.default is not PydanticUndefined:
        default = field.default
    return Setting(
        name=name,
        wanted=_wanted(kind, metadata),
        reason=field.description or (section.__doc__ if section else None) or "",
        needed=field.is_required(),
        default=default,
        example=field.examples[0] if field.examples else None,
        section=section,
        is_list=is_list,
    )


def _kind(field: FieldInfo) -> tuple[Any, list[Any]]:
    """The type without Optional and Annotated, and everything that was said about it."""
    kind: Any = field.annotation
    metadata: list[Any] = list(field.metadata)
    if get_origin(kind) in {Union, types.UnionType}:
        kind = next(arg for arg in get_args(kind) if arg is not type(None))
    if hasattr(kind, "__metadata__"):
        metadata += kind.__metadata__
        kind = kind.__origin__
    return kind, metadata


def _wanted(kind: Any, metadata: list[Any]) -> str:
    shape = next((SHAPES[item.pattern] for item in metadata if getattr(item, "pattern", None) in SHAPES), None)
    write = next((item.func for item in metadata if getattr(item, "func", None) in _UNITS), None)
    if shape is not None:
        return shape
    if write is not None:
        return _UNITS[write] + _between(metadata, write)
    if get_origin(kind) is Literal:
        return _choice([_BOOL[value] if isinstance(value, bool) else str(value) for value in get_args(kind)])
    if get_origin(kind) is tuple:
        return f"a list{_counted(metadata, 'entries')}"
    plain = {
        int: f"a whole number{_between(metadata, str)}",
        str: f"text{_counted(metadata, 'characters')}",
        bool: "true or false",
        Path: "a path",
        Address: "HOST:PORT",
    }
    return plain.get(kind, "a mapping of settings")


def _choice(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _between(metadata: list[Any], write: Any) -> str:
    low = next((item.ge for item in metadata if isinstance(item, bounds.Ge)), None)
    high = next((item.le for item in metadata if isinstance(item, bounds.Le)), None)
    step = next((f", a multiple of {item.multiple_of}" for item in metadata if isinstance(item, bounds.MultipleOf)), "")
    if low is not None and high is not None:
        return f" from {write(low)} to {write(high)}{step}"
    if low is not None:
        return f" of at least {write(low)}{step}"
    return (f" of at most {write(high)}" if high is not None else "") + step


def _counted(metadata: list[Any], what: str) -> str:
    low = next((item.min_length for item in metadata if isinstance(item, bounds.MinLen)), None)
    high = next((item.max_length for item in metadata if isinstance(item, bounds.MaxLen)), None)
    if high is None:
        return f" of at least {low} {what.removesuffix('s') if low == 1 else what}" if low is not None else ""
    return f" of {low or 0} to {high} {what}"
