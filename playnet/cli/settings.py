"""`config`: check a file, and print what can stand in it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from playnet.config import load
from playnet.config.reference import json_schema, reference_yaml
from playnet.layout import layout_of

from .output import out

app = typer.Typer(no_args_is_help=True, help="The YAML file: check it, or print everything that can stand in it.")


@app.command()
def check(file: Annotated[Path, typer.Argument(help="The YAML file.", metavar="FILE")]) -> None:
    """Check a file: every mistake with line, key, value and what was expected; exit code 2 if there is one."""
    config = load(file)
    edges = ", ".join(f"{edge.name} ({edge.listen})" for edge in config.edges)
    out.print(f"{file}: OK", markup=False)
    out.print(f"front {config.lb.listen}, origin {config.origin.listen}, edges {edges}", markup=False)
    out.print(f"data {layout_of(config).root}, storage {config.storage.kind}, public {config.public_url}", markup=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema, for editors."""
    typer.echo(json.dumps(json_schema(), indent=2))


@app.command()
def reference() -> None:
    """Print a YAML file with every setting, its default, bounds and reason."""
    typer.echo(reference_yaml(), nl=False)
