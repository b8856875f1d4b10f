"""`inspect`: what the cache nodes of this host know of one URL."""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from playnet.errors import ConfigError, PlayNetError, Unavailable
from playnet.layout import layout_of
from playnet.node import ask_node

from .options import AsJson, ConfigFile, DataDir, configured
from .output import err, out, print_json

Told = dict[str, Any] | PlayNetError


def inspect(
    url: Annotated[str, typer.Argument(help="A URL, or its path.", metavar="URL")],
    name: Annotated[str | None, typer.Option("--name", metavar="NODE", help="Ask only this node.")] = None,
    cache: Annotated[
        Path | None, typer.Option("--cache", metavar="DIR", help="Ask the standalone node with this cache folder.")
    ] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    data: DataDir = None,
) -> None:
    """Say whether a URL is cached, as what and how long, and if it is not, why not."""
    path = url_path(url)
    sockets = {"edge": cache.absolute() / "run" / "brain.sock"} if cache is not None else _sockets(name, config, data)
    told = asyncio.run(ask_all(sockets, "/debug/entry", url=path))
    answers = {node: answer for node, answer in told.items() if isinstance(answer, dict)}
    failures = {node: answer for node, answer in told.items() if isinstance(answer, PlayNetError)}
    if not answers:
        raise next(iter(failures.values()), Unavailable("no node of this host runs"))
    if as_json:
        print_json({"nodes": answers, "unreachable": {node: str(failure) for node, failure in failures.items()}})
        return
    for answer in answers.values():
        for line in lines(answer):
            out.print(line, markup=False)
    for failure in failures.values():
        err.print(str(failure), markup=False)


def url_path(url: str) -> str:
    """Path and query of a URL, as a player would request it. ConfigError."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if not path.startswith("/"):
        raise ConfigError(f"{url}: expected a URL, or a path that starts with /")
    return path


def lines(answer: dict[str, Any]) -> list[str]:
    """One node's answer for people."""
    found = [f"{answer['node']}: {answer['verdict']}", f"    key {answer['key']}"]
    for entry in answer["entries"]:
        hot = "" if entry["tier"] == "hot" else f", not in the hot tree: {entry['not_hot_because']}"
        tags = f", tags {' '.join(entry['tags'])}" if entry["tags"] else ""
        found += [
            f"    {entry['kind']} {entry['place']}",
            f"        {entry['status']}, {entry['size_bytes']} bytes, {entry['tier']}, age {entry['age_s']} s, "
            f"fresh until {entry['fresh_until']}{tags}",
            f"        next use: {entry['next_use']}{hot}",
        ]
    hidden = answer["entries_total"] - len(answer["entries"])
    found += [f"    and {hidden} more"] if hidden else []
    found += [
        f"    being fetched: {fill['received_bytes']} of {fill['total_bytes'] or '?'} bytes for {fill['viewers']} viewers"
        for fill in answer["fills"]
    ]
    return found


def node_lines(told: dict[str, Any]) -> list[str]:
    """The state of one node for people."""
    misses = ", ".join(f"{count} {cause}" for cause, count in told["misses"].items()) or "none"
    lines = [
        f"{told['node']}: {_percent(told['hit_ratio'])} of requests and {_percent(told['byte_hit_ratio'])} of bytes from "
        f"the store; {_gib(told['stored_bytes'])} of {_gib(told['quota_bytes'])} in {told['entries']} entries",
        f"    misses: {misses}; purges applied up to {told['purge_position']}",
    ]
    return lines + [f"    ALARM: {alarm}" for alarm in told["alarms"]]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / (1 << 30):.2f} GiB"


async def ask_all(sockets: dict[str, Path], path: str, **params: str) -> dict[str, Told]:
    """What each node answers, or why it does not."""

    async def one(socket: Path) -> Told:
        try:
            return await ask_node(socket, path, **params)
        except PlayNetError as exc:
            return exc

    answers = await asyncio.gather(*(one(socket) for socket in sockets.values()))
    return dict(zip(sockets, answers, strict=True))


def _sockets(name: str | None, config: Path | None, data: Path | None) -> dict[str, Path]:
    """The sockets of this host's nodes. ConfigError for a node that the configuration does not have."""
    settings = configured(config, data)
    layout = layout_of(settings)
    names = [edge.name for edge in settings.edges]
    if name is not None and name not in names:
        raise ConfigError(f"--name {name}: the configuration has no such edge (it has {', '.join(names)})")
    sockets = {edge: layout.brain_socket(edge) for edge in ([name] if name else names)}
    here = {edge: socket for edge, socket in sockets.items() if socket.exists()}
    if not here:
        raise Unavailable(f"no node of this configuration runs on this host: there is no socket in {layout.run}")
    return here
