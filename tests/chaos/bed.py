"""One node as operators run it, with Redis, in front of a chaotic origin: what to kill, purge and watch."""

import asyncio
import itertools
import json
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from redis.asyncio import Redis, from_url

from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import until
from tests.integration.edge_parts import children

from .catalogue import Catalogue
from .origin import Origin
from .viewers import Habits, Viewers

_NODE: Final = "edge-1"
_ANSWER_S: Final = 5
_ACKNOWLEDGE_S: Final = 60


def number(name: str, default: int) -> int:
    """A setting of the run, from PLAYNET_CHAOS_<name>."""
    return int(os.environ.get(f"PLAYNET_CHAOS_{name}", default))


def seeded() -> random.Random:
    """The run's chance; pytest shows the line when the test fails."""
    seed = number("SEED", 1)
    print(f"PLAYNET_CHAOS_SEED={seed}")
    return random.Random(seed)


@dataclass
class Bed:
    """`pid` is the node's supervisor."""

    folder: Path
    pid: int
    port: int
    catalogue: Catalogue
    origin: Origin
    viewers: Viewers
    redis: Redis
    orders: "itertools.count[int]"

    @property
    def cache(self) -> Path:
        return self.folder / "d" / "edges" / _NODE

    def child(self, name: str) -> int | None:
        """Pid of `brain` or `nginx`, while it lives."""
        for pid, command in children(self.pid).items():
            if (name == "brain") == command.rstrip().endswith("--brain") and (name == "brain" or "nginx" in command):
                return pid
        return None

    async def kill(self, name: str) -> None:
        """kill -9, of nginx all processes; the supervisor notices by itself."""
        await until(lambda: self.child(name) is not None)
        pid = self.child(name)
        assert pid is not None
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    async def told(self, path: str) -> Any:
        """What the brain says on its socket: JSON, or text."""
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(str(self.folder / "d" / "run" / f"{_NODE}.brain.sock"))
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                head, _, body = (await reader.read(-1)).decode().partition("\r\n\r\n")
            finally:
                writer.transport.abort()
        return json.loads(body) if "json" in head else body

    async def metric(self, name: str) -> float:
        """The sum over its labels."""
        lines = str(await self.told("/metrics")).splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))

    async def ready(self) -> bool:
        """Brain and nginx both answer."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    head = await reader.read(-1)
                finally:
                    writer.transport.abort()
        except (OSError, TimeoutError):
            return False
        return head.startswith(b"HTTP/1.1 200")

    async def purge(self, path: str) -> None:
        """The origin gets another version, the node is told; from its acknowledgement on the old one is wrong."""
        version = self.catalogue.supersede(path)
        await self._order(PurgeOrder(kind="tag", value=f"one:{path}"))
        self.viewers.oldest[path] = version

    async def purge_all(self) -> None:
        """Everything, under its tag; the origin has the same versions as before."""
        await self._order(PurgeOrder(kind="tag", value="all"))

    async def _order(self, what: PurgeOrder) -> None:
        order = next(self.orders)
        await PurgeLog(self.redis).append([(order, what)])

        async def acknowledged() -> bool:
            try:
                return int((await self.told("/debug/node"))["purge_position"]) >= order
            except (OSError, TimeoutError, ValueError, KeyError, TypeError):
                return False  # a brain that was killed

        await until(acknowledged, deadline_s=_ACKNOWLEDGE_S)

    @asynccontextmanager
    async def purging(self, rng: random.Random, pause_s: float) -> AsyncIterator[None]:
        """One object after the other for as long as the block runs."""
        paths, stop = list(self.catalogue.sizes), asyncio.Event()

        async def purge() -> None:
            while not stop.is_set():
                await self.purge(rng.choice(paths))
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause_s):
                        await stop.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(purge(), name="purging")
            try:
                yield
            finally:
                stop.set()


@asynccontextmanager
async def bed(
    folder: Path, port: int, redis_url: str, catalogue: Catalogue, rng: random.Random, *, size: str = "64MiB",
    habits: Habits | None = None, first_order: int = 0,
) -> AsyncIterator[Bed]:  # fmt: skip
    """Start everything; the node must end well at the end. Purge orders are numbered from behind `first_order`."""
    log = (folder / "edge.log").open("ab")
    async with Origin(catalogue, rng).running() as origin, from_url(redis_url) as redis:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "edge", "--config", str(_config(folder, port, redis_url, origin, size)),
            "--name", _NODE, stdout=log, stderr=log,
        )  # fmt: skip
        viewers = Viewers(catalogue, port, rng, habits or Habits())
        running = Bed(folder, process.pid, port, catalogue, origin, viewers, redis, itertools.count(first_order + 1))
        try:
            await until(running.ready)
            yield running
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                await process.wait()
            log.close()
    assert process.returncode == 0, (folder / "edge.log").read_text()[-3000:]


def _config(folder: Path, port: int, redis_url: str, origin: Origin, size: str) -> Path:
    (folder / "redis").write_text(redis_url)
    config = {
        "data_dir": str(folder / "d"),
        "redis": {"url_file": str(folder / "redis")},
        "origin": {"listen": f"127.0.0.1:{origin.port}"},
        "edges": [{"name": _NODE, "listen": f"127.0.0.1:{port}", "size": size}],
        "edge_tuning": {"read_timeout": "5s", "free_space": "0B"},
    }
    file = folder / "playnet.yaml"
    file.write_text(yaml.safe_dump(config))
    return file
