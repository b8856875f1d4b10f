"""The bearer token that writing API calls need: read where the YAML says, made once on a box of its own."""

import secrets

from playnet.config import Config
from playnet.errors import ConfigError
from playnet.layout import Layout, read_secret
from playnet.secret_file import make_secret

_SETTING = "auth.api_token_file"
_RANDOM_BYTES = 32


def read_api_token(config: Config, layout: Layout) -> str:
    """The token. ConfigError when there is none."""
    return read_secret(config.auth.api_token_file or layout.api_token, _SETTING)


def ensure_api_token(config: Config, layout: Layout) -> str:
    """The token; made (0600, atomically) when none is configured and none is there. Any number of processes may race."""
    if config.auth.api_token_file is None and not layout.api_token.exists():
        try:
            make_secret(layout.api_token, secrets.token_urlsafe(_RANDOM_BYTES) + "\n")
        except OSError as exc:
            raise ConfigError(f"{_SETTING}: {layout.api_token} cannot be made: {exc.strerror}") from exc
    return read_api_token(config, layout)
