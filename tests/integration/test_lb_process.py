"""`python -m lb` as a process: reload under load, refusals, exit codes, nothing left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from playnet.asgi.serve import listen
from playnet.config import Address
from tests.aio import run, until
from tests.nginxes import status

_SETPRIV = ("setpriv", "--pdeathsig", "TERM")


def command(config: Path, data: Path, *action: str) -> list[str]:
    return [sys.executable, "-m", "lb", *action, "--config", str(config), "--data", str(data)]


def write(config: Path, port: int, origin: int, *, edges: int = 1) -> None:
    nodes = [{"name": f"e{n}", "listen": f"127.0.0.1:{20000 + n}"} for n in range(edges)]
    config.write_text(json.dumps({
        "lb": {"listen": f"127.0.0.1:{port}"}, "origin": {"listen": f"127.0.0.1:{origin}"}, "edges": nodes,
    }))  # fmt: skip


@asynccontextmanager
async def front(config: Path, data: Path) -> AsyncIterator[Process]:
    """The role, ready; ended by SIGTERM, and then exit code 0 is expected."""
    log = (data.parent / "lb.log").open("wb")
    with log:
        process = await asyncio.create_subprocess_exec(*_SETPRIV, *command(config, data), stderr=log)
    try:
        await until(lambda: count(data, "front.ready") == 1 or process.returncode is not None)
        yield process
    finally:
        process.terminate()
        async with asyncio.timeout(20):
            assert await process.wait() == 0


@asynccontextmanager
async def slow_origin(port: int) -> AsyncIterator[None]:
    """Answers in pieces, so that requests are under way whenever a reload comes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "20"})
        await response.prepare(request)
        for _ in range(20):
            await response.write(b"x")
            await asyncio.sleep(0.01)
        return response

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def events(data: Path) -> list[dict[str, str]]:
    lines = (data.parent / "lb.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def count(data: Path, event: str) -> int:
    return sum(line["event"] == event for line in events(data))


def test_reloads_fail_no_request_and_a_broken_file_changes_nothing(
    short_tmp: Path, free_port: Callable[[], int]
) -> None:
    config, data, port, origin = short_tmp / "c.yaml", short_tmp / "data", free_port(), free_port()
    live = data / "nginx" / "lb" / "nginx.conf"
    write(config, port, origin)

    async def viewer(results: list[int], stop: asyncio.Event, http: aiohttp.ClientSession) -> None:
        while not stop.is_set():
            async with http.get(f"http://127.0.0.1:{port}/x") as reply:
                results.append(len(await reply.read()))

    async def reload(process: Process, event: str) -> None:
        before = count(data, event)
        process.send_signal(signal.SIGHUP)
        await until(lambda: count(data, event) > before)

    async def scenario() -> None:
        results: list[int] = []
        stop = asyncio.Event()
        async with (
            slow_origin(origin),
            front(config, data) as process,
            aiohttp.ClientSession() as http,
            asyncio.TaskGroup() as viewers,
        ):
            for _ in range(4):
                viewers.create_task(viewer(results, stop, http))
            for edges in (2, 3):
                write(config, port, origin, edges=edges)
                await reload(process, "reload.done")
                assert live.read_text().count("max_fails=") == edges + 1
            config.write_text("lb:\n  listen: nowhere\n")
            await reload(process, "reload.refused")
            served = len(results)
            await until(lambda: len(results) > served + 8)
            stop.set()
        assert set(results) == {20}
        (refusal,) = (line for line in events(data) if line["event"] == "reload.refused")
        assert refusal["detail"].startswith(f"{config}:2: lb.listen = ")

    run(scenario())
    assert live.read_text().count("max_fails=") == 4
    assert status(port, "/readyz") is None


def test_a_killed_nginx_comes_back(short_tmp: Path, free_port: Callable[[], int]) -> None:
    config, data, port = short_tmp / "c.yaml", short_tmp / "data", free_port()
    write(config, port, free_port())

    def masters(process: Process) -> list[int]:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    async def scenario() -> None:
        async with front(config, data) as process:
            (first,) = masters(process)
            os.kill(first, signal.SIGKILL)
            await until(lambda: masters(process) not in ([], [first]) and status(port, "/readyz") == 200)

    run(scenario())


def test_workers_that_outlived_everything_make_way(short_tmp: Path, free_port: Callable[[], int]) -> None:
    """The role and nginx's master are killed at once; nobody is left who would end the workers."""

    async def scenario() -> None:
        config, data, port = short_tmp / "c.yaml", short_tmp / "data", free_port()
        write(config, port, free_port())
        killed = await asyncio.create_subprocess_exec(*command(config, data), stderr=asyncio.subprocess.DEVNULL)
        pid_file = data / "nginx" / "lb" / "nginx.pid"
        await until(pid_file.exists)
        await until(lambda: status(port, "/readyz") == 200)
        os.kill(killed.pid, signal.SIGSTOP)
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        killed.kill()
        await killed.wait()
        assert status(port, "/readyz") == 200, "orphans still serve"
        async with front(config, data):
            assert status(port, "/readyz") == 200
        assert status(port, "/readyz") is None

    run(scenario())


def test_a_taken_port_is_one_clear_line(short_tmp: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    write(short_tmp / "c.yaml", port, free_port())
    with closing(listen(Address("127.0.0.1", port))) as taken:
        taken.listen()
        done = subprocess.run(
            command(short_tmp / "c.yaml", short_tmp / "data"), capture_output=True, text=True, timeout=30, check=False
        )
    assert (done.returncode, done.stderr) == (1, f"cannot listen on 127.0.0.1:{port}: Address already in use\n")


@pytest.mark.parametrize(
    ("yaml", "code", "stdout", "stderr"),
    [
        pytest.param("{}", 0, "hash $playnet_key consistent;", "", id="defaults"),
        pytest.param("lb: {listen: 7}", 2, "", "c.yaml:1: lb.listen = 7: expected HOST:PORT", id="wrong"),
    ],
)
def test_render_prints_the_file_and_touches_nothing(
    short_tmp: Path, yaml: str, code: int, stdout: str, stderr: str
) -> None:
    config = short_tmp / "c.yaml"
    config.write_text(yaml)
    done = subprocess.run(
        command(config, short_tmp / "data", "render"), capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == code
    assert stdout in done.stdout
    assert stderr in done.stderr
    assert not (short_tmp / "data").exists()
