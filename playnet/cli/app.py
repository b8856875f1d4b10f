"""The command line: `playnet …`. Exit codes: 0 done, 1 failed (the reason is on stderr), 2 wrong usage or configuration."""

import sys

import typer

from playnet.errors import PlayNetError

from . import admin, appliance, assets, cache, nodes, purges, ring, roles, settings, tokens
from .output import tell

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="PlayNet: a video CDN of your own.",
)
app.command()(appliance.up)
app.command()(appliance.down)
app.command()(appliance.status)
app.command()(assets.add)
app.command()(purges.purge)
app.command()(nodes.inspect)
app.command()(admin.audit)
app.add_typer(admin.app, name="admin")
app.add_typer(cache.app, name="cache")
app.add_typer(ring.app, name="ring")
app.add_typer(settings.app, name="config")
app.add_typer(tokens.app, name="token")
roles.register(app)


def main() -> None:
    """Entry point of the `playnet` command."""
    try:
        app()
    except PlayNetError as exc:
        sys.exit(tell(exc, as_json="--json" in sys.argv))
