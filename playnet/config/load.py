"""YAML file in, frozen `Config` out; or every mistake with file, line, key, value and what was expected."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from playnet.errors import ConfigError

from .lines import Document
from .mistakes import mistakes
from .model import Config

_MAX_FILE_BYTES = 1 << 20  # a thousand edges fit ten times over; a device file does not


def load(path: Path) -> Config:
    """Read and check one file. Relative paths in it start at the file's folder. ConfigError lists all mistakes."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE_BYTES + 1)
        text = content.decode("utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 text (byte {exc.start})") from exc
    if len(content) > _MAX_FILE_BYTES:
        raise ConfigError(f"{path}: larger than 1 MiB: not a PlayNet configuration")
    return parse(text, name=str(path), base=path.resolve().parent)


def parse(text: str, *, name: str, base: Path) -> Config:
    """Check YAML text; `name` stands in messages, relative paths start at `base`. Raises ConfigError."""
    document = Document(text, name)
    value = {} if document.value is None else document.value
    if not isinstance(value, dict):
        raise ConfigError(f"{name}:1: expected a mapping of sections, for example `site:`")
    try:
        config = Config.model_validate(value)
    except ValidationError as exc:
        raise ConfigError("\n".join(mistakes(exc, document, name))) from exc
    return _anchored(config, base)


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
