"""`python -m bench edge`, `make bench-edge`: measure, print, and write docs/bench/.

Without options everything, and the page is written. With a part of it only printed, unless --out names a folder.
"""

import argparse
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bench.rounds import ROUNDS, show

from . import followers, hits, misses, plot, promises, report
from .bed import bed
from .report import Table
from .servers import binary

_PAGE: Final = Path(__file__).parents[2] / "docs" / "bench"
_SIZES: Final = (2_000, 200_000, 1_000_000, 1 << 20, 4_000_000)
_MISS_SIZES: Final = frozenset({1_000_000, 4_000_000})
_KINDS: Final = ("hits", "misses", "followers")


def main(argv: Sequence[str]) -> int:
    """Exit code 0 whatever the figures say: they are for people to judge."""
    args = _parser().parse_args(argv)
    tables = []
    for table in _tables(args):
        show(table.title, table.rows, cost=table.cost, rate=table.rate, steal=table.steal, peer=table.peer)
        tables.append(table)
    verdicts = promises.verdicts(tables)
    for verdict in verdicts:
        held = {True: "yes", False: "NO "}
        print(held[verdict.by_least], held[verdict.by_median], f"{verdict.promise}: {verdict.measured}")
    whole = args.kinds == _KINDS and args.sizes == _SIZES
    if (folder := args.out or (_PAGE if whole else None)) is not None:
        _write(folder, tables, verdicts, rounds=args.rounds)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench edge", description=__doc__)
    parser.add_argument("--kinds", type=_kinds, default=_KINDS, help=f"of {','.join(_KINDS)}")
    parser.add_argument("--sizes", type=_numbers, default=_SIZES, help="bytes of an object, with commas")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=int, default=1, help="of one run of wrk")
    parser.add_argument("--out", type=Path, help="folder for edge.json, edge.md and edge.svg")
    return parser


def _kinds(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    if not set(chosen) <= set(_KINDS):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(_KINDS)}")
    return chosen


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(","))


def _tables(args: argparse.Namespace) -> Iterator[Table]:
    if {"hits", "misses"} & set(args.kinds):
        with bed(args.sizes, hits.OBJECTS) as running:
            if "hits" in args.kinds:
                yield from hits.tables(running, args.sizes, rounds=args.rounds, seconds=args.seconds)
            if "misses" in args.kinds:
                sizes = [size for size in args.sizes if size in _MISS_SIZES] or args.sizes
                yield from misses.tables(running, sizes, rounds=args.rounds)
    if "followers" in args.kinds:
        yield from followers.tables(rounds=args.rounds)


def _write(folder: Path, tables: Sequence[Table], verdicts: Sequence[report.Verdict], *, rounds: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    machine = report.machine({"versions": ", ".join(_versions()), "rounds": str(rounds)})
    (folder / "edge.json").write_text(report.as_json(tables, verdicts, machine))
    (folder / "edge.md").write_text(report.markdown(tables, verdicts, machine))
    (folder / "edge.svg").write_text(plot.render([table for table in tables if table.kind == "hits"]))


def _versions() -> Iterator[str]:
    for name, option in (("nginx", "-v"), ("varnishd", "-V"), ("traffic_server", "--version")):
        done = subprocess.run([binary(name), option], capture_output=True, text=True, check=False)
        found = re.search(r"\d+(\.\d+)+", done.stderr + done.stdout)
        yield f"{name} {found[0] if found else 'of unknown version'}"
