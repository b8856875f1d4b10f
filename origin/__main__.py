"""`python -m origin --config FILE [--data DIR]`: one origin in the foreground."""

import asyncio
import sys

from playnet import role
from playnet.config.choose import choose
from playnet.layout import layout_of
from playnet.logs import configure

from .app import run


def main() -> int:
    """See `role.exit_code`."""
    args = role.parser("origin", "API, uploads, media.").parse_args()

    def work() -> None:
        config = choose(args.config, args.data)
        configure("origin")
        asyncio.run(run(config, layout_of(config)))

    return role.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
