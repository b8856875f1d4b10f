"""`python -m lb [render] --config FILE [--data DIR]`: the front in the foreground, or its nginx.conf on stdout."""

import asyncio
import sys

from playnet import role
from playnet.logs import configure

from .app import rendered, run


def main() -> int:
    """See `role.exit_code`."""
    parser = role.parser("lb", "The front nginx.")
    parser.add_argument("action", nargs="?", choices=["run", "render"], default="run")
    args = parser.parse_args()
    data = args.data.absolute() if args.data else None

    def work() -> None:
        if args.action == "render":
            sys.stdout.write(rendered(args.config, data))
            return
        configure("lb")
        asyncio.run(run(args.config, data))

    return role.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
