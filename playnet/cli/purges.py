"""`purge`: make every edge forget."""

import asyncio
from typing import Annotated
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError

from playnet.client import Client
from playnet.errors import ConfigError
from playnet.purge.order import PurgeOrder

from .options import AsJson, ConfigFile, DataDir, Front, TokenFile, api_token, configured, front_url
from .output import out, print_json


def purge(
    url: Annotated[str | None, typer.Option("--url", help="One URL or URL path.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Everything with this surrogate key, e.g. asset:ID.")] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Everything below this URL or URL path.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    soft: Annotated[bool, typer.Option("--soft", help="Keep it as stale: served while it is revalidated.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """Make every edge forget what matches: exactly one of --url, --tag, --prefix, --all."""
    order = purge_order(url=url, tag=tag, prefix=prefix, everything=everything, soft=soft)
    settings = configured(config, data)
    answer = asyncio.run(_purge(Client(front_url(settings, front), api_token(settings, token_file)), order))
    if as_json:
        print_json(answer)
    else:
        out.print(f"ordered: purge {order.kind} {order.value}".rstrip(), markup=False)


def purge_order(*, url: str | None, tag: str | None, prefix: str | None, everything: bool, soft: bool) -> PurgeOrder:
    """The order that the options name. ConfigError unless it is exactly one, and a valid one."""
    given = [("url", url), ("tag", tag), ("prefix", prefix), ("all", "" if everything else None)]
    chosen = [(kind, value) for kind, value in given if value is not None]
    if len(chosen) != 1:
        raise ConfigError("expected exactly one of --url, --tag, --prefix, --all")
    kind, value = chosen[0]
    if kind in {"url", "prefix"} and "://" in value:
        value = urlsplit(value).path
    try:
        return PurgeOrder.model_validate({"kind": kind, "value": value, "soft": soft})
    except ValidationError as exc:
        raise ConfigError(f"--{kind} {value}: {exc.errors()[0]['msg'].removeprefix('Value error, ')}") from exc


async def _purge(client: Client, order: PurgeOrder) -> dict[str, object]:
    async with client:
        return await client.purge(order)
