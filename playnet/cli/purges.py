"""`purge`: make every edge forget."""

import asyncio
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError

from playnet.client import Client
from playnet.config.units import parse_duration
from playnet.errors import ConfigError
from playnet.purge.objection import objection
from playnet.purge.order import PurgeOrder

from .options import AsJson, ConfigFile, DataDir, Front, TokenFile, api_token, configured, front_url
from .output import err, out, print_json


def purge(
    url: Annotated[str | None, typer.Option("--url", help="One URL or URL path.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Everything with this surrogate key, e.g. asset:ID.")] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help="Everything below this URL or URL path.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    soft: Annotated[bool, typer.Option("--soft", help="Keep it as stale: served while it is revalidated.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Forget nothing: say how much each edge would forget.")
    ] = False,
    wait: Annotated[
        str, typer.Option("--wait", metavar="DURATION", help="For the edges to have forgotten; 0s: don't wait.")
    ] = "15s",
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
    front: Front = None,
    token_file: TokenFile = None,
) -> None:
    """Make every edge forget what matches: exactly one of --url, --tag, --prefix, --all.

    Exit code 1 when an edge has not said within --wait that it did. It will as soon as it is back.
    """
    order = purge_order(url=url, tag=tag, prefix=prefix, everything=everything, soft=soft)
    wait_s = _seconds(wait)
    settings = configured(config, data)
    client = Client(front_url(settings, front), api_token(settings, token_file))
    report = asyncio.run(_purge(client, order, dry_run=dry_run, wait_s=wait_s))
    if as_json:
        print_json(report)
    else:
        out.print(f"{'dry run' if dry_run else 'ordered'}: purge {order.kind} {order.value}".rstrip(), markup=False)
        for node in report["nodes"]:
            out.print(reply_line(node, soft=soft, dry_run=dry_run), markup=False)
    if not report["complete"] and wait_s > 0:
        missing = ", ".join(node["node"] for node in report["nodes"] if not node["answered"]) or "any edge"
        tail = "" if dry_run else ": the order is kept, each of them forgets as soon as it is back"
        within = "" if dry_run else f" within {wait}"
        err.print(f"playnet: no answer{within} from {missing}{tail}", markup=False)
        raise typer.Exit(1)


def reply_line(reply: dict[str, Any], *, soft: bool, dry_run: bool) -> str:
    """What one edge said, for people."""
    if not reply["answered"]:
        return f"{reply['node']}: no answer yet"
    doing = {
        (False, False): "forgot", (True, False): "made stale", (False, True): "would forget", (True, True): "would make stale",
    }[soft, dry_run]  # fmt: skip
    return f"{reply['node']}: {doing} {reply['entries']} entries"


def purge_order(*, url: str | None, tag: str | None, prefix: str | None, everything: bool, soft: bool) -> PurgeOrder:
    """The order that the options name. ConfigError unless it is exactly one, and one that can mean something."""
    given = [("url", url), ("tag", tag), ("prefix", prefix), ("all", "" if everything else None)]
    chosen = [(kind, value) for kind, value in given if value is not None]
    if len(chosen) != 1:
        raise ConfigError("expected exactly one of --url, --tag, --prefix, --all")
    kind, value = chosen[0]
    if kind in {"url", "prefix"} and "://" in value:
        parts = urlsplit(value)
        value = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        order = PurgeOrder.model_validate({"kind": kind, "value": value, "soft": soft})
    except ValidationError as exc:
        raise ConfigError(f"--{kind} {value}: {exc.errors()[0]['msg'].removeprefix('Value error, ')}") from exc
    if (reason := objection(order)) is not None:
        raise ConfigError(f"--{kind} {value}: {reason}")
    return order


def _seconds(wait: str) -> float:
    try:
        return parse_duration(wait)
    except ValueError as exc:
        raise ConfigError(f"--wait {wait}: {exc}") from exc


async def _purge(client: Client, order: PurgeOrder, *, dry_run: bool, wait_s: float) -> dict[str, Any]:
    async with client:
        answer = await client.purge(order, dry_run=dry_run)
        return answer if dry_run else await client.purged(answer["id"], wait_s)
