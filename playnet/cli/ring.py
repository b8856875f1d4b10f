"""`ring`: which node holds a key, and what a change of the fleet would move. Asks nobody, computes nginx's own ring."""

from typing import Annotated

import typer

from playnet.config.units import Address, parse_address
from playnet.errors import ConfigError
from playnet.ring import Node, Ring, moved, ring_of

from .options import AsJson, ConfigFile, configured
from .output import out, print_json

app = typer.Typer(no_args_is_help=True, help="Which edge holds a key, and what a change of the fleet moves.")

Keys = Annotated[
    list[str], typer.Argument(metavar="KEY…", help="URL paths, as viewers ask for them: /v/ID/master.m3u8")
]
Add = Annotated[
    list[str] | None, typer.Option("--add", metavar="NODE", help="NAME=HOST:PORT or NAME=HOST:PORT*WEIGHT; repeatable.")
]
Remove = Annotated[list[str] | None, typer.Option("--remove", metavar="NODE", help="Name of a node; repeatable.")]


@app.command()
def locate(keys: Keys, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Name the edge of each key, and the ones that take over when it is down."""
    ring = ring_of(configured(config))
    rows = [(key, [node.name for node in ring.preference(key)]) for key in keys]
    if as_json:
        print_json([{"key": key, "node": names[0], "then": names[1:]} for key, names in rows])
        return
    for key, names in rows:
        out.print(f"{key}  {names[0]}" + (f"  (then {', '.join(names[1:])})" if names[1:] else ""), markup=False)


@app.command()
def plan(add: Add = None, remove: Remove = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Tell what part of all keys would move, from where to where."""
    before = ring_of(configured(config))
    after = changed(before, add or [], remove or [])
    result = moved(before, after)
    shares = {node: float(share) for node, share in after.share().items()}
    if as_json:
        moves = [{"from": move.source, "to": move.target, "share": float(move.share)} for move in result.moves]
        print_json({"moved_share": float(result.share), "moves": moves, "shares_after": shares})
        return
    out.print(f"{float(result.share):.2%} of all keys move")
    for move in result.moves:
        out.print(f"  {move.source or '(none)'} -> {move.target or '(none)'}: {float(move.share):.2%}", markup=False)
    out.print("afterwards: " + ", ".join(f"{name} {share:.1%}" for name, share in shares.items()), markup=False)


def changed(ring: Ring, add: list[str], remove: list[str]) -> Ring:
    """The ring after adding and removing nodes. ConfigError for unknown or doubled names."""
    if not add and not remove:
        raise ConfigError("expected --add NAME=HOST:PORT or --remove NAME")
    unknown = set(remove) - {node.name for node in ring.nodes}
    if unknown:
        raise ConfigError(f"--remove {', '.join(sorted(unknown))}: no edge of that name in the configuration")
    after = [*(node for node in ring.nodes if node.name not in remove), *(parse_node(text) for text in add)]
    if not after:
        raise ConfigError("no edge would be left: keep one, or --add one")
    try:
        return Ring(after)
    except ValueError as exc:
        raise ConfigError(f"--add: {exc}") from exc


def parse_node(text: str) -> Node:
    """`NAME=HOST:PORT*WEIGHT` as a node; the weight is 1 without it. Raises ConfigError."""
    name, equals, rest = text.partition("=")
    where, star, weight = rest.partition("*")
    if not name or not equals or (star and not (weight.isascii() and weight.isdigit() and int(weight) > 0)):
        raise ConfigError(f"--add {text}: expected NAME=HOST:PORT or NAME=HOST:PORT*WEIGHT")
    try:
        address: Address = parse_address(where)
    except ValueError as exc:
        raise ConfigError(f"--add {text}: {exc}") from exc
    return Node(name, address, int(weight) if star else 1)
