"""`admin`: accounts from the command line, with the appliance's API token; `audit`: who did what."""

import asyncio
import secrets
import sys
from typing import Annotated, Any

import typer

from playnet.client import Client
from playnet.errors import ConfigError, InvalidInput, NotFound

from .options import AsJson, ConfigFile, DataDir, Front, TokenFile, api_token, configured, front_url
from .output import err, out, print_json

app = typer.Typer(no_args_is_help=True, help="Accounts: the first administrator, forgotten passwords.")

_GENERATED_BYTES = 18  # 24 characters, 144 bits

Email = Annotated[str, typer.Option("--email", metavar="ADDRESS", help="E-mail address of the account.")]
Name = Annotated[str | None, typer.Option("--name", help="Shown name; without it, the address.")]
Role = Annotated[
    list[str] | None, typer.Option("--role", help="admin, operator, publisher or viewer; may be repeated.")
]
Generate = Annotated[bool, typer.Option("--generate", help="Make a password and print it, this once.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")]


@app.command()
def create(
    email: Email,
    name: Name = None,
    role: Role = None,
    generate: Generate = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """Make an account, an administrator unless --role says otherwise. The password is asked for, or read from stdin."""
    client = _client(config, data, front, token_file)
    password = _password(generate=generate)
    body = {"email": email, "name": name, "roles": role or ["admin"], "password": password}
    _show(asyncio.run(_call(client, "POST", "/api/v1/accounts", json=body)), password if generate else None, as_json)


@app.command()
def reset(
    email: Email,
    generate: Generate = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """Give an account a new password: every device is signed out, a lock-out ends, a disabled account is let in again."""
    client = _client(config, data, front, token_file)
    password = _password(generate=generate)
    _show(asyncio.run(_reset(client, email, password)), password if generate else None, as_json)


@app.command("list")
def list_accounts(
    limit: Limit = 50,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """List accounts, newest first."""
    client = _client(config, data, front, token_file)
    page = asyncio.run(_call(client, "GET", "/api/v1/accounts", params={"limit": limit}))
    if as_json:
        print_json(page)
        return
    for account in page["items"]:
        _line(account)


def audit(
    limit: Limit = 50,
    target: Annotated[str | None, typer.Option("--target", help="Only acts on this account, token or path.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """Who did what: the record of administrative acts, newest first."""
    client = _client(config, data, front, token_file)
    params = {"limit": limit, **({"target": target} if target is not None else {})}
    page = asyncio.run(_call(client, "GET", "/api/v1/audit", params=params))
    if as_json:
        print_json(page)
        return
    for act in page["items"]:
        details = ", ".join(f"{key}={value}" for key, value in act["details"].items() if value is not None)
        when = act["at"][:19].replace("T", " ")
        out.print(
            f"{when}  {act['actor_name']}  {act['action']}  {act['target'] or ''}  {details}".rstrip(), markup=False
        )


def _client(config: Any, data: Any, front: str | None, token_file: Any) -> Client:
    settings = configured(config, data)
    return Client(front_url(settings, front), api_token(settings, token_file))


def _password(*, generate: bool) -> str:
    """Made here, asked for on a terminal, or the first line of stdin. Never an argument: others see those."""
    if generate:
        return secrets.token_urlsafe(_GENERATED_BYTES)
    if sys.stdin.isatty():
        first: str = typer.prompt("Password", hide_input=True, err=True)
        if typer.prompt("Once more", hide_input=True, err=True) != first:
            raise InvalidInput("the two passwords differ")
        return first
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise ConfigError("no password on stdin: type it on a terminal, pipe it in, or use --generate")
    return line


async def _call(client: Client, method: str, path: str, **options: Any) -> Any:
    async with client:
        return await client.call(method, path, **options)


async def _reset(client: Client, email: str, password: str) -> Any:
    async with client:
        found = (await client.call("GET", "/api/v1/accounts", params={"email": email}))["items"]
        if not found:
            raise NotFound(f"there is no account for {email}: `playnet admin list` shows all")
        place = f"/api/v1/accounts/{found[0]['id']}"
        account = await client.call("PUT", f"{place}/password", json={"password": password})
        if account["disabled"]:
            account = await client.call("PATCH", place, json={"disabled": False})
        return account


def _show(account: dict[str, Any], generated: str | None, as_json: bool) -> None:
    if as_json:
        print_json({**account, **({"password": generated} if generated else {})})
        return
    _line(account)
    if generated is not None:
        err.print("the password, shown this once:", markup=False)
        out.print(generated, markup=False)


def _line(account: dict[str, Any]) -> None:
    state = "  disabled" if account["disabled"] else ""
    out.print(f"{account['id']}  {account['email']}  {', '.join(account['roles'])}{state}", markup=False)
