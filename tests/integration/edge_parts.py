"""A scripted origin and real cache nodes in front of it."""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from edge.adapters.viewer.gate import TokenSettings
from edge.app import Brain, create_app
from edge.core.hot import HOT_FIELDS
from playnet.asgi.serve import serve
from playnet.config import Address
from playnet.http.conditional import if_range_holds
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.http.ranges import Part, Selected, Unsatisfiable, select
from tests.aio import until
from tests.files import bytes_below, files_below

MODIFIED = "Wed, 21 Oct 2015 07:28:00 GMT"
MODIFIED_S = 1445412480


def media(body: bytes, *, tags: str = "asset:a rev:a/1") -> "Script":
    """What the appliance's origin says of an immutable segment."""
    return Script(
        body=body,
        headers={
            "Content-Type": "video/iso.segment",
            "Surrogate-Key": tags,
            "Last-Modified": MODIFIED,
            "ETag": f'"{MODIFIED_S:x}-{len(body):x}"',
            "Accept-Ranges": "bytes",
            **dict(HOT_FIELDS),
        },
    )


def pattern(size: int, seed: int = 1) -> bytes:
    """Bytes in which every wrong offset shows."""
    return b"".join((index * 2654435761 + seed).to_bytes(8, "little") for index in range(size // 8 + 1))[:size]


@dataclass
class Script:
    """How the origin answers one path.

    `ranges`: it answers one range, with 206. `sent_bytes`: of bodies, so far. `pause_at`: after so many body bytes wait for `go`, -1 already before the head; `die_at`: cut the connection.
    """

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    pause_at: int | None = None
    die_at: int | None = None
    chunked: bool = False
    ranges: bool = False
    sent_bytes: int = 0
    go: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, response: web.StreamResponse, data: bytes) -> None:
        """In pieces, each counted before it leaves."""
        for at in range(0, len(data), 1 << 16):
            self.sent_bytes += len(data[at : at + (1 << 16)])
            await response.write(data[at : at + (1 << 16)])

    def saying(self, cache_control: str) -> Self:
        self.headers["Cache-Control"] = cache_control
        return self


class Clock:
    """Stands still but for a microsecond at every look, and moves on when the test says so."""

    def __init__(self) -> None:
        self._now_s = 1_800_000_000.0
        self.ahead_s = 0.0

    def __call__(self) -> float:
        self._now_s += 1e-6
        return self._now_s + self.ahead_s


class Origin:
    """Listens on loopback in the test's own event loop; answers by script and counts."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.scripts: dict[str, Script] = {}
        self.seen: Counter[str] = Counter()
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        server = web.Server(self._handle)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{port}"
        try:
            yield self
        finally:
            for script in self.scripts.values():
                script.go.set()
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path_qs
        self.seen[path] += 1
        self.requests.append(request)  # type: ignore[arg-type]
        if request.can_read_body:
            self.bodies.append(await request.content.read())
        script = self.scripts.get(path) or Script(status=404, body=b"no such thing")
        headers = {"Date": format_date(self._clock()), **script.headers}
        etag = script.headers.get("ETag")
        if etag is not None and request.headers.get("If-None-Match") == etag:
            return web.Response(status=304, headers={k: v for k, v in headers.items() if k != "Content-Type"})
        if script.pause_at == -1:
            script.reached.set()
            await script.go.wait()
        selected = self._selected(request, script) if script.ranges and script.status == 200 else None
        if isinstance(selected, Unsatisfiable):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(script.body)}"})
        whole = script.body
        if isinstance(selected, Part):
            headers["Content-Range"] = selected.content_range(len(whole))
            whole = whole[selected.first : selected.last + 1]
        status = 206 if isinstance(selected, Part) else script.status
        response = web.StreamResponse(status=status, headers=headers)
        if script.chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = len(whole)
        await response.prepare(request)
        if request.method != "HEAD":
            with suppress(ConnectionError):  # the node gave up
                await self._send(request, response, script, whole)
        return response

    def _selected(self, request: web.BaseRequest, script: Script) -> Selected:
        named = Fields.of(request.headers.items())
        holds = if_range_holds(named, Fields.of([*script.headers.items(), ("Date", format_date(self._clock()))]))
        return select(named.get("range") if holds else None, len(script.body))

    async def _send(self, request: web.BaseRequest, response: web.StreamResponse, script: Script, body: bytes) -> None:
        stop = min(at for at in (script.pause_at, script.die_at, len(body)) if at is not None and at >= 0)
        await script.send(response, body[:stop])
        script.reached.set()
        if script.pause_at is not None:
            await script.go.wait()
        if script.die_at is not None:
            assert request.transport is not None
            request.transport.abort()
            return
        await script.send(response, body[stop:])


def cache_status(response: aiohttp.ClientResponse) -> str:
    """The last member of Cache-Status, without the node's name."""
    return response.headers["Cache-Status"].rpartition(",")[2].partition(";")[2].strip()


@dataclass
class Lab:
    """An origin, a node in front of it and a client."""

    origin: Origin
    url: str
    client: aiohttp.ClientSession
    cache: Path
    clock: Clock

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, bytes]:
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.client.get(URL(self.url + path, encoded=True), headers=wanted) as response:
            return response, await response.read()

    @property
    def files(self) -> list[Path]:
        return files_below(self.cache / "bodies")

    @property
    def disk_bytes(self) -> int:
        return bytes_below(self.cache / "bodies") + bytes_below(self.cache / "temp")

    async def hot(self, path: str) -> None:
        """The entry stands in the hot tree: that comes after its body is in place."""
        await until((self.cache / "hot" / path.lstrip("/")).exists)

    async def settled(self) -> None:
        """No fill is under way: temporary files are gone, and nobody can join those who wrote them any more."""

        async def over() -> bool:
            if any((self.cache / "temp").iterdir()):
                return False
            response, told = await self.get("/metrics")  # not to be had through a node's nginx
            return response.status == 404 or b"\nplaynet_edge_open_fills 0.0" in told

        await until(over)


