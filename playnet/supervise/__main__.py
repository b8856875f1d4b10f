"""The supervisor in the background: `python -m playnet.supervise --report FD [--config F] [--data DIR]`.

Started by `playnet up --detach`. Its own output goes to DATA/logs/supervisor.log once everything is ready.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from playnet.config.choose import choose
from playnet.errors import ConfigError, PlayNetError
from playnet.layout import layout_of
from playnet.logs import configure

from .host import run_appliance
from .process import bound_log
from .report import Reporter


class _Detached(Reporter):
    """Lets go of the terminal, or of whatever reads our output, as soon as nobody waits any more."""

    def __init__(self, fd: int, log: Path) -> None:
        super().__init__(fd)
        self._log = log

    def up(self) -> None:
        try:
            bound_log(self._log)
            file = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
        except OSError:  # a full disk: the children's logs say so
            file = os.open(os.devnull, os.O_WRONLY)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.close(file)
        super().up()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m playnet.supervise")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--report", type=int, required=True)
    args = parser.parse_args()
    os.set_inheritable(args.report, False)
    configure("supervisor")
    reporter = Reporter(args.report)
    try:
        config = choose(args.config, args.data)
        reporter = _Detached(args.report, layout_of(config).logs / "supervisor.log")
        asyncio.run(run_appliance(config, reporter))
    except PlayNetError as exc:
        reporter.failed(exc)
        return 2 if isinstance(exc, ConfigError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
