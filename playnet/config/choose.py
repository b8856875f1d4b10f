"""Which configuration a command works with: the one named, or the first that is there."""

import os
from pathlib import Path

from .load import load
from .model import Config

_VARIABLE = "PLAYNET_CONFIG"
_PLACES = (Path("configs/single.yaml"), Path("/etc/playnet/playnet.yaml"))


def config_file(named: Path | None) -> Path | None:
    """The file to read: `named`, else PLAYNET_CONFIG, else the checkout's, else the host's; None for built-in defaults."""
    if named is not None:
        return named
    if (variable := os.environ.get(_VARIABLE)) is not None:
        return Path(variable)
    return next((place for place in _PLACES if place.is_file()), None)


def choose(file: Path | None, data_dir: Path | None = None) -> Config:
    """Load `file` (None: built-in defaults); `data_dir` replaces the file's. Raises ConfigError."""
    config = load(file) if file is not None else Config()
    if data_dir is None:
        return config
    return config.model_copy(update={"data_dir": data_dir.expanduser().absolute()})
