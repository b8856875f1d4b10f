"""Misses: an object that nobody has is fetched through each cache, and straight from the origin.

Twice: from an origin as fast as loopback, which shows what passing a byte costs, and from one at the end of a line of
1 Gbit/s, which shows whether the cache holds up the line. Cost is CPU of the cache itself (of the origin in its own row).
"""

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Final

from bench.processes import cpu_s
from bench.rounds import Sample, interleave

from .bed import Bed, behind_a_line, once
from .contenders import Contender
from .pacing import paced_path
from .report import Table
from .servers import Server

DIRECT: Final = "the origin itself"
_BATCH_BYTES: Final = 128_000_000  # fetched in one round by one contender
_CONNECTIONS: Final = (1, 8)
_LINE_BYTES_PER_S: Final = 125_000_000
_READ_BYTES: Final = 256 << 10
_TIMEOUT_S: Final = 60
_names = count(1)

Name = Callable[[], str]


def tables(bed: Bed, sizes: Sequence[int], *, rounds: int) -> Iterator[Table]:
    """Loopback for every size, with one connection and several; the line for the largest."""
    direct = Contender(DIRECT, bed.floor.server, bed.floor.is_hit)
    contenders = (direct, *once(bed.caches))
    for size_bytes in sizes:
        for connections in _CONNECTIONS:
            yield _table(contenders, partial(_cold, size_bytes), size_bytes, connections, "loopback", rounds)
    with behind_a_line() as (origin, paced):
        contenders = (Contender(DIRECT, origin, bed.floor.is_hit), *paced)
        for size_bytes in sizes:
            name = partial(paced_path, delay_ms=0, size_bytes=size_bytes, bytes_per_s=_LINE_BYTES_PER_S)
            yield _table(contenders, name, size_bytes, 1, "1 Gbit/s line", rounds)


def _cold(size_bytes: int) -> str:
    return f"/cold/{next(_names)}/{size_bytes}.m4s"


def _table(
    contenders: Sequence[Contender], name: Name, size_bytes: int, connections: int, note: str, rounds: int
) -> Table:
    many = max(connections * 2, _BATCH_BYTES // size_bytes)
    runs = {one.name: partial(_measure, one.server, name, size_bytes, connections, many) for one in contenders}
    figures, steal = interleave(runs, rounds=rounds)
    return Table(
        kind="misses", size_bytes=size_bytes, connections=connections, cost="CPU µs/request", rate="MB/s",
        peer=DIRECT, steal=steal, rows=figures, note=note,
    )  # fmt: skip


def _measure(server: Server, name: Name, size_bytes: int, connections: int, many: int) -> Sample:
    """CPU µs per request and MB/s of wall time, over `many` cold objects."""
    shares = [[name() for _ in range(many // connections)] for _ in range(connections)]
    before, started = cpu_s(server.pid), time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        done_bytes = sum(pool.map(partial(_fetch_all, server.port, size_bytes), shares))
    wall_s = time.monotonic() - started
    return Sample((cpu_s(server.pid) - before) / (done_bytes / size_bytes) * 1e6, done_bytes / wall_s / 1e6)


def _fetch_all(port: int, size_bytes: int, paths: Sequence[str]) -> int:
    """GET all paths over one kept connection; gives the bytes of their bodies. RuntimeError for any other answer."""
    buffer = memoryview(bytearray(_READ_BYTES))
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as sock:
        for path in paths:
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                if not (received := sock.recv(_READ_BYTES)):
                    raise RuntimeError(f"{path}: the connection ended")
                head += received
            head, _, body = head.partition(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200") or f"content-length: {size_bytes}".encode() not in head.lower():
                raise RuntimeError(f"{path}: not the answer that was expected: {head!r}")
            left = size_bytes - len(body)
            while left > 0:
                if not (got := sock.recv_into(buffer, min(left, _READ_BYTES))):
                    raise RuntimeError(f"{path}: the body ended {left} bytes early")
                left -= got
    return size_bytes * len(paths)
