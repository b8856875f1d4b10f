"""http-cache-tests (the suite behind cache-tests.fyi) against one node, and its score.

Counted as the suite's own page counts: a test whose dependency did not pass has not passed either.
"""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.app import Brain, create_app
from playnet.asgi.serve import serve
from playnet.config import Address
from tests.node import node_binary

HERE: Final = Path(__file__).parent
_READY_S: Final = 30
_RUN_S: Final = 120


@dataclass(frozen=True, slots=True)
class Test:
    """One test and how it went. `failure` is None when its own checks held."""

    __test__ = False

    id: str
    suite: str
    name: str
    kind: str
    depends_on: tuple[str, ...]
    failure: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """All tests of one run, by id."""

    tests: Mapping[str, Test]

    def has_passed(self, id_: str) -> bool:
        test = self.tests.get(id_)
        return test is not None and test.failure is None and all(map(self.has_passed, test.depends_on))

    def passed(self, kind: str) -> int:
        return sum(test.kind == kind and self.has_passed(test.id) for test in self.tests.values())

    def total(self, kind: str) -> int:
        return sum(test.kind == kind for test in self.tests.values())

    def missed(self, kind: str) -> list[Test]:
        return [test for test in self.tests.values() if test.kind == kind and not self.has_passed(test.id)]


@asynccontextmanager
async def alone(origin: str, port: int, folder: Path) -> AsyncIterator[None]:
    """The brain in this process, without nginx."""
    stop = asyncio.Event()
    brain = Brain(
        name="edge",
        origins=(origin,),
        cache=folder,
        size_bytes=64 << 20,
        max_object_bytes=32 << 20,
        connect_s=3,
        read_s=20,
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(serve(create_app(brain), Address("127.0.0.1", port), stop=stop, date=False), name="brain")
        try:
            await _answers(port)
            yield
        finally:
            stop.set()


@asynccontextmanager
async def through_nginx(origin: str, port: int, folder: Path) -> AsyncIterator[None]:
    """A node as operators run it."""
    argv = ("--origin", origin, "--listen", f"127.0.0.1:{port}", "--cache", str(folder))
    log = folder.with_suffix(".log").open("ab")
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "edge", *argv, stdout=log, stderr=log)
    try:
        await _answers(port)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_READY_S):
            await process.wait()
        log.close()


SUBJECTS: Final[Mapping[str, Callable[[str, int, Path], AbstractAsyncContextManager[None]]]] = {
    "through nginx": through_nginx,
    "brain alone": alone,
}


async def measure(subject: str, folder: Path, *, only: str = "") -> Report:
    """Run the suite against one of SUBJECTS. With `only`, one test, and what it says goes to stderr."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with _origin() as origin, SUBJECTS[subject](origin, port, folder):
        argv = ("suite.mjs", "run", f"http://127.0.0.1:{port}", *([only] if only else []))
        client = await asyncio.create_subprocess_exec(
            node_binary(HERE), "--no-warnings", *argv, cwd=HERE, stdout=asyncio.subprocess.PIPE, limit=1 << 24
        )
        try:
            async with asyncio.timeout(_RUN_S):
                said, _ = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
    *talk, rows = said.decode().strip().split("\n")
    if only:
        sys.stderr.write("\n".join(talk) + "\n")
    return _report(json.loads(rows))


def _report(rows: Sequence[Mapping[str, object]]) -> Report:
    tests = (
        Test(
            id=str(row["id"]),
            suite=str(row["suite"]),
            name=str(row["name"]),
            kind=str(row["kind"]),
            depends_on=tuple(map(str, row["depends_on"])) if isinstance(row["depends_on"], list) else (),
            failure=None if row["failure"] is None else str(row["failure"]),
        )
        for row in rows
    )
    return Report({test.id: test for test in tests})


@asynccontextmanager
async def _origin() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        node_binary(HERE), "--no-warnings", "suite.mjs", "origin", cwd=HERE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_S):
            port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


async def _answers(port: int) -> None:
    async with asyncio.timeout(_READY_S):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")
                head = await reader.readline()
                writer.close()
                if b" 200" in head:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.05)
