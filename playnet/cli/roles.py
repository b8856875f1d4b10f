"""`origin`, `transcoder`, `edge`, `lb`: one role in the foreground; `transcode`: its work without services.

This process becomes the role; nothing is imported.
"""

import os
import sys
from typing import NoReturn

import typer

from playnet.config.choose import config_file

ROLES = {
    "origin": "Run this host's origin.",
    "transcoder": "Run this host's transcoder.",
    "edge": "Run one edge node: --name of the YAML's, or --origin URL --listen HOST:PORT --cache DIR without a YAML.",
    "lb": "Run the front, or print its nginx.conf: lb render.",
    "transcode": "Encode FILE for HLS and DASH into --out DIR, without services.",
}
_MODULES = {"transcode": "transcoder.local"}  # the others are named like their command


def register(app: typer.Typer) -> None:
    """Add one command for each role, whose arguments all go to the role."""
    anything = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
    for role, text in ROLES.items():
        app.command(role, help=text, context_settings=anything)(_become)


def _become(context: typer.Context) -> NoReturn:
    """Replace this process, so that signals and exit code are the role's own."""
    role = context.info_name or ""
    os.execv(sys.executable, [sys.executable, "-m", _MODULES.get(role, role), *_with_config(context.args)])  # noqa: S606


def _with_config(args: list[str]) -> list[str]:
    """A role reads the file it is given: give it the one that every other command would use. `--origin` needs none."""
    if any(arg.partition("=")[0] in {"--config", "--origin"} for arg in args):
        return args
    file = config_file(None)
    return args if file is None else [*args, "--config", str(file)]
