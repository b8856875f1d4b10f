"""Our node as operators run it: supervisor, nginx and brain, nginx's report of every hit to the brain."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .servers import Server, folder_of, free_port, serving


@contextmanager
def node(parent: Path, origin: str) -> Iterator[Server]:
    """`origin`: HOST:PORT."""
    port, folder = free_port(), folder_of(parent, "node")
    argv = [sys.executable, "-m", "edge", "--origin", f"http://{origin}", "--listen", f"127.0.0.1:{port}"]
    argv += ["--cache", str(folder / "cache"), "--size", "4GiB"]
    with serving(argv, port, folder / "log") as server:
        yield server