@asynccontextmanager
async def brain(
    port: int, cache: Path, *, size_bytes: int = 64 << 20, max_object_bytes: int = 32 << 20, redis_url: str | None = None,
    origins: Sequence[str] = ("",), read_s: float = 5, clock: Clock | None = None,
    honour_request_directives: bool = False, spare_bytes: int = 0, slice_bytes: int = 8 << 20, memory_bytes: int = 0, admission: str = "always",
    tokens: TokenSettings | None = None,
) -> AsyncIterator[Lab]:  # fmt: skip
    """A brain in this process, without nginx, whose clock the test moves. An empty origin stands for the scripted one."""
    clock, stop = clock or Clock(), asyncio.Event()
    async with Origin(clock).running() as origin, aiohttp.ClientSession(auto_decompress=False) as client:
        settings = Brain(
            name="edge-t", origins=tuple(url or origin.url for url in origins), cache=cache, size_bytes=size_bytes,
            max_object_bytes=max_object_bytes, slice_bytes=slice_bytes, connect_s=1, read_s=read_s, redis_url=redis_url,
            honour_request_directives=honour_request_directives, spare_bytes=spare_bytes, memory_bytes=memory_bytes,
            admission=admission, tokens=tokens,
        )  # fmt: skip
        async with asyncio.TaskGroup() as group:
            app = create_app(settings, clock=clock)
            group.create_task(serve(app, Address("127.0.0.1", port), stop=stop, date=False), name="brain")
            lab = Lab(origin, f"http://127.0.0.1:{port}", client, cache, clock)
            try:
                await ready(lab)
                yield lab
            finally:
                for script in origin.scripts.values():
                    script.go.set()
                stop.set()


async def ready(lab: Lab, process: asyncio.subprocess.Process | None = None) -> None:
    async def answers() -> bool:
        assert process is None or process.returncode is None, "the node ended"
        try:
            return (await lab.get("/readyz"))[0].status == 200
        except aiohttp.ClientError:
            return False

    await until(answers)


@asynccontextmanager
async def node(
    port: int, folder: Path, argv: Sequence[str], cache: Path, origin: Origin
) -> AsyncIterator[tuple[Lab, int]]:
    """A node as operators run it: its supervisor, brain and nginx as processes. Gives its pid too."""
    log = (folder / "edge.log").open("ab")
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "edge", *argv, stdout=log, stderr=log)
    async with aiohttp.ClientSession(auto_decompress=False) as client:
        lab = Lab(origin, f"http://127.0.0.1:{port}", client, cache, Clock())
        try:
            await ready(lab, process)
            yield lab, process.pid
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(30):
                await process.wait()
            log.close()
    assert process.returncode == 0, (folder / "edge.log").read_text()[-3000:]


@asynccontextmanager
async def standalone(folder: Path, port: int, *more: str) -> AsyncIterator[tuple[Lab, int]]:
    """`playnet edge --origin …` in front of a scripted origin. Gives its pid too."""
    cache = folder / "c"
    async with Origin().running() as origin:
        argv = ["--origin", origin.url, "--listen", f"127.0.0.1:{port}", "--cache", str(cache), "--size", "64MiB"]
        async with node(port, folder, [*argv, *more], cache, origin) as (lab, pid):
            yield lab, pid


def children(pid: int) -> dict[int, str]:
    """Pids and command lines of direct children."""
    found = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found[int(child)] = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found
