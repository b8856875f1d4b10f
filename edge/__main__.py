"""`python -m edge`: one cache node in the foreground.

    python -m edge --config FILE [--data DIR] --name NODE
    python -m edge --origin URL --listen HOST:PORT --cache DIR [--size 10GiB] [--name NODE] [--token-keys FILE]

With `--brain` only the brain, on its socket: that is how the node starts its own child.
"""

import argparse
import asyncio
import re
import sys
from pathlib import Path
from typing import Final

from playnet import role
from playnet.asgi.serve import serve
from playnet.config.choose import choose
from playnet.config.units import parse_address, parse_size
from playnet.errors import ConfigError
from playnet.layout import layout_of
from playnet.logs import configure

from .app import create_app
from .node import Setup, from_config, run, standalone

_ORIGIN: Final = re.compile(r"https?://[^/?#\s]+/?")
_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def main() -> int:
    """See `role.exit_code`."""
    args = _parser().parse_args()

    def work() -> None:
        setup = _setup(args)
        configure(f"edge {setup.brain.name}")
        if args.brain:
            asyncio.run(serve(create_app(setup.brain), setup.brain_socket, date=False))
        else:
            asyncio.run(run(setup, sys.argv[1:]))

    return role.exit_code(work)


def _parser() -> argparse.ArgumentParser:
    parser = role.parser("edge", "One cache node.", needs_config=False)
    parser.add_argument(
        "--name", metavar="NODE", help="which of the file's edges; standalone: its name, default `edge`"
    )
    parser.add_argument("--origin", action="append", metavar="URL", help="standalone: what is cached; may be repeated")
    parser.add_argument("--listen", metavar="HOST:PORT", help="standalone: where viewers connect")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="standalone: folder of the cache")
    parser.add_argument("--size", default="10GiB", metavar="SIZE", help="standalone: quota of cached bodies")
    parser.add_argument(
        "--token-keys",
        type=Path,
        metavar="FILE",
        help="standalone: keys of playback tokens, a JSON map of ids and base64",
    )
    parser.add_argument("--brain", action="store_true", help=argparse.SUPPRESS)
    return parser


def _setup(args: argparse.Namespace) -> Setup:
    if args.config is not None:
        if args.origin or args.listen or args.cache or args.token_keys:
            raise ConfigError("--config and --origin, --listen, --cache, --token-keys exclude each other")
        if args.name is None:
            raise ConfigError("--config needs --name: which of its edges this is")
        config = choose(args.config, args.data)
        return from_config(config, layout_of(config), args.name)
    if not (args.origin and args.listen and args.cache):
        raise ConfigError("needed: --config FILE --name NODE, or --origin URL --listen HOST:PORT --cache DIR")
    for origin in args.origin:
        if not _ORIGIN.fullmatch(origin):
            raise ConfigError(f"--origin {origin}: expected http://HOST[:PORT] without a path")
    name = args.name or "edge"
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--name {name}: expected lower-case letters, digits and hyphens, at most 32")
    try:
        where, size_bytes = parse_address(args.listen), parse_size(args.size)
    except ValueError as exc:
        raise ConfigError(f"--listen {args.listen} --size {args.size}: {exc}") from exc
    if size_bytes < 1 << 20:
        raise ConfigError(f"--size {args.size}: expected at least 1MiB")
    return standalone(
        name=name,
        origins=args.origin,
        where=where,
        cache=args.cache.resolve(),
        size_bytes=size_bytes,
        token_keys=args.token_keys.resolve() if args.token_keys is not None else None,
    )


if __name__ == "__main__":
    sys.exit(main())
