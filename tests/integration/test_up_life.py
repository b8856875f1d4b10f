"""`playnet up`, `status`, `down` with real engines and stand-ins for the roles: what the supervisor itself promises.

The stand-ins only answer `/readyz`, so that every start takes a second; `tests/e2e` does the same with the real roles.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from playnet.supervise.engines import find_postgres
from tests.aio import run, until

_ROLE = """
import socketserver, sys, yaml
from http.server import BaseHTTPRequestHandler
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with open(options["--config"]) as file:
    config = yaml.safe_load(file)
role = __spec__.parent
edges = {edge["name"]: edge["listen"] for edge in config["edges"]}
where = edges[options["--name"]] if role == "edge" else config.get(role, {}).get("listen")
class Ready(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def address_string(self):
        return "somebody"
class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
class Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
if role == "transcoder":
    Unix(config["data_dir"] + "/run/transcoder.sock", Ready).serve_forever()
host, _, port = where.rpartition(":")
Tcp((host, int(port)), Ready).serve_forever()
"""


@dataclass
class Box:
    """One appliance, steered by the command line."""

    folder: Path
    config: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def playnet(self, *args: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "playnet.cli", *args],
            env={**os.environ, "PLAYNET_CONFIG": str(self.config), "PYTHONPATH": str(self.folder / "roles")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def up(self) -> None:
        done = self.playnet("up", "--detach")
        assert done.returncode == 0, done.stderr + done.stdout

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.playnet("status", "--json").stdout)
        return document

    def processes(self) -> list[int]:
        """Everything whose command line names our folder."""
        mine = str(self.folder).encode()
        return [
            int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and mine in _cmdline(entry)
        ]


def _cmdline(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture
def box(short_tmp: Path, free_port: Callable[[], int]) -> Iterator[Box]:
    for role in ("origin", "transcoder", "edge", "lb"):
        package = short_tmp / "roles" / role
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(_ROLE)
    settings = {
        "data_dir": str(short_tmp / "data"),
        "lb": {"listen": f"127.0.0.1:{free_port()}"},
        "origin": {"listen": f"127.0.0.1:{free_port()}"},
        "edges": [{"name": "edge-1", "listen": f"127.0.0.1:{free_port()}"}],
    }
    config = short_tmp / "playnet.yaml"
    config.write_text(yaml.safe_dump(settings))
    box = Box(short_tmp, config)
    yield box
    box.playnet("down")
    for pid in box.processes():
        os.kill(pid, signal.SIGKILL)


def _psql(box: Box, sql: str) -> str:
    psql = find_postgres(box.data / "postgres").program("psql")
    argv = [psql, "-h", str(box.data / "run"), "-U", "playnet", "-At", "-c", sql, "playnet"]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def test_up_status_crash_second_up_down(box: Box) -> None:
    box.up()
    status = box.status()
    assert status["running"] is True
    names = [child["name"] for child in status["children"]]
    assert names == ["postgres", "redis", "origin", "transcoder", "edge-1", "lb"]
    assert all(child["state"] == "ready" and child["healthy"] for child in status["children"])

    second = box.playnet("up", "--detach")
    assert second.returncode == 1
    assert second.stderr.splitlines() == [
        f"playnet: another appliance runs on this data directory (pid {status['pid']}): {box.data}: `playnet down` ends it"
    ]

    def edge() -> dict[str, Any]:
        return next(child for child in box.status()["children"] if child["name"] == "edge-1")

    first_pid = edge()["pid"]
    os.kill(first_pid, signal.SIGKILL)
    run(until(lambda: edge()["state"] == "ready" and edge()["pid"] != first_pid))
    assert edge()["restarts"] == 1

    assert box.playnet("down").returncode == 0
    assert box.processes() == []
    assert list((box.data / "run").iterdir()) == []
    again = box.playnet("down")
    assert (again.returncode, again.stderr) == (0, f"no appliance runs on {box.data}\n")
    assert box.playnet("status").returncode == 1


def test_what_was_committed_survives_a_power_loss(box: Box) -> None:
    box.up()
    _psql(box, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    socket = str(box.data / "run" / "redis.sock")
    subprocess.run(["redis-cli", "-s", socket, "set", "kept", "7"], check=True, capture_output=True)
    for pid in box.processes():
        with suppress(ProcessLookupError):  # the death of its parent was faster
            os.kill(pid, signal.SIGKILL)
    run(until(lambda: box.processes() == []))
    pid_file = box.data / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))  # as if the next boot had given that pid to us
    assert list((box.data / "run").iterdir()) != []
    box.up()
    assert _psql(box, "SELECT n FROM kept") == "7"
    kept = subprocess.run(["redis-cli", "-s", socket, "get", "kept"], check=True, capture_output=True, text=True)
    assert kept.stdout.strip() == "7"
    assert _psql(box, "SHOW fsync") == "on"
    assert _psql(box, "SHOW data_checksums") == "on"
    assert _psql(box, "SHOW listen_addresses") == ""


def test_nothing_outlives_a_killed_supervisor_and_the_next_up_follows_at_once(box: Box) -> None:
    box.up()
    os.kill(box.status()["pid"], signal.SIGKILL)
    box.up()
    assert {child["restarts"] for child in box.status()["children"]} == {0}


def test_a_role_that_cannot_start_is_quoted_and_nothing_stays(box: Box) -> None:
    (box.folder / "roles" / "lb" / "__main__.py").write_text("raise SystemExit('no such certificate')")
    done = box.playnet("up", "--detach")
    assert done.returncode == 1
    assert done.stderr.startswith("playnet: lb: exit code 1 before it was ready")
    assert "no such certificate" in done.stderr
    assert box.processes() == []


def test_in_the_foreground_an_interrupt_stops_all_of_it(box: Box) -> None:
    foreground = subprocess.Popen(
        [sys.executable, "-m", "playnet.cli", "up"],
        env={**os.environ, "PLAYNET_CONFIG": str(box.config), "PYTHONPATH": str(box.folder / "roles")},
        stdout=subprocess.PIPE,
        text=True,
    )
    with foreground:
        assert foreground.stdout is not None
        lines = []
        while (line := foreground.stdout.readline()) and not line.startswith("PlayNet is up"):
            lines.append(line.strip())
        assert "lb: ready" in lines
        foreground.send_signal(signal.SIGINT)
        rest = foreground.stdout.read()
    assert foreground.returncode == 0
    assert rest.index("lb: stopped") < rest.index("origin: stopped") < rest.index("postgres: stopped")
    assert box.processes() == []
