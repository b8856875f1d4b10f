"""What the command lines of all services share: `--config`, `--data`, and how they end."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from playnet.errors import ConfigError, PlayNetError


def parser(role: str, description: str, *, needs_config: bool = True) -> argparse.ArgumentParser:
    """A parser with `--config FILE` and `--data DIR`."""
    made = argparse.ArgumentParser(prog=f"playnet {role}", description=description, allow_abbrev=False)
    made.add_argument("--config", type=Path, required=needs_config, metavar="FILE", help="the appliance's YAML file")
    made.add_argument("--data", type=Path, metavar="DIR", help="instead of the file's data_dir")
    return made


def exit_code(run: Callable[[], object]) -> int:
    """Run to the end: 0 done, 1 failed, 2 wrong command line or configuration; the reason goes to stderr."""
    try:
        run()
    except ConfigError as exc:
        print(exc, file=sys.stderr)
        return 2
    except PlayNetError as exc:
        print(exc, file=sys.stderr)
        return 1
    return 0
