"""Real PostgreSQL and Redis for tests: private folders, unix sockets, gone with the test process."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

_SETPRIV = ("setpriv", "--pdeathsig", "KILL")


def unprivileged() -> str | None:
    """The account that servers which refuse root run as; None when we are not root."""
    return "postgres" if os.geteuid() == 0 else None


def hand_over(path: Path) -> None:
    """Give a folder to the unprivileged account."""
    if (user := unprivileged()) is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _argv(*argv: str) -> list[str]:
    user = unprivileged()
    drop = ("--reuid", user, "--regid", user, "--init-groups") if user else ()
    return [*_SETPRIV, *drop, *argv]


def postgres_binary(name: str) -> str:
    """Newest server binary of the distribution, else the PATH's."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(versions[-1]) if versions else shutil.which(name)
    assert found, f"PostgreSQL's {name} is missing: `make setup` installs it"
    return found


def wait_for(condition: object, process: "subprocess.Popen[bytes]", log: Path, *, deadline_s: float = 30) -> None:
    """Poll a callable until true, while the process lives."""
    assert callable(condition)
    end = time.monotonic() + deadline_s
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"server did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


@dataclass
class Postgres:
    """One cluster in `folder`; `start` and `kill` may be called any number of times."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def __post_init__(self) -> None:
        hand_over(self.folder)
        argv = _argv(
            postgres_binary("initdb"), "-D", str(self.folder / "data"), "-U", "playnet", "--auth=trust",
            "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        subprocess.run(argv, check=True, capture_output=True, cwd=self.folder)

    def start(self, *, durable: bool = False) -> "Postgres":
        log = self.folder / "log"
        argv = _argv(
            postgres_binary("postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder),
            "-c", "listen_addresses=", "-c", f"fsync={'on' if durable else 'off'}", "-c", "max_connections=100",
        )  # fmt: skip
        with log.open("ab") as out:
            self.process = subprocess.Popen(argv, stdout=out, stderr=out, cwd=self.folder)
        ready = [postgres_binary("pg_isready"), "-q", "-h", str(self.folder), "-U", "playnet", "-d", "postgres"]
        wait_for(lambda: subprocess.run(ready, check=False).returncode == 0, self.process, log)
        return self

    def stop(self, sig: signal.Signals = signal.SIGINT) -> None:
        """Fast shutdown; SIGKILL for a crash."""
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait(timeout=30)
            self.process = None

    def dsn(self, database: str) -> str:
        return f"postgresql://playnet@/{database}?host={self.folder}"


@dataclass
class RedisServer:
    """One Redis on a unix socket, durable like the appliance's."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def __post_init__(self) -> None:
        hand_over(self.folder)

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def start(self) -> "RedisServer":
        binary = shutil.which("redis-server")
        assert binary, "redis-server is missing: `make setup` installs it"
        log = self.folder / "log"
        argv = _argv(
            binary, "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "777", "--dir", str(self.folder),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "",
        )  # fmt: skip
        with log.open("ab") as out:
            self.process = subprocess.Popen(argv, stdout=out, stderr=out, cwd=self.folder)
        ping = ["redis-cli", "-s", str(self.socket), "ping"]
        wait_for(lambda: b"PONG" in subprocess.run(ping, check=False, capture_output=True).stdout, self.process, log)
        return self

    def stop(self, sig: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(sig)
            self.process.wait(timeout=30)
            self.process = None
