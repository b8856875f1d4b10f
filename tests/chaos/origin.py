"""The origin of a chaos run: serves a catalogue, with ranges and validators, as badly as it is told."""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from typing import Final, Self

from edge.core.hot import HOT_FIELDS, nginx_etag
from playnet.http.dates import format_date

from .catalogue import MODIFIED_S, Catalogue, is_segment

_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")
_STALL_S: Final = 1.5
_IDLE_S: Final = 30


class Fault(Enum):
    """What may go wrong with one answer."""

    ERROR = auto()
    STALL = auto()
    RESET = auto()
    SHORT = auto()


class Origin:
    """Listens on loopback in the test's loop. `fault_share` of all answers go wrong, as the seed wills."""

    def __init__(self, catalogue: Catalogue, rng: random.Random) -> None:
        self._catalogue, self._rng = catalogue, rng
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.fault_share = 0.0
        self.requests = 0
        self.port = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse connections and cut those that are open."""
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)  # connections that were just accepted begin, and end with the others
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                while await self._exchange(reader, writer):
                    pass
        finally:
            self._serving.discard(task)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection may be used again."""
        async with asyncio.timeout(_IDLE_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.requests += 1
        _, path, _ = head.split(" ", 2)
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        fault = self._rng.choice(list(Fault)) if self._rng.random() < self.fault_share else None
        if fault is Fault.ERROR:
            writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n")
            await writer.drain()
            return True
        answer = self._answer(path, fields)
        if fault in {Fault.RESET, Fault.SHORT}:
            writer.write(answer[: self._rng.randrange(len(answer)) if fault is Fault.SHORT else 0])
            await writer.drain()
            return False
        if fault is Fault.STALL:
            middle = self._rng.randrange(len(answer))
            writer.write(answer[:middle])
            await asyncio.sleep(_STALL_S)
            answer = answer[middle:]
        writer.write(answer)
        await writer.drain()
        return True

    def _answer(self, path: str, wanted: dict[str, str]) -> bytes:
        if path not in self._catalogue.sizes:
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        body = self._catalogue.body(path)
        modified_s = MODIFIED_S + self._catalogue.version(path)
        fields = {**dict(HOT_FIELDS), "last-modified": format_date(modified_s), "accept-ranges": "bytes"}
        fields |= {"etag": nginx_etag(modified_s, len(body)), "surrogate-key": f"one:{path} all"}
        fields["content-type"] = "video/iso.segment" if is_segment(path) else "text/vtt"
        if not is_segment(path):
            fields["cache-control"] = "max-age=600"
        if wanted.get("if-none-match") == fields["etag"]:
            return _written("304 Not Modified", fields, b"")
        part = _RANGE.fullmatch(wanted.get("range", ""))
        if part is None or wanted.get("if-range", fields["etag"]) != fields["etag"]:
            return _written("200 OK", {**fields, "content-length": str(len(body))}, body)
        first, last = int(part[1]), min(int(part[2] or len(body)), len(body) - 1)
        if first >= len(body):
            fields |= {"content-range": f"bytes */{len(body)}", "content-length": "0"}
            return _written("416 Range Not Satisfiable", fields, b"")
        fields |= {"content-range": f"bytes {first}-{last}/{len(body)}", "content-length": str(last - first + 1)}
        return _written("206 Partial Content", fields, body[first : last + 1])


def _written(status: str, fields: dict[str, str], body: bytes) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body
