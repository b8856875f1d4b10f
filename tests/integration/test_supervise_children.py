"""The supervisor with small real children: order, readiness, crashes, ends."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from playnet.config import Address
from playnet.errors import StartupFailed
from playnet.supervise import Child, CommandReady, HttpReady, Snapshot, SocketReady, Supervisor
from tests.aio import run, until

# Listens on the socket of its first argument, then notes "NAME up" and, at SIGTERM, "NAME down" in a journal.
_SERVER = """
import os, signal, socket, sys
path, name, journal = sys.argv[1:4]
def note(what):
    with open(journal, "a") as file:
        file.write(f"{name} {what}\\n")
def end(*_):
    note("down")
    os.unlink(path)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
if os.path.exists(path):
    os.unlink(path)
server = socket.socket(socket.AF_UNIX)
server.bind(path)
note("up")
server.listen()
while True:
    server.accept()[0].close()
"""
# A child of its own that ignores SIGTERM, as it does itself; tells both pids.
_STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
while True:
    time.sleep(60)
"""


def _python(name: str, code: str, *args: object, **options: object) -> Child:
    fields: dict[str, object] = {"ready": CommandReady(("true",)), "grace_s": 10.0, **options}
    return Child(name=name, argv=(sys.executable, "-c", code, *map(str, args)), **fields)  # type: ignore[arg-type]


def _server(folder: Path, name: str, *needs: str) -> Child:
    path = folder / f"{name}.sock"
    return _python(name, _SERVER, path, name, folder / "journal", ready=SocketReady(path), needs=needs)


def _alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


async def _while_up(supervisor: Supervisor, then: Callable[[], object]) -> None:
    """Run until everything is ready, wait for `then()` to come true, stop."""
    stop, up = asyncio.Event(), asyncio.Event()

    async def end() -> None:
        try:
            await up.wait()
            await until(lambda: bool(then()))
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(end())
        await supervisor.run(stop, up)
        up.set()


def test_needs_are_ready_first_and_stopped_last(short_tmp: Path) -> None:
    seen: list[dict[str, str]] = []
    family = [
        _server(short_tmp, "front", "node", "origin"),
        _server(short_tmp, "node"),
        _server(short_tmp, "origin", "db"),
    ]
    family.append(_server(short_tmp, "db"))
    supervisor = Supervisor(family, observe=lambda now: seen.append({child.name: child.state for child in now}))
    run(_while_up(supervisor, lambda: True))
    journal = (short_tmp / "journal").read_text().split("\n")
    for earlier, later in [("db", "origin"), ("origin", "front"), ("node", "front")]:
        assert journal.index(f"{earlier} up") < journal.index(f"{later} up")
        assert journal.index(f"{later} down") < journal.index(f"{earlier} down")
    assert all(now["db"] == "ready" for now in seen if now["origin"] in {"starting", "ready", "stopping"})
    assert set(seen[-1].values()) == {"stopped"}


def test_a_crashed_child_comes_back_and_says_how_it_ended(short_tmp: Path) -> None:
    seen: list[Snapshot] = []
    supervisor = Supervisor([_server(short_tmp, "origin")], observe=lambda now: seen.append(now[0]))
    killed: list[int | None] = []

    def twice() -> bool:
        child = supervisor.snapshots[0]
        if child.state == "ready" and child.pid not in killed and len(killed) < 2:
            killed.append(child.pid)
            supervisor.signal("origin", signal.SIGKILL)
        return child.restarts == 2 and child.state == "ready"

    run(_while_up(supervisor, twice))
    assert [child.state for child in seen if child.state == "restarting"] == ["restarting"] * 2
    assert any("origin: ended by SIGKILL" in child.note for child in seen)
    assert len({child.pid for child in seen if child.pid is not None}) == 3


def test_a_child_that_dies_at_first_start_stops_the_set_and_is_quoted(short_tmp: Path) -> None:
    broken = _python(
        "lb", "import sys; print('no such setting: lissten'); sys.exit(3)", needs=("origin",), log=short_tmp / "lb.log",
        ready=SocketReady(short_tmp / "never.sock"),
    )  # fmt: skip
    supervisor = Supervisor([_server(short_tmp, "origin"), broken])
    with pytest.raises(StartupFailed, match=r"lb: exit code 3 before it was ready.*\n.*no such setting: lissten"):
        run(supervisor.run(asyncio.Event()))
    assert [child.state for child in supervisor.snapshots] == ["stopped", "failed"]
    assert (short_tmp / "journal").read_text() == "origin up\norigin down\n"


