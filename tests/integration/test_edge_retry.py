"""Origins that break, vanish, fall silent and drip: what viewers get, and how often they are asked."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from edge.adapters.upstream import reply
from edge.core.key import Key
from edge.core.pace import Pace
from edge.core.parents import spread
from tests.aio import run
from tests.integration.edge_parts import brain, pattern

Port = Callable[[], int]
Pieces = list[bytes | None]
WHOLE = pattern(200_000)


@dataclass
class Wire:
    """An origin on the level of bytes. Each request takes the next of `answers`; a piece that is None resets the connection."""

    answers: list[Callable[[str], Pieces]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Wire"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode().lower())
                answer = self.answers.pop(0) if self.answers else breaks
                for piece in answer(self.heads[-1]):
                    if piece is None:
                        writer.transport.abort()
                        return
                    writer.write(piece)
                    await writer.drain()
        writer.close()


def head(status: str, length: int, *fields: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", "Cache-Control: max-age=60", *fields, f"Content-Length: {length}", "", "")
    return "\r\n".join(lines).encode()


def whole(request: str) -> Pieces:
    return [head("200 OK", len(WHOLE), 'ETag: "a"'), WHOLE]


def small(request: str) -> Pieces:
    return [head("200 OK", 2), b"ok"]


def cut_at(size: int) -> Callable[[str], Pieces]:
    return lambda request: [head("200 OK", len(WHOLE), 'ETag: "a"'), WHOLE[:size], None]


def rest(*, etag: str = '"a"', cut_after: int | None = None) -> Callable[[str], Pieces]:
    """A 206 from where the request says, perhaps broken off again."""

    def answer(request: str) -> Pieces:
        match = re.search(r"range: bytes=(\d+)-199999\r\n", request)
        assert match is not None, request
        first = int(match[1])
        span = f"Content-Range: bytes {first}-{len(WHOLE) - 1}/{len(WHOLE)}"
        data = WHOLE[first:] if cut_after is None else WHOLE[first : first + cut_after]
        ending: Pieces = [] if cut_after is None else [None]
        return [head("206 Partial Content", len(WHOLE) - first, f"ETag: {etag}", span), data, *ending]

    return answer


def breaks(request: str) -> Pieces:
    return [None]


def path_to(first: Wire, second: Wire) -> str:
    """A path whose first origin is `first`."""
    urls = [first.url, second.url]
    return next(p for n in range(99) if spread(Key(p := f"/{n}"), urls, down=frozenset())[0].url == first.url)


@pytest.mark.parametrize(
    ("first", "second", "is_whole"),
    [
        pytest.param([cut_at(70_000)], [rest()], True, id="another-origin-has-the-rest"),
        pytest.param([cut_at(70_000), rest()], [breaks], True, id="the-same-origin-has-it"),
        pytest.param([cut_at(70_000), rest()], [rest(cut_after=50_000)], True, id="twice"),
        pytest.param([cut_at(1000), rest(cut_after=9)], [rest(cut_after=1000), breaks], False, id="not-three-times"),
        pytest.param([cut_at(70_000), whole], [whole], False, id="no-ranges"),
        pytest.param([cut_at(70_000), rest(etag='"b"')], [rest(etag='"b"')], False, id="another-representation"),
    ],
)
def test_a_broken_body(
    short_tmp: Path, free_port: Port, first: list[Callable[[str], Pieces]], second: list[Callable[[str], Pieces]],
    is_whole: bool,
) -> None:  # fmt: skip
    async def body() -> None:
        async with Wire(list(first)).running() as one, Wire(list(second)).running() as two:
            path = path_to(one, two)
            async with brain(free_port(), short_tmp, origins=(one.url, two.url)) as lab:
                async with asyncio.TaskGroup() as group:
                    viewers = [group.create_task(_read(lab.url + path)) for _ in range(3)]
                got = [viewer.result() for viewer in viewers]
                assert all(WHOLE.startswith(data) for data in got), "never a byte of anything else"
                assert {len(data) == len(WHOLE) for data in got} == {is_whole}
                await lab.settled()
                assert [file.stat().st_size for file in lab.files] == ([len(WHOLE)] if is_whole else [])

    run(body())


async def _read(url: str) -> bytes:
    got = b""
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        with suppress(aiohttp.ClientPayloadError):
            async for chunk in response.content.iter_any():
                got += chunk
    return got


@pytest.mark.parametrize(
    ("method", "second", "status", "asked"),
    [
        pytest.param("GET", small, 200, (1, 1), id="a-get-is-repeated-elsewhere"),
        pytest.param("HEAD", lambda _: [head("200 OK", 2)], 200, (1, 1), id="and-a-head"),
        pytest.param("GET", breaks, 502, (1, 1), id="but-only-once"),
        pytest.param("POST", small, 502, (1, 0), id="a-post-is-not"),
        pytest.param("DELETE", small, 502, (1, 0), id="nor-what-is-idempotent-but-unsafe"),
    ],
)
def test_a_connection_that_ends_before_the_head(
    short_tmp: Path, free_port: Port, method: str, second: Callable[[str], Pieces], status: int, asked: tuple[int, int]
) -> None:
    async def body() -> None:
        async with Wire([breaks, small]).running() as one, Wire([second, small]).running() as two:
            path = path_to(one, two)
            async with brain(free_port(), short_tmp, origins=(one.url, two.url)) as lab:
                async with lab.client.request(method, lab.url + path) as response:
                    assert response.status == status
                assert (len(one.heads), len(two.heads)) == asked

    run(body())


def test_an_idle_connection_that_turns_out_dead_costs_nobody_an_answer(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with (
            Wire([small, breaks, small]).running() as one,
            brain(free_port(), short_tmp, origins=(one.url,)) as lab,
        ):
            for path in ("/a", "/b"):
                assert (await lab.get(path))[1] == b"ok"
                await lab.settled()
            assert ([line.split()[1] for line in one.heads], one.connections) == (["/a", "/b", "/b"], 2)

    run(body())


def test_a_dead_origin_costs_one_try_not_one_each(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        dead = f"http://127.0.0.1:{free_port()}"
        async with Wire([small] * 8).running() as one, brain(free_port(), short_tmp, origins=(dead, one.url)) as lab:
            paths = [
                p for n in range(99) if spread(Key(p := f"/{n}"), [dead, one.url], down=frozenset())[0].url == dead
            ]
            for path in paths[:8]:
                assert (await lab.get(path))[1] == b"ok"
            told = (await lab.get("/metrics"))[1].decode()
            assert 'upstream_troubles_total{parent="origin",trouble="refused"} 1.0' in told

    run(body())


def test_an_origin_that_drips_is_left(short_tmp: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply, "Pace", lambda: Pace(window_s=0.2, floor_bytes=1000))

    async def body() -> None:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head("200 OK", len(WHOLE), 'ETag: "a"'))
            with suppress(ConnectionError):
                while not writer.is_closing():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.02)  # that is the dripping

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with brain(free_port(), short_tmp, origins=(url,)) as lab:
            with pytest.raises(aiohttp.ClientPayloadError):
                await lab.get("/x")
        server.close()

    run(body(), deadline_s=20)
