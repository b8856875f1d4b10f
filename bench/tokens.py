"""Private video on the hot path: what the check of a playback token costs, at 200 KB and 1 MB.

One node with njs serves the same bytes as a public object (hot tree), as a private one to a token (sealed tree), and as a
private one after something was revoked: then every verdict looks for all that could concern it. Next to it a node whose
brain checks, as where nginx has no njs, and nginx with the same files and no check at all. CPU microseconds of all server
processes per request.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.edge import wrk
from bench.edge.contenders import Contender, Fields, is_file, is_hot, warm
from bench.edge.nginxes import files
from bench.edge.node import node
from bench.edge.servers import Server, folder_of
from bench.rounds import interleave, show
from edge.adapters.revoked import Revoked
from playnet.tokens import Revocation

_SIZES: Final = (200 << 10, 1 << 20)
_OBJECTS: Final = 16
_CONNECTIONS: Final = 64
_SECONDS: Final = 3
_SETTLE_S: Final = 1.3  # a node's brain reads what was hit twice a second


def run() -> None:
    """One table for each size."""
    with TemporaryDirectory(prefix="pn-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        origin = stack.enter_context(files(folder, _objects(folder)))
        contenders = [Contender("nginx, plain files", origin, is_file), *_nodes(stack, folder, origin)]
        for size_bytes in _SIZES:
            wire = {one.name: warm(one, folder / "www", size_bytes, range(1, _OBJECTS + 1)) for one in contenders}
            load = wrk.Load(size_bytes, _CONNECTIONS, _OBJECTS, _SECONDS)
            runs = {one.name: partial(wrk.measure, one, load, folder, wire[one.name]) for one in contenders}
            figures, steal = interleave(runs)
            show(
                f"{size_bytes >> 10} KB, {_CONNECTIONS} connections", figures, cost="CPU µs/request", rate="requests/s",
                steal=steal, peer="public",
            )  # fmt: skip


def _objects(folder: Path) -> Path:
    for size_bytes in _SIZES:
        tree = folder / "www" / "v" / str(size_bytes)
        tree.mkdir(parents=True)
        for number in range(1, _OBJECTS + 1):
            (tree / f"{number}.m4s").write_bytes(os.urandom(size_bytes))
    return folder / "www"


def _nodes(stack: ExitStack, folder: Path, origin: Server) -> Iterator[Contender]:
    """The brain's node is asked in a spelling that nginx leaves to it."""
    for name, has_token, tree, is_hit, revoked in (
        ("public", False, "v", is_hot, False),
        ("token", True, "private", _is_sealed, False),
        ("token, revocations", True, "private", _is_sealed, True),
        ("token, brain", True, "%70rivate", _is_brains, False),
    ):
        place = folder_of(folder, name.replace(", ", "-"))
        server, token = stack.enter_context(node(place, f"127.0.0.1:{origin.port}"))
        if revoked:
            order = Revocation(kind="subject", value="mallory", at=int(time.time()))
            Revoked(place / "node" / "cache" / "revoked").apply(order)
        yield Contender(
            name, server, is_hit, prefix=f"/t/{token}" if has_token else "", tree=tree, settle_s=_SETTLE_S
        )  # fmt: skip


def _is_sealed(fields: Fields) -> bool:
    return "detail=sealed" in fields.get("cache-status", "")


def _is_brains(fields: Fields) -> bool:
    return "; hit; ttl=" in fields.get("cache-status", "")
