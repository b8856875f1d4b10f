"""Private servers for a measurement: own folder, own loopback port, ended by the process that started them."""

import os
import pwd
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_READY_S: Final = 30
_SBIN: Final = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it listens, and the root of its processes."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def binary(name: str) -> str:
    """SystemExit when it is not installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SBIN}")
    if found is None:
        raise SystemExit(f"{name} is missing: `make bench-edge` installs it")
    return found


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def folder_of(parent: Path, name: str, owner: str | None = None) -> Path:
    """A new folder below `parent`; when we are root it belongs to the account that the server drops to."""
    folder = parent / name
    folder.mkdir(mode=0o755)
    if owner is not None and os.geteuid() == 0:
        account = pwd.getpwnam(owner)
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


@contextmanager
def serving(argv: Sequence[str], port: int, log: Path, *, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run `argv` until the block ends; enters when the port answers. RuntimeError with the end of the log otherwise."""
    with log.open("ab") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=out, env={**os.environ, **(env or {})})
        try:
            _await_answer(port, process, log)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=_READY_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_answer(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _READY_S
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2).close()
            return
        except OSError as exc:
            if isinstance(exc, urllib.request.HTTPError):
                exc.close()
                if exc.code < 500:
                    return
            if process.poll() is not None or time.monotonic() > end:
                said = log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{process.args!r} did not start:\n{said}") from exc
            time.sleep(0.05)
