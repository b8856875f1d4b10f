"""Who is measured: each with the proof that it answers from its cache, and the right bytes."""

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .servers import Server

_TIMEOUT_S: Final = 30
_WARM_S: Final = 10

Fields = Mapping[str, str]  # names in lower case


@dataclass(frozen=True, slots=True)
class Contender:
    """`tree`: the folder of the origin's names that it is asked for. `is_hit`: whether an answer came from its cache.

    `settle_s`: how long it may be silent before what a load cost it is complete.
    """

    name: str
    server: Server
    is_hit: Callable[[Fields], bool]
    prefix: str = ""
    tree: str = "v"
    settle_s: float = 0.25

    def path(self, size_bytes: int, number: int) -> str:
        return f"{self.prefix}/{self.tree}/{size_bytes}/{number}.m4s"


@dataclass(frozen=True, slots=True)
class Answer:
    """One exchange. `wire_bytes`: head and body."""

    status: int
    fields: Fields
    body: bytes
    wire_bytes: int


def fetch(server: Server, path: str) -> Answer:
    """One GET as wrk sends it: Host and nothing else."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=_TIMEOUT_S)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        response = connection.getresponse()
        body = response.read()
        pairs = response.getheaders()
    finally:
        connection.close()
    status_line = len(f"HTTP/1.1 {response.status} {response.reason}\r\n\r\n")
    head = status_line + sum(len(name) + len(value) + 4 for name, value in pairs)
    return Answer(response.status, {name.lower(): value for name, value in pairs}, body, head + len(body))


def warm(contender: Contender, www: Path, size_bytes: int, numbers: range) -> int:
    """Fill the cache and prove it; gives the bytes of one answer. RuntimeError when it is not what was claimed."""
    for number in numbers:
        end = time.monotonic() + _WARM_S  # a cache may still write what it has just passed on
        while not contender.is_hit(fetch(contender.server, contender.path(size_bytes, number)).fields):
            if time.monotonic() > end:
                break  # `prove` says what came instead
            time.sleep(0.05)
    return prove(contender, www, size_bytes, numbers)


def prove(contender: Contender, www: Path, size_bytes: int, numbers: range) -> int:
    """Every object comes from the cache, byte for byte; gives the bytes of one answer on the wire."""
    wire_bytes = 0
    for number in numbers:
        path = contender.path(size_bytes, number)
        answer = fetch(contender.server, path)
        if answer.status != 200 or not contender.is_hit(answer.fields):
            raise RuntimeError(f"{contender.name}: {path} did not come from the cache: {answer.status} {answer.fields}")
        if answer.body != (www / "v" / str(size_bytes) / f"{number}.m4s").read_bytes():
            raise RuntimeError(f"{contender.name}: {path} has other bytes than the origin's")
        wire_bytes = answer.wire_bytes
    return wire_bytes


def is_file(fields: Fields) -> bool:
    """The floor has no cache."""
    return "via" not in fields


def is_nginx_hit(fields: Fields) -> bool:
    return fields.get("x-cache") == "HIT"


def is_varnish_hit(fields: Fields) -> bool:
    """Two transaction numbers: the second one is that of the fetch."""
    return len(fields.get("x-varnish", "").split()) == 2


def is_trafficserver_hit(fields: Fields) -> bool:
    """Its Via codes: `cH` is a hit in the cache, `cR` one in its memory."""
    return "[cH" in fields.get("via", "") or "[cR" in fields.get("via", "") or " cH" in fields.get("via", "")


def is_hot(fields: Fields) -> bool:
    return "detail=hot" in fields.get("cache-status", "")


def is_brain_hit(fields: Fields) -> bool:
    return "; hit; ttl=" in fields.get("cache-status", "")
