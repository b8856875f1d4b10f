"""Our node as operators run it: supervisor, nginx and brain, nginx's report of every hit to the brain."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playnet.tokens import Claims, KeySet, mint

from .servers import Server, folder_of, free_port, serving

_LIFE_S: Final = 7200


@contextmanager
def node(parent: Path, origin: str) -> Iterator[tuple[Server, str]]:
    """`origin`: HOST:PORT. Gives also a playback token for everything."""
    port, folder = free_port(), folder_of(parent, "node")
    keys = KeySet({"k1": os.urandom(32)})
    (folder / "keys.json").write_text(keys.dumped())
    now = int(time.time())
    argv = [sys.executable, "-m", "edge", "--origin", f"http://{origin}", "--listen", f"127.0.0.1:{port}"]
    argv += ["--cache", str(folder / "cache"), "--size", "4GiB", "--token-keys", str(folder / "keys.json")]
    with serving(argv, port, folder / "log") as server:
        yield server, mint(keys, Claims(issued_s=now, expires_s=now + _LIFE_S, prefix="/"))
