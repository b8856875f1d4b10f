"""What is generated from the models: the reference file, the settings page, the JSON Schema. Pure.

`python -m playnet.config` writes the first two into the checkout; a test compares.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from .fields import Setting, sections, settings
from .model import Config

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z0-9./][A-Za-z0-9./_:-]*")

_REFERENCE_HEAD = """\
# Every setting of PlayNet, with its default. Generated from playnet/config/model.py: `playnet config reference`.
#
# A file of yours holds only what differs. `#name: value` (no space behind the #) is a setting without a default;
# the value is an example. Sizes are in B, KiB, MiB, GiB, TiB; bit rates in kbps, Mbps; durations in ms, s, min, h, d.
# Relative paths start at the file's folder; DATA_DIR stands for `data_dir`. Check a file: `playnet config check FILE`.
"""
_PAGE_HEAD = """\
# Settings

One YAML file describes the whole appliance; every host of a fleet reads the same one. It holds only what differs from
the defaults below. `playnet config check FILE` names every mistake with its line. A commented file with all of this is
[configs/reference.yaml](../configs/reference.yaml).

Sizes are written in B, KiB, MiB, GiB, TiB, bit rates in kbps, Mbps, durations in ms, s, min, h, d; a number without
its unit is refused. Relative paths start at the file's folder. Secrets stand in files of their own, never here.

This page is generated from `playnet/config/model.py` by `python -m playnet.config`.
"""


def reference_yaml() -> str:
    """A commented YAML file that equals `Config()`."""
    return _REFERENCE_HEAD + "\n" + "\n".join(_section(Config, "", "", _defaults())).lstrip("\n") + "\n"


def json_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Config.model_json_schema()}


def settings_markdown() -> str:
    """The page for docs/: one table for each section."""
    parts = [_PAGE_HEAD]
    for path, model in sections():
        title = f"`{path}`" if path else "The file"
        rows = "\n".join(_row(setting) for setting in settings(model))
        head = "| setting | default | allowed | meaning |\n|---|---|---|---|"
        parts.append(f"## {title}\n\n{model.__doc__}\n\n{head}\n{rows}\n")
    return "\n".join(parts)


def _defaults() -> Mapping[str, Any]:
    defaults: Mapping[str, Any] = Config().model_dump(mode="json")
    return defaults


def _section(model: type[BaseModel], indent: str, mark: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Lines of one mapping. `mark` is `#` inside a section that is only an example."""
    for setting in settings(model):
        if not indent:
            yield ""
        yield from _comment(setting, indent)
        value = values.get(setting.name)
        if setting.is_list and setting.section is not None and not value:
            yield f"{indent}#{setting.name}:"
            yield from _example(setting.section, indent + "  ")
        elif setting.is_list and setting.section is not None:
            yield f"{indent}{mark}{setting.name}:"
            yield from _entries(setting.section, indent + "  ", mark, value or ())
        elif setting.section is not None:
            inner = mark if value is not None else "#"
            yield f"{indent}{inner}{setting.name}:"
            yield from _section(setting.section, indent + "  ", inner, value or {})
        elif value is None and setting.default is None:
            yield f"{indent}#{setting.name}: {_scalar(setting.example)}"
        else:
            yield f"{indent}{mark}{setting.name}: {_scalar(setting.default if value is None else value)}"


def _entries(model: type[BaseModel], indent: str, mark: str, entries: Any) -> Iterator[str]:
    """The first entry with comments, the others bare."""
    for number, entry in enumerate(entries):
        if number == 0:
            lines = list(_section(model, indent + "  ", mark, entry))
            first = next(at for at, line in enumerate(lines) if not line.lstrip().startswith("#"))
            lines[first] = f"{indent}- {lines[first].lstrip()}"
            yield from lines
        else:
            pairs = [f"{key}: {_scalar(value)}" for key, value in entry.items() if value is not None]
            yield f"{indent}{mark}- {pairs[0]}"
            yield from (f"{indent}  {mark}{pair}" for pair in pairs[1:])


def _example(model: type[BaseModel], indent: str) -> Iterator[str]:
    """An entry that could be there, all of it commented out."""
    lines = list(_section(model, indent + "  ", "#", {}))
    first = next(at for at, line in enumerate(lines) if not line.lstrip().startswith("# "))
    lines[first] = f"{indent}#- {lines[first].lstrip().removeprefix('#')}"
    yield from lines


def _comment(setting: Setting, indent: str) -> Iterator[str]:
    words = setting.reason.strip()
    if setting.section is None or setting.is_list:
        needed = ", needed" if setting.needed else ""
        words += f" [{setting.wanted}{needed}]"
    yield from textwrap.wrap(
        words, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_on_hyphens=False
    )


def _scalar(value: Any) -> str:
    """One value in flow style; quotes only where YAML needs them."""
    if isinstance(value, list):
        return f"[{', '.join(_scalar(item) for item in value)}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def _row(setting: Setting) -> str:
    name = f"{setting.name}[]" if setting.is_list and setting.section else setting.name
    if setting.needed:
        default = "needed"
    elif setting.section is not None and not setting.is_list:
        default = "" if setting.default is not None else "none"
    elif setting.section is not None:
        default = f"{len(setting.default)} entries"
    else:
        default = "none" if setting.default is None else f"`{_scalar(setting.default)}`"
    cells = (f"`{name}`", default, setting.wanted, setting.reason)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
