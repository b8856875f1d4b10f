"""`python -m transcoder --config FILE [--data DIR]`: one host's workers in the foreground."""

import argparse
import asyncio
import sys
from pathlib import Path

from playnet.config import load
from playnet.errors import ConfigError, PlayNetError
from playnet.layout import layout_of
from playnet.logs import configure

from .app import run


def main() -> int:
    """Exit code: 0 done, 1 failed, 2 wrong command line or configuration."""
    parser = argparse.ArgumentParser(prog="playnet transcoder", description="Encodes sources.", allow_abbrev=False)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path, metavar="DIR", help="instead of the file's data_dir")
    args = parser.parse_args()
    try:
        config = load(args.config)
        if args.data is not None:
            config = config.model_copy(update={"data_dir": args.data.resolve()})
        configure("transcoder")
        asyncio.run(run(config, layout_of(config)))
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        return 2
    except PlayNetError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
