"""Several nodes in front of one scripted origin: as processes with their nginx, or as brains in this process."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import yaml
from yarl import URL

from edge.app import Brain, create_app
from edge.core.key import Key
from edge.core.parents import Fleet, ring_key
from edge.core.proof import Prover
from playnet.asgi.serve import serve
from playnet.config import Address
from playnet.ring import Node, Ring
from tests.aio import until
from tests.integration.edge_parts import Clock, Lab, Origin, ready

Port = Callable[[], int]
SECRET = "a secret of this fleet's own"


@dataclass
class Nodes:
    """`labs` by name of the node; `client` has no bound of its own."""

    origin: Origin
    labs: dict[str, Lab]
    ring: Ring
    client: aiohttp.ClientSession
    pids: dict[str, int]

    def order(self, path: str) -> list[str]:
        """The nodes in the order in which they own a path."""
        return [node.name for node in self.ring.preference(ring_key(Key(path)))]

    async def get(self, node: str, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.get(URL(self.labs[node].url + path, encoded=True), headers=wanted) as response:
            return response, await response.read()


@asynccontextmanager
async def processes(
    folder: Path, free_port: Port, redis_url: str, *, count: int = 4, **parents: object
) -> AsyncIterator[Nodes]:
    """Nodes as operators run them: brain and nginx each, one YAML file."""
    ports = {f"edge-{number}": free_port() for number in range(1, count + 1)}
    async with Origin().running() as origin:
        (folder / "redis").write_text(redis_url)
        (folder / "key").write_text(SECRET)
        settings = {
            "data_dir": "d",
            "redis": {"url_file": "redis"},
            "origin": {"listen": origin.url.removeprefix("http://")},
            "lb": {"listen": f"127.0.0.1:{free_port()}"},
            "edges": [{"name": name, "listen": f"127.0.0.1:{port}", "size": "64MiB"} for name, port in ports.items()],
            "edge_tuning": {"free_space": "0B", "parents": {"key_file": "key", **parents}},
        }
        (folder / "p.yaml").write_text(yaml.safe_dump(settings))
        log = (folder / "edge.log").open("ab")
        children = {
            name: await asyncio.create_subprocess_exec(
                sys.executable, "-m", "edge", "--config", str(folder / "p.yaml"), "--name", name, stdout=log, stderr=log
            )
            for name in ports
        }
        log.close()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as client:
            labs = {
                name: Lab(origin, f"http://127.0.0.1:{port}", client, folder / "d" / "edges" / name, Clock())
                for name, port in ports.items()
            }
            try:
                async with asyncio.TaskGroup() as group:
                    for name, child in children.items():
                        group.create_task(ready(labs[name], child))
                pids = {name: child.pid for name, child in children.items()}
                yield Nodes(origin, labs, _ring(ports), client, pids)
            finally:
                for child in children.values():
                    if child.returncode is None:
                        child.send_signal(signal.SIGTERM)
                async with asyncio.timeout(30):
                    codes = [await child.wait() for child in children.values()]
        assert set(codes) == {0}, (folder / "edge.log").read_text()[-3000:]


@asynccontextmanager
async def brains(
    folder: Path, free_port: Port, *, redis_urls: Sequence[str | None] = (None, None), shields: tuple[str, ...] = (),
    keys: Sequence[str] | None = None, absent: tuple[str, ...] = (), prefetch: bool = False,
    slice_bytes: int = 8 << 20,
) -> AsyncIterator[Nodes]:  # fmt: skip
    """Brains without nginx, one for each of `redis_urls`, on one clock. `keys`: what each takes for the fleet's secret; `absent`: do not run."""
    ports = {f"edge-{number}": free_port() for number in range(1, len(redis_urls) + 1)}
    clock, stop = Clock(), asyncio.Event()
    async with Origin(clock).running() as origin, aiohttp.ClientSession(auto_decompress=False) as client:
        labs = {}
        async with asyncio.TaskGroup() as group:
            for (name, port), redis_url, key in zip(
                ports.items(), redis_urls, keys or [SECRET] * len(ports), strict=True
            ):
                if name in absent:
                    continue
                fleet = Fleet(name, _nodes(ports), uses_ring=True, shields=shields)
                settings = Brain(
                    name=name, origins=(origin.url,), cache=folder / name, size_bytes=64 << 20, max_object_bytes=32 << 20,
                    connect_s=1, read_s=5, redis_url=redis_url, fleet=fleet, prover=Prover(name, key.encode()),
                    prefetch=prefetch, slice_bytes=slice_bytes,
                )  # fmt: skip
                app = create_app(settings, clock=clock)
                group.create_task(serve(app, Address("127.0.0.1", port), stop=stop, date=False), name=name)
                labs[name] = Lab(origin, f"http://127.0.0.1:{port}", client, folder / name, clock)
            try:
                for lab in labs.values():
                    await ready(lab)
                yield Nodes(origin, labs, _ring(ports), client, {})
            finally:
                for script in origin.scripts.values():
                    script.go.set()
                stop.set()


def _nodes(ports: dict[str, int]) -> list[Node]:
    return [Node(name, Address("127.0.0.1", port)) for name, port in ports.items()]


def _ring(ports: dict[str, int]) -> Ring:
    return Ring(_nodes(ports))


async def all_settled(nodes: Nodes) -> None:
    """No fill is under way anywhere."""
    for lab in nodes.labs.values():
        await until(lambda lab=lab: not any((lab.cache / "temp").iterdir()))  # type: ignore[misc]
