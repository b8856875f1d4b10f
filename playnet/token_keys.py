"""The key file of playback tokens: made once on a box of its own, read again whenever it changed.

Every origin and every node of a fleet needs the same one. It is replaced by renaming, never written in place; one that
is broken for a moment changes nothing for those who have read it before.
"""

import secrets
from pathlib import Path
from typing import Final

from playnet.config import Config
from playnet.errors import ConfigError
from playnet.layout import Layout
from playnet.logs import logger
from playnet.secret_file import make_secret
from playnet.tokens import Rules
from playnet.tokens.keys import MIN_KEY_BYTES, KeySet, parse_keys

log = logger(__name__)

_SETTING: Final = "tokens.keys_file"
_MAX_BYTES: Final = 64 << 10


def token_keys_file(config: Config, layout: Layout) -> Path:
    """Where the keys of an appliance stand."""
    return config.tokens.keys_file or layout.token_keys


def ensure_token_keys(file: Path) -> None:
    """Make the file with one random key when it is not there. Any number of processes may race. ConfigError."""
    if file.exists():
        return
    try:
        make_secret(file, fresh_keys().dumped())
    except OSError as exc:
        raise ConfigError(f"{_SETTING}: {file} cannot be made: {exc.strerror}") from exc


def fresh_keys() -> KeySet:
    """One random key."""
    return KeySet({fresh_kid(): secrets.token_bytes(MIN_KEY_BYTES)})


def fresh_kid() -> str:
    """An id that no key had before."""
    return secrets.token_hex(4)


def rules_of(config: Config) -> Rules:
    """The bounds that all hosts share."""
    return Rules(skew_s=round(config.tokens.clock_skew), max_life_s=round(config.tokens.max_life))


def token_keys(config: Config, layout: Layout) -> "KeyFile":
    """The keys of an appliance, made when its file is its own and not there. ConfigError."""
    file = token_keys_file(config, layout)
    if config.tokens.keys_file is None:
        ensure_token_keys(file)
    return KeyFile(file)


class KeyFile:
    """The keys as the file has them now. ConfigError when there are none at first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._state()
        self._keys = self._read()

    def current(self) -> KeySet:
        """The keys; those of before while the file is away or broken, which is logged once for each state of it."""
        seen = self._state()
        if seen != self._seen:
            self._seen = seen
            try:
                self._keys = self._read()
                log.info("token_keys.changed", keys=", ".join(self._keys.keys))
            except ConfigError as exc:
                log.error("token_keys.refused", reason=str(exc))
        return self._keys

    def _state(self) -> tuple[int, int, int] | None:
        try:
            told = self._path.stat()
        except OSError:
            return None
        return told.st_ino, told.st_mtime_ns, told.st_size

    def _read(self) -> KeySet:
        try:
            with self._path.open("rb") as file:
                text = file.read(_MAX_BYTES).decode("utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "not text"
            raise ConfigError(f"{_SETTING}: {self._path} cannot be read: {reason}") from exc
        try:
            return parse_keys(text)
        except ValueError as exc:
            raise ConfigError(f"{_SETTING}: {self._path}: {exc}") from exc
