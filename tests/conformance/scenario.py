"""Caching scenarios as data: what viewers ask, what the origin says, what the node must answer.

The node is a real brain on a real disk; its clock moves only by `wait`. The origin writes bytes of its own, so that it can
say what no HTTP library would. A step without `origin` must not reach it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from yarl import URL

from playnet.http.dates import format_date
from tests.aio import until
from tests.integration.edge_parts import Clock, Lab, cache_status

MISS: Final = "fwd=miss; fwd-status=200; stored"
HIT: Final = "hit"
VALIDATED: Final = "fwd=stale; fwd-status=304; stored"
REPLACED: Final = "fwd=stale; fwd-status=200; stored"
UNSTORED: Final = "fwd=miss; fwd-status=200"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the origin writes. `before`: interim heads in front; `trailers` make it chunked."""

    status: int
    fields: Mapping[str, str]
    body: bytes
    before: tuple[bytes, ...] = ()
    trailers: Mapping[str, str] = field(default_factory=dict)


def reply(
    control: str | None = None, *, status: int = 200, body: bytes = b"body", before: Sequence[bytes] = (),
    trailers: Mapping[str, str] | None = None, **fields: str,
) -> Reply:  # fmt: skip
    told = {name.replace("_", "-"): value for name, value in fields.items()}
    if control is not None:
        told["Cache-Control"] = control
    return Reply(status, told, body, tuple(before), trailers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `saw`: fields that the origin must have got, None for one that it must not."""

    method: str
    path: str
    fields: Mapping[str, str]
    origin: Reply | None
    expect: str
    status: int
    body: bytes | None
    has: Mapping[str, str]
    lacks: tuple[str, ...]
    saw: Mapping[str, str | None]
    sends: bytes | None


def request(
    method: str, path: str, expect: str, *, origin: Reply | None = None, status: int = 200, body: bytes | None = None,
    has: Mapping[str, str] | None = None, lacks: Sequence[str] = (), saw: Mapping[str, str | None] | None = None,
    sends: bytes | None = None, **fields: str,
) -> Ask:  # fmt: skip
    told = {name.replace("_", "-"): value for name, value in fields.items()}
    return Ask(
        method=method, path=path, fields=told, origin=origin, expect=expect, status=status, body=body, has=has or {},
        lacks=tuple(lacks), saw=saw or {}, sends=sends,
    )  # fmt: skip


def get(path: str, expect: str, **more: object) -> Ask:
    return request("GET", path, expect, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class wait:  # noqa: N801 - reads as a verb among the steps
    """The clock goes on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """Steps in order, on paths of the scenario's own."""

    id: str
    spec: str
    steps: Sequence[Ask | wait]


class WireOrigin:
    """An origin that writes its answers by hand and keeps the heads of what it was asked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.next: Reply | None = None
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in rest)}
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        while fields.get("transfer-encoding") == "chunked":
            size = int((await reader.readline()).strip(), 16)
            body += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                break
        self.seen.append((line, fields, body))
        answer, self.next = self.next, None
        if answer is None:
            return False
        writer.write(self._written(answer, fields, is_head=line.startswith("HEAD ")))
        await writer.drain()
        return True

    def _written(self, answer: Reply, asked: Mapping[str, str], *, is_head: bool) -> bytes:
        status, told = answer.status, {"Date": format_date(self._clock()), **answer.fields}
        if "ETag" in told and asked.get("if-none-match") == told["ETag"]:
            status = 304
        has_body = not is_head and status not in {204, 304}
        if answer.trailers:
            told["Transfer-Encoding"] = "chunked"
            body = f"{len(answer.body):x}\r\n".encode() + answer.body + b"\r\n0\r\n" + _lines(answer.trailers) + b"\r\n"
        else:
            told |= {} if status in {204, 304} else {"Content-Length": str(len(answer.body))}
            body = answer.body
        head = b"".join(answer.before) + f"HTTP/1.1 {status} X\r\n".encode() + _lines(told) + b"\r\n"
        return head + (body if has_body else b"")


def _lines(fields: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")


async def play(scenario: Scenario, lab: Lab, origin: WireOrigin, clock: Clock) -> None:
    """Run every step. AssertionError names the step."""
    for number, step in enumerate(scenario.steps, 1):
        if isinstance(step, wait):
            clock.ahead_s += step.seconds
        else:
            await _asked(f"step {number}, {step.method} {step.path}", scenario, step, lab, origin)


async def _asked(where: str, scenario: Scenario, step: Ask, lab: Lab, origin: WireOrigin) -> None:
    before, files, origin.next = len(origin.seen), set(lab.files), step.origin
    url = URL(f"{lab.url}/{scenario.id}{step.path}", encoded=True)
    async with lab.client.request(
        step.method, url, headers=step.fields, data=step.sends, allow_redirects=False
    ) as response:
        body = await response.read()
    await lab.settled()
    said = cache_status(response)
    assert response.status == step.status, f"{where}: {response.status} {said} {body[:200]!r}"
    assert said == step.expect or (step.expect == HIT and said.startswith("hit")), f"{where}: {said}"
    assert step.body is None or body == step.body, f"{where}: {body!r}"
    _check_fields(where, step, response)
    if "stale-while-revalidate" in said:
        await until(lambda: set(lab.files) != files)  # the refresh behind the viewer's back has replaced the body
    assert (len(origin.seen) > before) is (step.origin is not None), f"{where}: the origin saw {origin.seen[before:]}"
    for name, value in step.saw.items():
        assert origin.seen[-1][1].get(name.lower()) == value, f"{where}: the origin got {origin.seen[-1]}"
    if step.sends is not None and step.origin is not None:
        expected = b"" if step.method == "GET" else step.sends
        assert origin.seen[-1][2] == expected, f"{where}: the origin got {origin.seen[-1]}"


def _check_fields(where: str, step: Ask, response: aiohttp.ClientResponse) -> None:
    for name, value in step.has.items():
        assert response.headers.get(name) == value, f"{where}: {name} is {response.headers.get(name)}"
    for name in step.lacks:
        assert name not in response.headers, f"{where}: {name} is {response.headers[name]}"
