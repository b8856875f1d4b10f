"""The test bed: the origin and all contenders in front of it, running side by side."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from . import contenders as proof
from .contenders import Contender
from .nginxes import files, proxy_cache
from .node import node
from .pacing import paced_origin
from .servers import Server
from .trafficserver import trafficserver
from .varnish import varnish

FLOOR: Final = "nginx, plain files"
PROXY_CACHE: Final = "nginx proxy_cache"
VARNISH: Final = "Varnish, memory"
VARNISH_FILE: Final = "Varnish, file"
TRAFFICSERVER: Final = "Traffic Server"
HOT: Final = "PlayNet, hot"
NODE: Final = "PlayNet"
_REPORTS_S: Final = 1.3  # nginx keeps hits for half a second, the brain looks twice a second
TOKENED: Final = "PlayNet, token"
BRAIN: Final = "PlayNet, brain"


@dataclass(frozen=True, slots=True)
class Bed:
    """`floor` serves files and is the origin of all others."""

    www: Path
    folder: Path
    floor: Contender
    caches: tuple[Contender, ...]

    @property
    def all(self) -> tuple[Contender, ...]:
        return (self.floor, *self.caches)


@contextmanager
def bed(sizes: tuple[int, ...], objects: int) -> Iterator[Bed]:
    """Make objects of random bytes, start everything."""
    with TemporaryDirectory(prefix="pn-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        www = folder / "www"
        for size_bytes in sizes:
            tree = www / "v" / str(size_bytes)
            tree.mkdir(parents=True)
            for number in range(1, objects + 1):
                (tree / f"{number}.m4s").write_bytes(os.urandom(size_bytes))
        origin = stack.enter_context(files(folder, www))
        yield Bed(www, folder, Contender(FLOOR, origin, proof.is_file), tuple(caches(stack, folder, origin)))


@contextmanager
def behind_a_line() -> Iterator[tuple[Server, tuple[Contender, ...]]]:
    """A slow origin, and caches of their own in front of it."""
    with TemporaryDirectory(prefix="pn-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        origin = stack.enter_context(paced_origin(folder))
        yield origin, once(tuple(caches(stack, folder, origin)))


def once(contenders: tuple[Contender, ...]) -> tuple[Contender, ...]:
    """Each server once: where nothing is a hit, there is one node."""
    return tuple(
        replace(one, name=NODE) if one.name == HOT else one for one in contenders if one.name not in {BRAIN, TOKENED}
    )


def caches(stack: ExitStack, folder: Path, origin: Server) -> Iterator[Contender]:
    """All caches in front of `origin`, started."""
    where = f"127.0.0.1:{origin.port}"
    yield Contender(PROXY_CACHE, stack.enter_context(proxy_cache(folder, where)), proof.is_nginx_hit)
    yield Contender(VARNISH, stack.enter_context(varnish(folder, where, "malloc")), proof.is_varnish_hit)
    yield Contender(VARNISH_FILE, stack.enter_context(varnish(folder, where, "file")), proof.is_varnish_hit)
    yield Contender(TRAFFICSERVER, stack.enter_context(trafficserver(folder, where)), proof.is_trafficserver_hit)
    edge, token = stack.enter_context(node(folder, where))
    yield Contender(HOT, edge, proof.is_hot, settle_s=_REPORTS_S)
    yield Contender(TOKENED, edge, proof.is_hot, prefix=f"/t/{token}", settle_s=_REPORTS_S)
    yield Contender(BRAIN, edge, proof.is_brain_hit, tree="minutes")
