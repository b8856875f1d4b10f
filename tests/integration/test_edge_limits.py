"""What one stranger may take of a node's nginx: rates, connections, hosts, methods, slow clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edge.core.nginx import Node, render
from playnet.config import Address, Protect
from playnet.nginx import Instance, find_nginx
from tests.aio import run
from tests.integration.edge_parts import Script, brain
from tests.nginxes import running

Port = Callable[[], int]
HOT = "/v/a/1/v/1.m4s"
LOOPBACK = ("127.0.0.0/8",)


@asynccontextmanager
async def limited(folder: Path, port: int, **settings: Any) -> AsyncIterator[Callable[..., Any]]:
    """A node's nginx with one hot object and no brain; gives a client that may claim addresses."""
    instance = Instance(find_nginx(), folder / "n")
    instance.prepare()
    hot = folder / "hot"
    (hot / HOT.lstrip("/")).parent.mkdir(parents=True)
    (hot / HOT.lstrip("/")).write_bytes(b"x" * 8_000_000)
    node = Node(
        name="edge-t", listen=Address("127.0.0.1", port), hot=hot, bodies=folder / "bodies", brain=folder / "brain.sock",
        reports=folder / "hits.log", process=instance.process(workers=1), brain_timeout_s=5,
        protect=Protect(**{"trusted": LOOPBACK, "exempt": (), **settings}),
    )  # fmt: skip
    instance.install(render(node))

    async def ask(client: str = "", method: str = "GET", host: str = "h", target: str = HOT) -> tuple[int, str, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        claim = f"X-Forwarded-For: {client}\r\n" if client else ""
        head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nRange: bytes=0-0\r\n{claim}\r\n"
        writer.write(head.encode())
        answer = await reader.read()
        writer.close()
        fields, _, body = answer.partition(b"\r\n\r\n")
        return int(fields.split()[1]), fields.decode().lower(), body

    with running(instance, port, HOT):
        yield ask


def test_a_client_above_its_rate_waits_and_others_do_not(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        async with limited(short_tmp, free_port(), requests_per_second=1, burst=2) as ask:
            crowd = [await ask("192.0.2.1") for _ in range(5)]
            assert [status for status, _, _ in crowd] == [206, 206, 206, 429, 429]
            _, fields, body = crowd[-1]
            assert "retry-after: 1" in fields
            assert "access-control-allow-origin: *" in fields
            assert "cache-control: no-store" in fields
            assert json.loads(body)["code"] == "too-many-requests"
            assert (await ask("192.0.2.2"))[0] == 206
            # the last address counts, and only from a proxy of ours
            assert (await ask("192.0.2.7, 192.0.2.1"))[0] == 429

    run(scenario())


def test_an_ipv6_client_is_its_network_of_64_bits(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        async with limited(short_tmp, free_port(), requests_per_second=1, burst=1) as ask:
            same = ["2001:db8:0:1::1", "2001:db8:0:1:ffff::", "2001:db8:0:1:0:1:0:1", "2001:db8:0:1:a:b:c:d"]
            assert [(await ask(address))[0] for address in same] == [206, 206, 429, 429]
            assert (await ask("2001:db8:0:2::1"))[0] == 206

    run(scenario())


def test_who_is_exempt_or_a_front_of_ours_is_not_one_client(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        settings = {"requests_per_second": 1, "burst": 1, "exempt": ("192.0.2.0/24",), "hosts": ("video.test",)}
        async with limited(short_tmp, free_port(), **settings) as ask:
            assert {(await ask(address))[0] for address in ["", "192.0.2.9"] * 5} == {206}

    run(scenario())


@pytest.mark.parametrize(
    ("host", "target", "status"),
    [
        pytest.param("video.test", HOT, 206, id="its-name"),
        pytest.param("VIDEO.test:8081", HOT, 206, id="case-and-port"),
        pytest.param("a.b.example.org", HOT, 206, id="below-a-wildcard"),
        pytest.param("example.org", HOT, 421, id="the-wildcard-s-parent"),
        pytest.param("video.test.evil.test", HOT, 421, id="longer"),
        pytest.param("evil.test", HOT, 421, id="foreign"),
        pytest.param("video.test", f"http://evil.test{HOT}", 421, id="foreign-in-the-target"),
        pytest.param("evil.test", f"http://video.test{HOT}", 421, id="foreign-in-the-field"),
        pytest.param("evil.test", "/healthz", 503, id="health-by-address"),  # no brain here: it was asked
    ],
)
def test_only_names_of_the_list_are_served(
    short_tmp: Path, free_port: Port, host: str, target: str, status: int
) -> None:
    async def scenario() -> None:
        async with limited(short_tmp, free_port(), hosts=("video.test", "*.example.org")) as ask:
            code, fields, body = await ask("192.0.2.1", host=host, target=target)
            assert code == status
            if status == 421:
                assert json.loads(body)["code"] == "misdirected"
                assert "application/problem+json" in fields

    run(scenario())


@pytest.mark.parametrize(
    ("methods", "method", "status"),
    [
        pytest.param((), "TRACE", 405, id="trace"),
        pytest.param((), "TRACK", 405, id="track"),
        pytest.param((), "CONNECT", 405, id="connect"),
        pytest.param((), "M-SEARCH", 503, id="any-other-passes"),  # to the brain, which is not there
        pytest.param(("GET", "HEAD"), "POST", 405, id="not-in-the-list"),
        pytest.param(("GET", "HEAD"), "get", 400, id="no-method-at-all"),
        pytest.param(("GET", "HEAD"), "GET", 206, id="in-the-list"),
    ],
)
def test_methods(short_tmp: Path, free_port: Port, methods: tuple[str, ...], method: str, status: int) -> None:
    async def scenario() -> None:
        async with limited(short_tmp, free_port(), methods=methods) as ask:
            code, fields, _ = await ask(method=method)
            assert code == status
            if code == 405 and methods:
                assert "allow: get, head" in fields

    run(scenario())


def test_heads_that_do_not_end_and_readers_that_do_not_read_are_let_go(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        port = free_port()
        async with limited(short_tmp, port, header_timeout="1s", send_timeout="1s") as ask:
            loop = asyncio.get_running_loop()

            async def drips() -> float:
                """A head, byte by byte, for as long as the node takes it."""
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                began, end = loop.time(), asyncio.ensure_future(reader.read())
                for byte in b"GET / HTTP/1.1\r\nX: " + b"x" * 100:
                    writer.write(bytes([byte]))
                    if (await asyncio.wait([end], timeout=0.1))[0]:
                        break
                assert end.done(), "the node still waits for the rest of the head"
                writer.close()
                return loop.time() - began

            async def never_reads() -> None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
                writer.write(f"GET {HOT} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                closed = asyncio.ensure_future(writer.wait_closed())
                await asyncio.wait([closed], timeout=3)
                with suppress(ConnectionError):
                    read_bytes = len(await reader.read())
                    assert read_bytes < 8_000_000, "the node waited"
                writer.close()
                closed.cancel()

            took_s, _ = await asyncio.gather(drips(), never_reads())
            assert took_s < 5
            assert (await ask())[0] == 206

    run(scenario())


def test_a_client_has_so_many_requests_under_way(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        port = free_port()
        async with limited(short_tmp, port, connections=2) as ask:
            slow = []
            for _ in range(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
                writer.write(f"GET {HOT} HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n".encode())
                assert (await reader.readline()).startswith(b"HTTP/1.1 200")
                slow.append(writer)
            assert (await ask("192.0.2.1"))[0] == 429
            assert (await ask("192.0.2.2"))[0] == 206
            for writer in slow:
                writer.transport.abort()

    run(scenario())


def test_a_body_that_drips_ends_its_request(short_tmp: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """nginx's time-out starts again with every byte; the brain counts them."""
    monkeypatch.setattr("edge.adapters.viewer.viewer._SILENCE_S", 0.5)

    async def scenario() -> None:
        async with brain(free_port(), short_tmp) as lab:
            lab.origin.scripts["/form"] = Script(b"thanks")

            async def status(body: AsyncIterator[bytes]) -> int:
                try:
                    async with lab.client.post(lab.url + "/form", data=body) as response:
                        return response.status
                except aiohttp.ClientError:
                    return 0

            assert await status(_paced(b"x" * 200, 10)) == 200, "slow, yet above the least rate"
            assert await status(_paced(b"x", 1000)) != 200

    run(scenario())


async def _paced(piece: bytes, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield piece
        await asyncio.sleep(0.1)
