"""Cache hits at 1 MB: an edge node against nginx serving the same files as plain static files.

CPU microseconds of all server processes per request (nginx workers, brain, supervisor), under wrk on loopback,
64 connections and one. The node has what it has in production: JSON access log to the brain, hot tree, Cache-Status.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.processes import cpu_s
from bench.rounds import Sample, interleave, show
from edge.core.hot import HOT_FIELDS

_SECONDS = 4
_OBJECTS = 32
_SIZE = 1 << 20
_CONNECTIONS = (64, 1)

_STATIC = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes auto; {user}
events {{ worker_connections 1024; }}
http {{
  access_log {access}; sendfile on; tcp_nopush on; keepalive_requests 100000;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  types {{ video/iso.segment m4s; }}
  server {{
    listen 127.0.0.1:{port}; root {folder}/www;
    {fields}
  }}
}}
"""


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _wait(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 (loopback)
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextmanager
def _process(argv: list[str]) -> Iterator[int]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def _static(folder: Path, *, access: str) -> Iterator[tuple[int, int]]:
    """nginx on `folder`/www; yields its port and pid."""
    port = _free_port()
    user = "user www-data;" if os.geteuid() == 0 else ""
    conf = folder / f"static-{port}.conf"
    fields = " ".join(f'add_header {name} "{value}";' for name, value in HOT_FIELDS)
    conf.write_text(_STATIC.format(folder=folder, port=port, user=user, access=access, fields=fields))
    with _process([shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(conf)]) as pid:
        _wait(f"http://127.0.0.1:{port}/v/1.m4s")
        yield port, pid


@contextmanager
def _node(folder: Path, origin: str) -> Iterator[tuple[int, int]]:
    """An edge node in front of `origin`; yields its port and its supervisor's pid."""
    port = _free_port()
    cache = folder / "cache"
    argv = [
        sys.executable,
        "-m",
        "edge",
        "--origin",
        origin,
        "--listen",
        f"127.0.0.1:{port}",
        "--cache",
        str(cache),
        "--size",
        "1GiB",
    ]
    with _process(argv) as pid:
        _wait(f"http://127.0.0.1:{port}/readyz")
        yield port, pid


def _load(port: int, pid: int, connections: int, script: Path) -> Sample:
    """One bounded run of wrk. Cost in CPU µs per request, rate in requests/s."""
    before = cpu_s(pid)
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{_SECONDS}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    out = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    requests = int(re.search(r"(\d+) requests in", out)[1])  # type: ignore[index]
    if "Non-2xx" in out:
        raise RuntimeError(f"the server answered errors:\n{out}")
    return Sample((cpu_s(pid) - before) / requests * 1e6, requests / _SECONDS)


def _prepare(folder: Path) -> Path:
    """Objects, and wrk's script that asks for them in turn."""
    folder.chmod(0o755)
    www = folder / "www" / "v"
    www.mkdir(parents=True)
    for number in range(1, _OBJECTS + 1):
        (www / f"{number}.m4s").write_bytes(os.urandom(_SIZE))
    script = folder / "turn.lua"
    script.write_text(
        f"local n = 0\nrequest = function()\n  n = n % {_OBJECTS} + 1\n  return wrk.format('GET', '/v/' .. n .. '.m4s')\nend\n"
    )
    return script


def _require_hot(port: int) -> None:
    """What is measured must be what is claimed: hits that nginx serves alone."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v/1.m4s", timeout=10) as answer:
        if "hot" not in answer.headers["Cache-Status"]:
            raise RuntimeError(f"not in the hot tree: {answer.headers['Cache-Status']}")


def run() -> None:
    """Print one table for each number of connections."""
    with tempfile.TemporaryDirectory(prefix="pn-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        script = _prepare(folder)
        static_port, static_pid = stack.enter_context(_static(folder, access="off"))
        edge_port, edge_pid = stack.enter_context(_node(folder, f"http://127.0.0.1:{static_port}"))
        for number in (*range(1, _OBJECTS + 1), *range(1, _OBJECTS + 1)):
            with urllib.request.urlopen(f"http://127.0.0.1:{edge_port}/v/{number}.m4s", timeout=10) as answer:
                answer.read()
        _require_hot(edge_port)
        for connections in _CONNECTIONS:
            figures, steal = interleave(
                {
                    "nginx static": lambda c=connections: _load(static_port, static_pid, c, script),  # type: ignore[misc]
                    "edge node": lambda c=connections: _load(edge_port, edge_pid, c, script),  # type: ignore[misc]
                }
            )
            show(
                f"1 MB hits, {connections} connections",
                figures,
                cost="CPU µs/request",
                rate="requests/s",
                steal=steal,
                peer="nginx static",
            )
