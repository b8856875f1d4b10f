"""`cache`: what a cache would do. The policies are the edge's own, so this process becomes its simulator."""

import os
import sys
from typing import NoReturn

import typer

app = typer.Typer(no_args_is_help=True, help="What a cache of a given size and policy would do.")


@app.callback()
def cache() -> None:
    """Keeps `simulate` a command of its own."""


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    help="Run the edge's eviction policies over a trace: --trace FILE --size S[,S] [--policy P,…] [--format F] [--json]",
)
def simulate(context: typer.Context) -> NoReturn:
    """Replace this process, so that signals and exit code are the simulator's."""
    os.execv(sys.executable, [sys.executable, "-m", "edge.simulate", *context.args])  # noqa: S606
