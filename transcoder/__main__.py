"""`python -m transcoder --config FILE [--data DIR]`: one host's workers in the foreground."""

import asyncio
import sys

from playnet import role
from playnet.config.choose import choose
from playnet.layout import layout_of
from playnet.logs import configure

from .app import run


def main() -> int:
    """See `role.exit_code`."""
    args = role.parser("transcoder", "Encodes sources.").parse_args()

    def work() -> None:
        config = choose(args.config, args.data)
        configure("transcoder")
        asyncio.run(run(config, layout_of(config)))

    return role.exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
