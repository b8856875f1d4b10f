"""A whole appliance on free ports in a folder of its own, steered only through its command line."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PLAYNET = Path(sys.executable).parent / "playnet"


@dataclass(frozen=True)
class Answer:
    """One HTTP response, read whole. Field names are lower case."""

    status: int
    fields: dict[str, str]
    body: bytes


def free_ports(count: int) -> list[int]:
    """Loopback ports that were free a moment ago."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in sockets]


def get(url: str, *, headers: dict[str, str] | None = None, timeout_s: float = 30) -> Answer:
    """GET without following surprises; an error status is an answer too."""
    return ask("GET", url, headers=headers, timeout_s=timeout_s)


def ask(
    method: str, url: str, *, headers: dict[str, str] | None = None, body: bytes | None = None, timeout_s: float = 30
) -> Answer:
    """One request of any kind."""
    request = urllib.request.Request(url, body, headers or {}, method=method)  # noqa: S310 (loopback only)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:  # noqa: S310
            return Answer(
                response.status, {key.lower(): value for key, value in response.headers.items()}, response.read()
            )
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, {key.lower(): value for key, value in error.headers.items()}, error.read())


@dataclass
class Appliance:
    """`folder` holds the YAML and the data directory."""

    folder: Path
    ports: tuple[int, int, int, int]  # front, origin, edge-1, edge-2

    @property
    def config(self) -> Path:
        return self.folder / "playnet.yaml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def front(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    def write_config(self, **changes: dict[str, Any]) -> None:
        """The smallest YAML for these ports; `changes` replace or add whole sections."""
        front, origin, first, second = self.ports
        settings: dict[str, Any] = {
            "data_dir": str(self.data),
            "lb": {"listen": f"127.0.0.1:{front}", "fail_timeout": "2s"},
            "origin": {"listen": f"127.0.0.1:{origin}"},
            "transcoder": {"preset": "ultrafast", "lease": "3s"},
            "edges": [
                {"name": "edge-1", "listen": f"127.0.0.1:{first}", "size": "256MiB"},
                {"name": "edge-2", "listen": f"127.0.0.1:{second}", "size": "256MiB"},
            ],
        }
        self.config.write_text(yaml.safe_dump({**settings, **changes}))

    def playnet(self, *args: str, timeout_s: float = 240) -> "subprocess.CompletedProcess[str]":
        """Run one command; `--config` is given through the environment, as an operator would."""
        return subprocess.run(
            [str(PLAYNET), *args],
            env={**os.environ, "PLAYNET_CONFIG": str(self.config), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def up(self) -> None:
        done = self.playnet("up", "--detach")
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.log_tails()}"
        assert self.front in done.stdout

    def down(self) -> None:
        done = self.playnet("down")
        assert done.returncode == 0, done.stderr

    def status(self) -> dict[str, Any]:
        done = self.playnet("status", "--json")
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def add(self, file: Path, *options: str) -> "subprocess.CompletedProcess[str]":
        return self.playnet("add", str(file), *options)

    def call(self, method: str, path: str, *, body: bytes | None = None, timeout_s: float = 30) -> Answer:
        """A call of the API that needs the token."""
        token = (self.data / "secrets" / "api-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return ask(method, self.front + path, headers=headers, body=body, timeout_s=timeout_s)

    def asset(self, asset_id: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(get(f"{self.front}/api/v1/assets/{asset_id}").body)
        return document

    def processes(self) -> dict[int, str]:
        """Every process that holds a file below the data directory, or names it in its arguments."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid() and self._touches(entry):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return found

    def _touches(self, process: Path) -> bool:
        root = str(self.data)
        try:
            if root.encode() in (process / "cmdline").read_bytes():
                return True
            links = [process / "cwd", *(process / "fd").iterdir()]
            return any(str(link.readlink()).startswith(root) for link in links)
        except OSError:
            return False

    def lose_power(self) -> None:
        """SIGKILL for everything at once."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def log_tails(self) -> str:
        logs = sorted((self.data / "logs").glob("*.log"))
        return "\n".join(f"== {log.name}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)
