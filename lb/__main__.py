"""`python -m lb [render] --config FILE [--data DIR]`: the front in the foreground, or its nginx.conf on stdout."""

import argparse
import asyncio
import sys
from pathlib import Path

from playnet.errors import ConfigError, PlayNetError
from playnet.logs import configure

from .app import rendered, run


def main() -> int:
    """Exit code: 0 done, 1 failed, 2 wrong command line or configuration."""
    parser = argparse.ArgumentParser(prog="playnet lb", description="The front nginx.", allow_abbrev=False)
    parser.add_argument("action", nargs="?", choices=["run", "render"], default="run")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", type=Path, metavar="DIR", help="instead of the file's data_dir")
    args = parser.parse_args()
    data = args.data.resolve() if args.data else None
    try:
        if args.action == "render":
            sys.stdout.write(rendered(args.config, data))
        else:
            configure("lb")
            asyncio.run(run(args.config, data))
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        return 2
    except PlayNetError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
