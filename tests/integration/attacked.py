"""A pair to attack: the real front and the real node before an origin that records what it is asked, byte for byte.

The origin believes everything that it is told: it answers with the fields that frameworks obey, and lets all be cached
for a minute. What an attacker smuggles past the key is then in the cache for everybody.
"""

import json
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lb.core.nginx import render
from playnet.config import Config
from playnet.layout import Layout
from playnet.nginx import Instance, find_nginx
from tests.nginxes import running, status
from tests.servers import wait_for

_QUIET_S: Final = 10.0
EVIL: Final = "evil.test"


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def names(self) -> set[str]:
        return {name for name, _ in self.fields}

    def get(self, name: str) -> str | None:
        return next((value for own, value in self.fields if own == name), None)


class Gullible(socketserver.ThreadingTCPServer):
    """The origin. `answers`: raw heads for single targets; others get an echo of target and fields."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.seen: list[Seen] = []
        self.answers: dict[str, bytes] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def asked(self, part: str) -> list[Seen]:
        """Requests whose target has this in it."""
        return [seen for seen in self.seen if part in seen.target]


class _Exchange(socketserver.StreamRequestHandler):
    server: Gullible

    def handle(self) -> None:
        with suppress(OSError):
            while (seen := self._request()) is not None:
                self.server.seen.append(seen)
                self._answer(seen)

    def _request(self) -> Seen | None:
        words = self.rfile.readline().decode("latin-1").split(" ")
        if len(words) != 3:
            return None
        fields = []
        while line := self.rfile.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            fields.append((name.lower(), value.strip()))
        seen = Seen(words[0], words[1], tuple(fields), b"")
        return Seen(seen.method, seen.target, seen.fields, self._body(seen))

    def _body(self, seen: Seen) -> bytes:
        if "chunked" in (seen.get("transfer-encoding") or ""):
            whole = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(seen.get("content-length") or 0))

    def _answer(self, seen: Seen) -> None:
        path = seen.target.partition("?")[0]
        if path in self.server.answers:
            self.wfile.write(self.server.answers[path])
            return
        told = {name: value for name, value in seen.fields if name not in _OF_THE_HOP}
        body = json.dumps({"method": seen.method, "target": seen.target, "told": told, "body": seen.body.decode()})
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        if "account" not in path:  # a page for one user, of an application that never heard of caches
            head += 'Cache-Control: max-age=60\r\nETag: "1"\r\n'
        self.wfile.write(f"{head}\r\n{'' if seen.method == 'HEAD' else body}".encode())


_OF_THE_HOP: Final = frozenset({"via", "cdn-loop", "x-request-id", "connection", "user-agent", "accept"})


@dataclass
class Pair:
    """Ports of front and node, the origin behind them, the node's cache folder."""

    origin: Gullible
    ports: dict[str, int]
    cache: Path
    processes: list[int] = field(default_factory=list)

    def send(self, door: str, request: bytes) -> list["Heard"]:
        """All answers to these bytes, until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.ports[door]), timeout=_QUIET_S) as sock:
            heard = b""
            with suppress(ConnectionError):
                sock.sendall(request)
            with suppress(ConnectionError):
                while chunk := sock.recv(1 << 16):
                    heard += chunk
        return list(_answers(heard))

    def ask(self, door: str, target: str, *fields: str, method: str = "GET", host: str = "site.test") -> "Heard":
        """The answer to one tidy request."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *fields, "", ""]
        (heard,) = self.send(door, "\r\n".join(lines).encode("latin-1"))
        return heard


@dataclass(frozen=True)
class Heard:
    """One answer. `echo`: what the gullible origin was told when it made it."""

    status: int
    fields: dict[str, list[str]]
    body: bytes

    def get(self, name: str) -> str:
        return ", ".join(self.fields.get(name, []))

    @property
    def echo(self) -> dict[str, object]:
        document: dict[str, object] = json.loads(self.body)
        return document


def _answers(heard: bytes) -> Iterator[Heard]:
    while heard:
        head, _, rest = heard.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields: dict[str, list[str]] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields.setdefault(name.lower(), []).append(value.strip())
        code = int(lines[0].split()[1])
        if code == 100:
            heard = rest
            continue
        if fields.get("transfer-encoding") == ["chunked"]:
            body, heard = _unchunked(rest)
        else:
            size = int(fields["content-length"][0]) if "content-length" in fields and code != 304 else len(rest)
            body, heard = rest[:size], rest[size:]
        yield Heard(code, fields, body)


def _unchunked(rest: bytes) -> tuple[bytes, bytes]:
    whole = b""
    while match := re.match(rb"([0-9a-fA-F]+)\r\n", rest):
        size = int(match[1], 16)
        whole, rest = whole + rest[match.end() : match.end() + size], rest[match.end() + size + 2 :]
        if size == 0:
            return whole, rest
    return whole, b""


@contextmanager
def attacked(folder: Path, front: int, node: int) -> Iterator[Pair]:
    """Start all of it: `playnet edge` as processes, the front's nginx as its YAML renders it."""
    cache = folder / "c"
    with Gullible() as origin:
        threading.Thread(target=origin.serve_forever, daemon=True).start()
        argv = ["--origin", origin.url, "--listen", f"127.0.0.1:{node}", "--cache", str(cache), "--size", "64MiB"]
        log = folder / "edge.log"
        with (
            log.open("wb") as sink,
            subprocess.Popen([sys.executable, "-m", "edge", *argv], stdout=sink, stderr=sink) as process,
        ):
            try:
                wait_for(lambda: status(node, "/readyz") == 200, process, log)
                with _front(folder, front, node, int(origin.server_address[1])):
                    yield Pair(origin, {"front": front, "node": node}, cache)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)
                origin.shutdown()


@contextmanager
def _front(folder: Path, port: int, node: int, origin: int) -> Iterator[None]:
    config = Config.model_validate(
        {
            "lb": {"listen": f"127.0.0.1:{port}"},
            "edges": [{"name": "edge-1", "listen": f"127.0.0.1:{node}"}],
            "origin": {"listen": f"127.0.0.1:{origin}"},
        }
    )
    instance = Instance(find_nginx(), folder / "lb")
    instance.prepare()
    layout = Layout(folder)
    layout.logs.mkdir(parents=True, exist_ok=True)
    instance.install(render(config, layout, instance.process(workers=1)))
    with running(instance, port, "/healthz"):
        yield
