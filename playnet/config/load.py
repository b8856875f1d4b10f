"""YAML file in, frozen `Config` out; or every mistake with file, line, key, value and what was expected."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from playnet.errors import ConfigError

from .model import Config

_Path = tuple[str | int, ...]
_MAX_FILE_BYTES = 1 << 20  # a thousand edges fit ten times over; a device file does not


class _Lines:
    """Line (1-based) of each key and value, by path; found by walking the composed YAML nodes."""

    def __init__(self, root: yaml.Node | None) -> None:
        self._line: dict[_Path, int] = {}
        self.duplicates: list[tuple[int, str]] = []
        if root is not None:
            self._walk(root, (), root.start_mark.line + 1)

    def _walk(self, node: yaml.Node, path: _Path, line: int) -> None:
        self._line[path] = line
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                name, key_line = str(key.value), key.start_mark.line + 1
                if name in seen:
                    self.duplicates.append((key_line, ".".join(map(str, (*path, name)))))
                seen.add(name)
                self._walk(value, (*path, name), key_line)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._walk(item, (*path, index), item.start_mark.line + 1)

    def of(self, path: _Path) -> int:
        """The line of `path`, or of its nearest ancestor that is written in the file."""
        while path and path not in self._line:
            path = path[:-1]
        return self._line.get(path, 1)


def load(path: Path) -> Config:
    """Read and check one file. Relative paths in it start at the file's folder. ConfigError lists all mistakes."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError(f"{path}: larger than 1 MiB: not a PlayNet configuration")
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 text (byte {exc.start})") from exc
    return parse(text, name=str(path), base=path.resolve().parent)


def parse(text: str, *, name: str, base: Path) -> Config:
    """Check YAML text; `name` stands in messages, relative paths start at `base`. Raises ConfigError."""
    try:
        lines = _Lines(yaml.compose(text, Loader=yaml.SafeLoader))
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"{name}:{line}: not valid YAML: {exc.problem}") from exc
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise ConfigError(f"{name}: not valid YAML: {exc}") from exc
    if lines.duplicates:
        raise ConfigError("\n".join(f"{name}:{line}: {key} is set twice: keep one" for line, key in lines.duplicates))
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise ConfigError(f"{name}:1: expected a mapping of sections, for example `site:`")
    try:
        config = Config.model_validate(document)
    except ValidationError as exc:
        raise ConfigError("\n".join(_mistakes(exc, document, lines, name))) from exc
    return _anchored(config, base)


def _mistakes(exc: ValidationError, document: Mapping[str, Any], lines: _Lines, name: str) -> Iterator[str]:
    for error in exc.errors(include_url=False):
        path: _Path = error["loc"]
        key = ".".join(map(str, path)) or "the file"
        yield f"{name}:{lines.of(path)}: {key}{_shown(error)}: {_expected(error)}"


def _shown(error: ErrorDetails) -> str:
    value = error["input"]
    if error["type"] == "missing" or isinstance(value, dict | list):
        return ""
    text = repr(value)
    return f" = {text if len(text) <= 60 else text[:57] + '...'}"


def _expected(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such setting (`playnet config reference` lists them all)"
        case "missing":
            return "is needed and not set"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return error["msg"][:1].lower() + error["msg"][1:].replace("Input should be", "expected").replace(
                "input should be", "expected"
            )


def _anchored(config: Config, base: Path) -> Config:
    """Make every path of the file absolute."""

    def anchor(value: Any) -> Any:
        if isinstance(value, Path):
            return base / value.expanduser()
        if hasattr(value, "model_copy"):
            fields = {key: anchor(getattr(value, key)) for key in type(value).model_fields}
            return value.model_copy(update=fields)
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(anchor(item) for item in value)
        return value

    anchored = anchor(config)
    assert isinstance(anchored, Config)
    return anchored
