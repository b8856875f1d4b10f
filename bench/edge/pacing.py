"""An origin behind a line of known speed: `python -m bench.edge.pacing PORT`.

    GET /paced/ANY/DELAY_MS-SIZE_BYTES-BYTES_PER_S.m4s   thinks, then sends at that speed; counted
    GET /asked                                           how many requests were counted so far

A thread for each connection: what is measured hangs on few connections at a time.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Final, cast

from edge.core.hot import HOT_FIELDS

from .servers import Server, free_port, serving

_STEP_S: Final = 0.002
_PATTERN: Final = bytes(range(251)) * 5000


class _Origin(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    asked = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        origin = cast(_Origin, self.server)
        if not self.path.startswith("/paced/"):
            self._head(len(told := str(origin.asked).encode()))
            self.wfile.write(told)
            return
        origin.asked += 1
        delay_ms, size_bytes, bytes_per_s = map(int, self.path.rpartition("/")[2].removesuffix(".m4s").split("-"))
        time.sleep(delay_ms / 1000)
        self._head(size_bytes)
        self._send_paced(size_bytes, bytes_per_s)

    def _head(self, size_bytes: int) -> None:
        self.send_response(200)
        for name, value in HOT_FIELDS:
            self.send_header(name, value)
        self.send_header("Content-Type", "video/iso.segment")
        self.send_header("Content-Length", str(size_bytes))
        self.end_headers()

    def _send_paced(self, size_bytes: int, bytes_per_s: int) -> None:
        started, sent = time.monotonic(), 0
        while sent < size_bytes:
            due = min(size_bytes, int((time.monotonic() - started + _STEP_S) * bytes_per_s))
            while sent < due:
                sent += self.connection.send(memoryview(_PATTERN)[: min(due - sent, len(_PATTERN))])
            time.sleep(_STEP_S)

    def log_message(self, *_: object) -> None:
        """Nothing: the counter tells enough."""


@contextmanager
def paced_origin(parent: Path) -> Iterator[Server]:
    """The origin as a process of its own."""
    port = free_port()
    with serving([sys.executable, "-m", "bench.edge.pacing", str(port)], port, parent / "pacing.log") as server:
        yield server


_names = count(1)


def paced_path(*, delay_ms: int, size_bytes: int, bytes_per_s: int) -> str:
    """A name that nobody asked for before."""
    return f"/paced/{next(_names)}/{delay_ms}-{size_bytes}-{bytes_per_s}.m4s"


if __name__ == "__main__":
    _Origin(("127.0.0.1", int(sys.argv[1])), _Handler).serve_forever()
