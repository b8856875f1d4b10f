"""The bearer token that writing API calls need: read where the YAML says, made once on a box of its own."""

import contextlib
import os
import secrets

from playnet.config import Config
from playnet.errors import ConfigError
from playnet.layout import Layout, read_secret

_SETTING = "auth.api_token_file"
_RANDOM_BYTES = 32


def read_api_token(config: Config, layout: Layout) -> str:
    """The token. ConfigError when there is none."""
    return read_secret(config.auth.api_token_file or layout.api_token, _SETTING)


def ensure_api_token(config: Config, layout: Layout) -> str:
    """The token; made (0600, atomically) when none is configured and none is there. Any number of processes may race."""
    if config.auth.api_token_file is None and not layout.api_token.exists():
        try:
            _make(layout)
        except OSError as exc:
            raise ConfigError(f"{_SETTING}: {layout.api_token} cannot be made: {exc.strerror}") from exc
    return read_api_token(config, layout)


def _make(layout: Layout) -> None:
    """Write under a name of our own, then link: nobody ever reads a half-written token, the first link wins."""
    layout.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    temp = layout.secrets / f".api-token-{secrets.token_hex(8)}"
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "w") as file:
            file.write(secrets.token_urlsafe(_RANDOM_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            layout.api_token.hardlink_to(temp)
    finally:
        temp.unlink()
