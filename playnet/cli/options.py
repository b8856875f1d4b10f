"""Options that several commands share, and what follows from them."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from playnet.config import Config
from playnet.config.choose import choose, config_file
from playnet.errors import ConfigError, Unauthorized
from playnet.layout import layout_of, read_secret
from playnet.supervise.ready import dialled

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The YAML file. Without it: $PLAYNET_CONFIG, ./configs/single.yaml, /etc/playnet/playnet.yaml, built-in defaults.",
    ),
]
DataDir = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Data directory, instead of the file's data_dir.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Front = Annotated[
    str | None,
    typer.Option("--front", metavar="URL", envvar="PLAYNET_URL", help="Front of the appliance, instead of the file's."),
]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="API token; else $PLAYNET_TOKEN, else the appliance's."),
]


def configured(file: Path | None, data_dir: Path | None = None) -> Config:
    """The configuration that the shared options name. Raises ConfigError."""
    return choose(config_file(file), data_dir)


def front_url(config: Config, given: str | None) -> str:
    """Where this host reaches the front. ConfigError for what is no URL of one."""
    if given is not None:
        parts = urlsplit(given)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigError(f"--front {given}: expected http://HOST:PORT or https://HOST")
    return given or config.site.public_url or f"http://{dialled(config.lb.listen)}"


def api_token(config: Config, given: Path | None) -> str:
    """The token for calls that change something. ConfigError or Unauthorized says where it was looked for."""
    if given is not None:
        return read_secret(given, "--token-file")
    if token := os.environ.get("PLAYNET_TOKEN", "").strip():
        if not (token.isascii() and token.isprintable()):
            raise ConfigError("PLAYNET_TOKEN: expected one line of plain ASCII")
        return token
    if config.auth.api_token_file is not None:
        return read_secret(config.auth.api_token_file, "auth.api_token_file")
    file = layout_of(config).api_token
    try:
        file.stat()
    except PermissionError as exc:
        raise Unauthorized(
            f"the API token in {file.parent} is closed to this account: call as the one that started the appliance, "
            "or give the token by --token-file or $PLAYNET_TOKEN"
        ) from exc
    except FileNotFoundError as exc:
        raise Unauthorized(
            f"there is no API token at {file}: does the appliance run with this configuration? "
            "(--config, --data; or give the token by --token-file or $PLAYNET_TOKEN)"
        ) from exc
    return read_secret(file, "API token")
