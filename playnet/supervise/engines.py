"""The appliance's own PostgreSQL and Redis: finding the host's programs, making the cluster, how each is run."""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from playnet.errors import StartupFailed
from playnet.layout import Layout

from .account import hand_over
from .child import Child
from .process import find_program, run_to_end
from .ready import CommandReady, SocketReady

_DISTRIBUTION = Path("/usr/lib/postgresql")
_INITDB_TIMEOUT_S = 300.0  # some 1000 files, each synced
_MISSING = "is not installed: run `make setup`"


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """One release's programs."""

    folder: Path
    major: str

    def program(self, name: str) -> str:
        return str(self.folder / name)


def find_postgres(cluster: Path, distribution: Path = _DISTRIBUTION) -> PostgresPrograms:
    """The release that made `cluster`, or the newest for a new one. StartupFailed when the host has none that fits."""
    found = {programs.major: programs for programs in _installed(distribution)}
    if not found:
        raise StartupFailed(f"PostgreSQL {_MISSING}")
    try:
        made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return max(found.values(), key=lambda programs: int(programs.major))
    except OSError as exc:
        raise StartupFailed(f"{cluster} cannot be read: {exc.strerror}") from exc
    if made_by not in found:
        raise StartupFailed(
            f"{cluster} was made by PostgreSQL {made_by}, and this host has {', '.join(sorted(found))}: "
            f"install postgresql-{made_by}, or carry the database over with pg_upgrade"
        )
    return found[made_by]


def _installed(distribution: Path) -> list[PostgresPrograms]:
    folders = [path.parent for path in distribution.glob("*/bin/initdb") if path.parts[-3].isdigit()]
    programs = [
        PostgresPrograms(folder, folder.parts[-2]) for folder in folders if os.access(folder / "postgres", os.X_OK)
    ]
    on_path = find_program("postgres")
    if on_path is None or not (Path(on_path).resolve().parent / "initdb").exists():
        return programs
    said = subprocess.run([on_path, "--version"], capture_output=True, text=True, timeout=20, check=False).stdout
    major = next((word.partition(".")[0] for word in said.split() if word[:1].isdigit()), "")
    if major.isdigit() and major not in {known.major for known in programs}:
        programs.append(PostgresPrograms(Path(on_path).resolve().parent, major))
    return programs


def find_redis() -> str:
    """The Redis server. StartupFailed when it is missing."""
    found = find_program("redis-server")
    if found is None:
        raise StartupFailed(f"Redis {_MISSING}")
    return found


async def make_cluster(programs: PostgresPrograms, cluster: Path, user: str | None) -> None:
    """Make the cluster with its database `playnet`. It appears complete or not at all: built beside, then renamed."""
    building = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(mode=0o700)
    if user is not None:
        hand_over(building, user)
    initdb = (
        programs.program("initdb"), "-D", str(building), "-U", "playnet", "--auth-local=trust", "--auth-host=reject",
        "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
    )  # fmt: skip
    await run_to_end(initdb, user=user, timeout_s=_INITDB_TIMEOUT_S)
    single = (programs.program("postgres"), "--single", "-D", str(building), "postgres")
    await run_to_end(single, user=user, timeout_s=_INITDB_TIMEOUT_S, text="CREATE DATABASE playnet;\n")
    building.replace(cluster)
    _sync_folder(cluster.parent)


def check_postmaster(cluster: Path) -> None:
    """Drop the pid file that a power loss left. Call with the data directory's lock held.

    PostgreSQL takes any process of that pid and our account for a server, which after a reboot may be anything, and
    after a kill a zombie that nobody reaps. A server works in its cluster's folder: that tells them apart.
    StartupFailed when a server was started here by hand.
    """
    file = cluster / "postmaster.pid"
    try:
        pid = file.read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except FileNotFoundError:
        return
    try:
        works_in = Path(f"/proc/{int(pid)}/cwd").readlink()
    except (OSError, ValueError):
        works_in = None
    if works_in == cluster.resolve():
        raise StartupFailed(f"a PostgreSQL that is not ours runs on {cluster} (pid {pid}): stop it first")
    file.unlink()


def postgres_child(programs: PostgresPrograms, layout: Layout, user: str | None) -> Child:
    """The server: no TCP, trust on a socket in a folder that only its account can enter, durable by default settings."""
    socket_folder = '"' + str(layout.run).replace('"', '""') + '"'  # the setting is a list: a comma would split it
    return Child(
        name="postgres",
        argv=(
            programs.program("postgres"), "-D", str(layout.postgres), "-k", socket_folder,
            "-c", "listen_addresses=", "-c", "cluster_name=playnet", "-c", "log_line_prefix=%m [%p] ",
        ),
        ready=CommandReady(
            (programs.program("pg_isready"), "-h", str(layout.run), "-U", "playnet", "-d", "playnet")
        ),
        user=user,
        stop_signal=signal.SIGINT,  # fast shutdown: ends sessions, writes a checkpoint
        death_signal=signal.SIGQUIT,  # immediate shutdown: takes its sessions and shared memory along, recovers at the next start
        grace_s=60,
        ready_timeout_s=600,  # recovery after a power loss replays the log
        log=layout.logs / "postgres.log",
        address=str(layout.run / ".s.PGSQL.5432"),
    )  # fmt: skip


def redis_child(program: str, layout: Layout, user: str | None) -> Child:
    """The server: no TCP, every write synced before it is acknowledged (docs/decisions/supervisor.md says why)."""
    socket = layout.run / "redis.sock"
    return Child(
        name="redis",
        argv=(
            program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(layout.redis),
            "--appendonly", "yes", "--appendfsync", "always", "--save", "", "--daemonize", "no",
        ),
        ready=SocketReady(socket, send=b"PING\r\n", expect=b"+PONG"),
        user=user,
        grace_s=30,
        ready_timeout_s=300,  # loads its append-only file first
        log=layout.logs / "redis.log",
        address=str(socket),
    )  # fmt: skip


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
