"""`token`: sign and check playback tokens with the appliance's own keys, revoke them everywhere, rotate the keys."""

import asyncio
import secrets
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from playnet.client import Client
from playnet.config import Config
from playnet.config.units import parse_duration
from playnet.errors import ConfigError, PlayNetError
from playnet.layout import layout_of
from playnet.secret_file import replace_secret
from playnet.token_keys import KeyFile, fresh_kid, rules_of, token_keys_file
from playnet.tokens import WORDS, Claims, Granted, KeySet, Use, judge, mint
from playnet.tokens.keys import MIN_KEY_BYTES
from playnet.tokens.revocation import Kind, problem_of

from .options import AsJson, ConfigFile, DataDir, Front, TokenFile, api_token, configured, front_url
from .output import out, print_json

app = typer.Typer(no_args_is_help=True, help="Playback tokens: addresses that play private videos.")

KeysFile = Annotated[
    Path | None, typer.Option("--keys", metavar="FILE", help="Key file, instead of the appliance's (tokens.keys_file).")
]


class TokenNotAccepted(PlayNetError):
    """The token that was checked is not accepted."""

    code = "token-check"
    title = "The token is not accepted"


@app.command()
def sign(
    path: Annotated[str, typer.Argument(help="What may be played: a path such as /v/ASSET/, and all below it.")],
    ttl: Annotated[str | None, typer.Option("--ttl", help="How long, e.g. 90min; without it tokens.life.")] = None,
    client: Annotated[str | None, typer.Option("--client", metavar="NET", help="Only for this network.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="A name by which it can be revoked.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="Whose it is; revocable, too.")] = None,
    keys: KeysFile = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
) -> None:
    """Print an address below which the path can be played. Needs the key file, but no running appliance."""
    settings = configured(config, data)
    now, life_s = int(time.time()), _life_s(settings, ttl)
    claims = Claims(issued_s=now, expires_s=now + life_s, prefix=path, network=client, session=session, subject=subject)
    try:
        token = mint(_keys(settings, keys), claims)
    except ValueError as exc:
        raise ConfigError(str(exc)) from exc
    url = f"{front_url(settings, front)}/t/{token}{path}"
    if as_json:
        print_json({"token": token, "url": url, "expires_s": now + life_s})
    else:
        out.print(url, markup=False)


@app.command()
def check(
    token: Annotated[str, typer.Argument(help="The token, or a whole address that has it.")],
    path: Annotated[str | None, typer.Argument(help="What is asked for; part of an address.")] = None,
    client: Annotated[str, typer.Option("--client", metavar="ADDRESS", help="Who asks.")] = "127.0.0.1",
    keys: KeysFile = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
) -> None:
    """Say whether a token allows a path, and if not, why. Revocations are known to the nodes alone."""
    settings = configured(config, data)
    token, path = _taken_apart(token, path)
    use = Use(path, client, time.time())
    verdict = judge(token, use, keys=_keys(settings, keys), rules=rules_of(settings), revoked_at=lambda _: None)
    if not isinstance(verdict, Granted):
        raise TokenNotAccepted(f"{verdict.reason}: {WORDS[verdict.reason]}")
    told: dict[str, Any] = {
        "path": verdict.claims.prefix,
        "expires_s": verdict.claims.expires_s,
        "client": verdict.claims.network,
        "session": verdict.claims.session,
        "subject": verdict.claims.subject,
    }
    if as_json:
        print_json(told)
    else:
        left = max(verdict.claims.expires_s - int(time.time()), 0)
        out.print(f"accepted for {verdict.claims.prefix}, {left} s left", markup=False)


@app.command()
def revoke(
    subject: Annotated[str | None, typer.Option("--subject", help="All tokens of a subject.")] = None,
    session: Annotated[str | None, typer.Option("--session", help="All tokens of a session.")] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="All tokens, for a path and all below it.")] = None,
    key: Annotated[str | None, typer.Option("--key", metavar="KID", help="All tokens signed with a key.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """Refuse what was issued until now, at every node: exactly one of --subject, --session, --prefix, --key."""
    kind, value = _revocation(subject=subject, session=session, prefix=prefix, key=key)
    settings = configured(config, data)
    answer = asyncio.run(_revoke(Client(front_url(settings, front), api_token(settings, token_file)), kind, value))
    if as_json:
        print_json(answer)
    else:
        out.print(f"ordered: revoke {kind} {value}", markup=False)


@app.command()
def rotate(keys: KeysFile = None, config: ConfigFile = None, data: DataDir = None) -> None:
    """Put a new key in front, which signs from now on; the old ones go on verifying. Nothing has to be restarted.

    On several hosts: copy the file to all before the new key signs, or players see refusals for that moment.
    """
    settings = configured(config, data)
    file = keys or token_keys_file(settings, layout_of(settings))
    rotated = KeyFile(file).current().rotated(kid := fresh_kid(), secrets.token_bytes(MIN_KEY_BYTES))
    try:
        replace_secret(file, rotated.dumped())
    except OSError as exc:
        raise ConfigError(f"{file} cannot be replaced: {exc.strerror}") from exc
    out.print(f"{file}: {kid} signs now, {len(rotated.keys)} keys verify", markup=False)


def _keys(settings: Config, given: Path | None) -> KeySet:
    return KeyFile(given or token_keys_file(settings, layout_of(settings))).current()


def _life_s(settings: Config, ttl: str | None) -> int:
    try:
        life_s = round(parse_duration(ttl) if ttl is not None else settings.tokens.life)
    except ValueError as exc:
        raise ConfigError(f"--ttl {ttl}: {exc}") from exc
    if not 1 <= life_s <= settings.tokens.max_life:
        raise ConfigError(f"--ttl {ttl}: expected at most tokens.max_life, which is {settings.tokens.max_life:g} s")
    return life_s


def _taken_apart(token: str, path: str | None) -> tuple[str, str]:
    """Token and path, also of an address. ConfigError without a path."""
    asked = urlsplit(token).path if "://" in token else token
    if asked.startswith("/t/"):
        token, slash, rest = asked.removeprefix("/t/").partition("/")
        path = path or slash + rest
    if not path:
        raise ConfigError("expected a token and the path that is asked for, or an address that has both")
    return token, path


def _revocation(**given: str | None) -> tuple[Kind, str]:
    chosen: list[tuple[Any, str]] = [(kind, value) for kind, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise ConfigError("expected exactly one of --subject, --session, --prefix, --key")
    kind, value = chosen[0]
    if problem := problem_of(kind, value):
        raise ConfigError(f"--{kind} {value}: {problem}")
    return kind, value


async def _revoke(client: Client, kind: Kind, value: str) -> dict[str, Any]:
    async with client:
        return await client.revoke(kind, value)
