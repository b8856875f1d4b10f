"""The rendered front on the host's nginx, between fake nodes, a fake origin and hostile clients."""

import asyncio
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import aiohttp
import pytest
from aiohttp import web

from edge.core.nginx import Node
from edge.core.nginx import render as render_edge
from lb.core.nginx import render
from playnet.config import Config
from playnet.layout import Layout
from playnet.nginx import Instance, find_nginx
from playnet.ring import ring_of
from tests.aio import run, until
from tests.nginxes import running

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Fake:
    """A node or the origin: answers with its name and what it was asked; `respond` takes over single paths."""

    name: str
    port: int
    seen: list[web.Request] = field(default_factory=list)
    respond: dict[str, Handler] = field(default_factory=dict)
    runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", r"/{tail:[\s\S]*}", self.answer)
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        handler = self.respond.get(request.path) or self.respond.get("*")
        return await handler(request) if handler else web.Response(text=self.name)


@dataclass
class System:
    """A front with its fakes. `get` follows nothing and checks nothing."""

    config: Config
    layout: Layout
    nodes: dict[str, Fake]
    origin: Fake
    http: aiohttp.ClientSession

    def url(self, path: str) -> str:
        return f"http://{self.config.lb.listen}{path}"

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with self.http.get(self.url(path), headers=headers, allow_redirects=False) as reply:
            return reply.status, await reply.text()

    async def raw(self, request: bytes) -> bytes:
        """Bytes as they are, without a client that tidies them."""
        reader, writer = await asyncio.open_connection(self.config.lb.listen.host, self.config.lb.listen.port)
        writer.write(request)
        try:
            return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def system(
    folder: Path, free_port: Callable[[], int], *, nodes: int = 3, protect: Mapping[str, object] = MappingProxyType({}),
    **lb: object,
) -> AsyncIterator[System]:  # fmt: skip
    names = [f"edge-{index}" for index in range(nodes)]
    config = Config.model_validate({
        "edges": [{"name": name, "listen": f"127.0.0.1:{free_port()}", "weight": 1 + n} for n, name in enumerate(names)],
        "origin": {"listen": f"127.0.0.1:{free_port()}", "max_source": "8MiB", "upload_idle": "5s"},
        "lb": {"listen": f"127.0.0.1:{free_port()}", "max_fails": 1, "connect_timeout": "500ms", **lb},
        "protect": dict(protect),
    })  # fmt: skip
    layout = Layout(folder)
    layout.logs.mkdir()
    instance = Instance(find_nginx(), layout.nginx("lb"))
    instance.prepare()
    instance.install(render(config, layout, instance.process(workers=1)))
    fakes = {edge.name: Fake(edge.name, edge.listen.port) for edge in config.edges}
    origin = Fake("origin", config.origin.listen.port)
    async with AsyncExitStack() as stack:
        for fake in (*fakes.values(), origin):
            await fake.start()
            stack.push_async_callback(fake.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
        stack.enter_context(running(instance, config.lb.listen.port, "/readyz"))
        yield System(config, layout, fakes, origin, http)


KEYS = [f"/v/abc{n}/1/720p/{n}.m4s" for n in range(60)]


def test_objects_go_to_their_node_and_the_rest_to_the_origin(short_tmp: Path, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        async with system(short_tmp, free_port) as front:
            ring = ring_of(front.config)
            for key in KEYS:
                owner = ring.locate(key)
                assert owner is not None
                for spelling in (key, f"/t/to.ken-{key[-5]}{key}", f"{key}?CMCD=bl%3D1", key.replace("/v/a", "/v/%61")):
                    assert await front.get(spelling) == (200, owner.name), spelling
            for path in ("/", "/watch/abc", "/api/v1/assets", "/api/v1/assets/abc", "/assets/app.js", "/v", "/live"):
                assert await front.get(path) == (200, "origin"), path

    run(scenario())


def test_a_node_killed_mid_run_is_replaced_by_the_next_on_the_ring(
    short_tmp: Path, free_port: Callable[[], int]
) -> None:
    async def scenario() -> None:
        async with system(short_tmp, free_port, nodes=4, fail_timeout="60s") as front:
            ring = ring_of(front.config)
            assert {await front.get(key) for key in KEYS} == {(200, name) for name in front.nodes}
            await front.nodes["edge-2"].stop()
            for key in KEYS:
                survivor = ring.locate(key, {"edge-2"})
                assert survivor is not None
                assert await front.get(key) == (200, survivor.name)

    run(scenario())


def test_a_node_whose_brain_is_dead_passes_its_keys_on(short_tmp: Path, free_port: Callable[[], int]) -> None:
    """The node's nginx is a real one with an edge's configuration; a viewer who comes directly gets an answer."""

    async def scenario() -> None:
        async with system(short_tmp, free_port) as front:
            await front.nodes["edge-2"].stop()
            edge = front.config.edge("edge-2")
            instance = Instance(find_nginx(), short_tmp / "edge")
            instance.prepare()
            node = Node(
                name=edge.name, listen=edge.listen, hot=short_tmp / "hot", bodies=short_tmp / "bodies",
                brain=short_tmp / "brain.sock", reports=short_tmp / "hot.log",
                process=instance.process(workers=1), brain_timeout_s=1,
            )  # fmt: skip
            instance.install(render_edge(node))
            with running(instance, edge.listen.port, "/metrics"):
                async with front.http.get(f"http://{edge.listen}{KEYS[0]}") as direct:
                    assert (direct.status, direct.headers["Retry-After"]) == (503, "2")
                assert {await front.get(key) for key in KEYS} == {(200, "edge-0"), (200, "edge-1")}

    run(scenario())


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_origin_outage_takes_no_node_out_of_the_ring(
    short_tmp: Path, free_port: Callable[[], int], status: int
) -> None:
    async def origin_gone(_: web.Request) -> web.Response:
        return web.Response(status=status, text="origin gone")

    async def scenario() -> None:
        async with system(short_tmp, free_port) as front:
            for node in front.nodes.values():
                node.respond |= {f"/v/miss/{n}": origin_gone for n in range(30)}
            assert {await front.get(f"/v/miss/{n}") for n in range(30)} == {(status, "origin gone")}
            assert sum(len(node.seen) for node in front.nodes.values()) == 30
            owners = {key: ring_of(front.config).locate(key) for key in KEYS}
            assert {key: await front.get(key) for key in KEYS} == {
                key: (200, node.name) for key, node in owners.items() if node
            }

    run(scenario())


def test_writes_are_not_repeated_at_another_node(short_tmp: Path, free_port: Callable[[], int]) -> None:
    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async def scenario() -> None:
        async with system(short_tmp, free_port) as front:
            for node in front.nodes.values():
                node.respond["*"] = hang_up
            async with front.http.post(front.url("/v/x"), data=b"x") as reply:
                assert reply.status == 502
            assert sum(len(node.seen) for node in front.nodes.values()) == 1

    run(scenario())


def test_claims_of_clients_and_upstreams_do_not_pass(short_tmp: Path, free_port: Callable[[], int]) -> None:
    async def accel(_: web.Request) -> web.Response:
        fields = {"X-Accel-Redirect": "/healthz", "X-Request-Id": "theirs", "Surrogate-Key": "web"}
        return web.Response(text="body", headers=fields)

    async def scenario() -> None:
        async with system(short_tmp, free_port) as front:
            front.origin.respond["/"] = accel
            forged = {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https", "Forwarded": "for=1.2.3.4",
                      "X-Request-Id": "forged-id", "Via": "1.1 elsewhere", "Range": "bytes=0-1"}  # fmt: skip
            async with front.http.get(front.url("/"), headers=forged) as reply:
                assert await reply.text() == "body"
                (request_id,) = reply.headers.getall("X-Request-Id")
                assert "Surrogate-Key" not in reply.headers
            got = front.origin.seen[-1].headers
            assert (got["X-Forwarded-For"], got["X-Forwarded-Proto"], got["Range"]) == (
                "127.0.0.1",
                "http",
                "bytes=0-1",
            )
            assert got["X-Request-Id"] == request_id != "forged-id"
            assert got["Via"] == "1.1 elsewhere, 1.1 playnet-front"
            assert "Forwarded" not in got

    run(scenario())


@pytest.mark.parametrize(
    ("target", "status", "passed_on"),
    [
        pytest.param("/metrics", 404, None, id="metrics"),
        pytest.param("//metrics", 404, None, id="metrics-doubled-slash"),
        pytest.param("/v/..%2fmetrics", 404, None, id="metrics-escaped-slash"),
        pytest.param("/%6detrics", 404, None, id="metrics-escaped-letter"),
        pytest.param("/v/../../etc/passwd", 400, None, id="above-the-root"),
        pytest.param("/v/a%00b", 400, None, id="nul"),
        pytest.param("/v/%zz", 400, None, id="broken-escape"),
        pytest.param("/v/" + "a" * 20_000, 414, None, id="long-target"),
        pytest.param("/t/tok/readyz", 404, None, id="no-token-leads-to-the-origin"),
        pytest.param("/t/tok/live/b", 200, "/t/tok/live/b", id="tokens-lead-to-media"),
        pytest.param("/v/../v/./b", 200, "/v/b", id="dots-are-resolved"),
        pytest.param("/t/tok/%2e%2e/%2e%2e/api/v1", 200, "/api/v1", id="escaped-dots-are-resolved"),
        pytest.param("/v/a%0d%0aX-Bad:%201", 200, "/v/a%0D%0AX-Bad:%201", id="line-breaks-stay-escaped"),
        pytest.param("/v/a%3fb%23c?d=%2f", 200, "/v/a%3Fb%23c?d=%2f", id="escapes-keep-their-meaning"),
    ],
)
def test_what_the_front_decides_on_is_what_the_next_hop_sees(
    short_tmp: Path, free_port: Callable[[], int], target: str, status: int, passed_on: str | None
) -> None:
    async def scenario() -> None:
        async with system(short_tmp, free_port, nodes=1) as front:
            answer = await front.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            assert int(answer.split()[1]) == status
            assert [request.raw_path for fake in (*front.nodes.values(), front.origin) for request in fake.seen] == [
                path for path in [passed_on] if path
            ]
            if status >= 400:
                head, _, body = answer.partition(b"\r\n\r\n")
                assert b"application/problem+json" in head
                assert json.loads(body)["status"] == status

    run(scenario())


def test_a_huge_header_is_refused_in_the_clients_words(short_tmp: Path, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        async with system(short_tmp, free_port, nodes=1) as front:
            status, body = await front.get("/v/x", **{"X-Big": "a" * 65536})
            assert (status, json.loads(body)["code"]) == (431, "too-large")

    run(scenario())


def test_an_upload_streams_through_without_touching_the_disk(short_tmp: Path, free_port: Callable[[], int]) -> None:
    half, arrived = b"x" * 200_000, asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        size = 0
        async for chunk in request.content.iter_any():
            size += len(chunk)
            arrived.set()
        return web.Response(status=201, text=str(size))

    async def body() -> AsyncIterator[bytes]:
        yield half
        await arrived.wait()  # the second half is sent only after the first stood at the origin
        yield half

    async def scenario() -> None:
        async with system(short_tmp, free_port, nodes=1) as front:
            path = "/api/v1/assets/abc/source"
            front.origin.respond[path] = take
            async with front.http.put(front.url(path), data=body()) as reply:
                assert (reply.status, await reply.text()) == (201, str(2 * len(half)))
            spilled = front.layout.nginx("lb") / "temp" / "client_body"
            assert list(spilled.rglob("*")) == []
            async with front.http.put(front.url(path), data=io.BytesIO(b"x" * (9 << 20))) as reply:
                assert (reply.status, (await reply.json(content_type=None))["code"]) == (413, "too-large")

    run(scenario())


def test_text_is_compressed_and_media_is_not(short_tmp: Path, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        async with system(short_tmp, free_port, nodes=1) as front:
            for path, media_type in {
                "/v/a.m3u8": "application/vnd.apple.mpegurl",
                "/v/a.m4s": "video/iso.segment",
            }.items():

                async def answer(_: web.Request, media_type: str = media_type) -> web.Response:
                    return web.Response(body=b"#EXTINF:4.0,\n" * 500, content_type=media_type, headers={"ETag": '"e"'})

                front.nodes["edge-0"].respond[path] = answer
            async with front.http.get(front.url("/v/a.m3u8"), headers={"Accept-Encoding": "gzip"}) as playlist:
                assert (playlist.headers["Content-Encoding"], playlist.headers["ETag"]) == ("gzip", 'W/"e"')
                assert playlist.headers["Vary"] == "Accept-Encoding"
            async with front.http.get(front.url("/v/a.m4s"), headers={"Accept-Encoding": "gzip"}) as segment:
                assert "Content-Encoding" not in segment.headers
                assert (segment.headers["ETag"], segment.content_length) == ('"e"', 6500)

    run(scenario())


def test_the_access_log_is_json_and_never_holds_a_token(short_tmp: Path, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        async with system(short_tmp, free_port, nodes=1) as front:
            page = front.url("/t/S3CRET/v/page")
            await front.get("/t/S3CRET/v/abc/1.m4s", **{"Referer": page, "User-Agent": 'a "quoted" \\ agent'})
            await front.get("/%74/S3CRET/v/abc/2.m4s")
            log = front.layout.logs / "access.log"
            await until(lambda: log.read_text().count("\n") == 2)
            lines = [json.loads(line) for line in log.read_text().splitlines()]

        assert "S3CRET" not in log.read_text()
        first, second = [line for line in lines if "/v/abc/" in line["uri"]]
        assert (first["uri"], first["status"], first["agent"]) == ("/t/-/v/abc/1.m4s", 200, 'a "quoted" \\ agent')
        assert first["referer"].endswith("/t/-/v/page")
        assert first["upstream"] == str(front.config.edges[0].listen)
        assert second["uri"] == "/t/-/v/abc/2.m4s"

    run(scenario())


def test_a_dead_fleet_is_said_so_and_comes_back(short_tmp: Path, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        async with system(short_tmp, free_port, nodes=2, fail_timeout="1s") as front:
            for node in front.nodes.values():
                await node.stop()
            async with front.http.get(front.url("/v/x")) as reply:
                assert (reply.status, reply.headers["Retry-After"]) == (502, "2")
                assert (await reply.json(content_type=None))["title"] == "Temporarily unavailable"
                assert reply.headers.getall("Access-Control-Allow-Origin") == ["*"], "players must read the status"
            for node in front.nodes.values():
                await node.start()

            async def served() -> bool:
                return (await front.get("/v/x"))[0] == 200

            await until(served)

    run(scenario())


@pytest.mark.parametrize("nodes", [1, 50])
def test_fleets_of_any_size_are_accepted(short_tmp: Path, nodes: int) -> None:
    edges = [
        {"name": f"e{n}", "listen": "127.0.0.1:81", "address": f"[fd00::{n:x}]:8081" if n % 2 else f"10.0.0.{n}:8081",
         "weight": 1 + n % 7} for n in range(nodes)
    ]  # fmt: skip
    config = Config.model_validate({"edges": edges, "lb": {"listen": "[::1]:8080"}})
    layout = Layout(short_tmp)
    layout.logs.mkdir()
    instance = Instance(find_nginx(), layout.nginx("lb"))
    instance.prepare()
    instance.install(render(config, layout, instance.process()))
    assert Counter(instance.conf.read_text().split())["server"] == nodes + 2


def test_a_flood_is_refused_before_it_reaches_a_node(short_tmp: Path, free_port: Callable[[], int]) -> None:
    """Players on other sites see the 429; the API is not for them. A proxy of ours is many clients, not one."""

    async def scenario() -> None:
        protect = {"requests_per_second": 1, "burst": 4, "exempt": [], "trusted": ["127.0.0.1/32"]}
        async with system(short_tmp, free_port, nodes=1, protect=protect) as front:
            claim = {"X-Forwarded-For": "192.0.2.1"}
            assert [(await front.get(KEYS[0], **claim))[0] for _ in range(7)] == [200] * 5 + [429] * 2
            for path, cors in ((KEYS[0], "*"), ("/api/v1/assets", None)):
                async with front.http.get(front.url(path), headers=claim) as reply:
                    assert (reply.status, (await reply.json(content_type=None))["code"]) == (429, "too-many-requests")
                    assert (reply.headers["Retry-After"], reply.headers.get("Access-Control-Allow-Origin")) == (
                        "1",
                        cors,
                    )
            assert len(front.nodes["edge-0"].seen) == 5
            assert {node.headers["X-Forwarded-For"] for node in front.nodes["edge-0"].seen} == {"192.0.2.1"}
            assert {(await front.get(KEYS[0], **{"X-Forwarded-For": f"192.0.2.{n}"}))[0] for n in range(2, 12)} == {200}

    run(scenario())