def test_a_child_that_never_gets_ready_fails_with_the_probes_words(free_port: Callable[[], int]) -> None:
    slow = _python(
        "edge-1",
        "import signal; signal.pause()",
        ready=HttpReady(Address("127.0.0.1", free_port())),
        ready_timeout_s=0.5,
    )
    with pytest.raises(StartupFailed, match=r"edge-1: not ready after 0.5 s \(Cannot connect"):
        run(Supervisor([slow]).run(asyncio.Event()))


def test_a_missing_program_is_one_line(short_tmp: Path) -> None:
    child = Child(name="lb", argv=("nginx-of-yore",), ready=SocketReady(short_tmp / "x"))
    with pytest.raises(StartupFailed) as raised:
        run(Supervisor([child]).run(asyncio.Event()))
    assert str(raised.value) == "lb: nginx-of-yore is not installed: run `make setup`"


def test_what_ignores_its_end_is_killed_with_its_whole_group(short_tmp: Path) -> None:
    pids = short_tmp / "pids"
    stubborn = _python("stubborn", _STUBBORN, pids, grace_s=0.2)
    run(_while_up(Supervisor([stubborn]), lambda: pids.exists() and len(pids.read_text().split()) == 2))
    gone = [int(pid) for pid in pids.read_text().split()]
    run(until(lambda: not any(_alive(pid) for pid in gone)))  # the kernel takes its time on a busy machine


def test_nothing_outlives_a_killed_supervisor(short_tmp: Path) -> None:
    """SIGKILL leaves it no chance: the kernel ends the children."""
    script = short_tmp / "family.py"
    script.write_text(
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from playnet.supervise import Child, SocketReady, Supervisor\n"
        f"children = [Child(name=n, argv=(sys.executable, '-c', {_SERVER!r}, f'{short_tmp}/{{n}}.sock', n, '{short_tmp}/journal'),\n"
        f"                  ready=SocketReady(Path(f'{short_tmp}/{{n}}.sock'))) for n in 'abc']\n"
        "def observe(now):\n"
        "    if all(child.state == 'ready' for child in now):\n"
        "        print(*(child.pid for child in now), flush=True)\n"
        "asyncio.run(Supervisor(children, observe=observe).run(asyncio.Event()))\n"
    )

    async def scenario() -> None:
        supervisor = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
        assert supervisor.stdout is not None
        pids = [int(pid) for pid in (await supervisor.stdout.readline()).split()]
        assert len(pids) == 3
        assert all(_alive(pid) for pid in pids)
        supervisor.kill()
        await supervisor.wait()
        await until(lambda: not any(_alive(pid) for pid in pids))

    run(scenario())


def test_a_cancelled_run_kills_what_it_started(short_tmp: Path) -> None:
    supervisor = Supervisor([_server(short_tmp, "origin")])

    async def scenario() -> int:
        running = asyncio.create_task(supervisor.run(asyncio.Event()))
        await until(lambda: supervisor.snapshots[0].state == "ready")
        pid = supervisor.snapshots[0].pid
        assert pid is not None
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: not _alive(pid))
        return pid

    assert not _alive(run(scenario()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_dropped_child_has_no_rights_left_but_low_ports(short_tmp: Path) -> None:
    told = short_tmp / "told"
    short_tmp.chmod(0o777)
    code = f"import shutil; shutil.copyfile('/proc/self/status', {str(told)!r}); import signal; signal.pause()"
    child = Child(
        name="edge-1",
        argv=("/usr/bin/python3", "-c", code),
        ready=CommandReady(("test", "-s", str(told))),
        user="nobody",
        low_ports=True,
    )
    run(_while_up(Supervisor([child]), lambda: True))
    status = dict(line.split(":\t", 1) for line in told.read_text().splitlines() if ":\t" in line)
    assert set(status["Uid"].split()) == {"65534"}
    assert int(status["CapEff"], 16) == 1 << 10  # CAP_NET_BIND_SERVICE, capability.h
