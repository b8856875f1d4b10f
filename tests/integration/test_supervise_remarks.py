"""What a process that is well warns of reaches `playnet status`."""

import asyncio
from pathlib import Path

import pytest

from playnet.supervise import HttpReady, SocketReady, probe, remark
from tests.aio import run


@pytest.mark.parametrize(
    ("status", "body", "ready", "warned"),
    [
        pytest.param(200, "ready\n", True, None, id="well"),
        pytest.param(200, "ready\nwarning: the sandbox is open\n", True, "the sandbox is open", id="warns"),
        pytest.param(200, '{\n "ready": true\n}', True, None, id="other-words"),
        pytest.param(503, "the database is away\n", False, None, id="not-ready"),
    ],
)
def test_a_warning_is_told_beside_the_health(
    status: int, body: str, ready: bool, warned: str | None, short_tmp: Path
) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()
        writer.close()

    async def scenario() -> None:
        where = HttpReady(short_tmp / "s")
        async with await asyncio.start_unix_server(reply, short_tmp / "s"):
            assert ((await probe(where)) is None) == ready
            assert await remark(where) == warned
        assert await remark(SocketReady(short_tmp / "s")) is None
        assert await remark(HttpReady(short_tmp / "nobody")) is None

    run(scenario())
