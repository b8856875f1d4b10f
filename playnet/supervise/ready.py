"""Whether a process is ready for work: one probe, with a deadline, that says why not."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import aiohttp

from playnet.config import Address

_PROBE_TIMEOUT_S = 3.0
WARNING = "warning: "
_REPLY_LIMIT = 200
_REMARK_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class HttpReady:
    """A 2xx answer to GET `path`, over TCP or a unix socket."""

    where: Address | Path
    path: str = "/readyz"


@dataclass(frozen=True, slots=True)
class SocketReady:
    """A stream socket that accepts, and when `send` is given answers with bytes that start with `expect`."""

    where: Address | Path
    send: bytes = b""
    expect: bytes = b""


@dataclass(frozen=True, slots=True)
class CommandReady:
    """A command that exits with 0."""

    argv: tuple[str, ...]


Ready = HttpReady | SocketReady | CommandReady


async def probe(ready: Ready) -> str | None:
    """None when ready, else the reason in a few words. Never raises; answers within three seconds."""
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            match ready:
                case HttpReady():
                    return await _http(ready)
                case SocketReady():
                    return await _socket(ready)
                case CommandReady():
                    return await _command(ready)
                case _:
                    assert_never(ready)
    except TimeoutError:
        return f"no answer within {_PROBE_TIMEOUT_S:g} s"
    except (OSError, aiohttp.ClientError) as exc:
        return str(exc) or type(exc).__name__


async def remark(ready: Ready) -> str | None:
    """What a process that is ready warns of: the lines of its answer that begin with `warning: `. Never raises."""
    if not isinstance(ready, HttpReady):
        return None
    try:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            _, text = await _asked(ready)
    except (TimeoutError, OSError, aiohttp.ClientError):
        return None
    said = (line.removeprefix(WARNING) for line in text.splitlines() if line.startswith(WARNING))
    return "; ".join(said) or None


async def _http(ready: HttpReady) -> str | None:
    status, text = await _asked(ready)
    return None if status < 400 else f"HTTP {status} {' '.join(text[:_REPLY_LIMIT].split())}".strip()


async def _asked(ready: HttpReady) -> tuple[int, str]:
    """Status and the beginning of the body."""
    if isinstance(ready.where, Path):
        connector: aiohttp.BaseConnector = aiohttp.UnixConnector(str(ready.where))
        url = f"http://localhost{ready.path}"
    else:
        connector = aiohttp.TCPConnector()
        url = f"http://{dialled(ready.where)}{ready.path}"
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as response:
        text = (await response.content.read(_REMARK_LIMIT)).decode(errors="replace")
        return response.status, text


async def _socket(ready: SocketReady) -> str | None:
    if isinstance(ready.where, Path):
        reader, writer = await asyncio.open_unix_connection(str(ready.where))
    else:
        where = dialled(ready.where)
        reader, writer = await asyncio.open_connection(where.host.strip("[]"), where.port)
    try:
        if not ready.send:
            return None
        writer.write(ready.send)
        reply = await reader.read(_REPLY_LIMIT)
        return None if reply.startswith(ready.expect) else f"answered {reply.decode(errors='replace').strip()!r}"
    finally:
        writer.close()


async def _command(ready: CommandReady) -> str | None:
    process = await asyncio.create_subprocess_exec(
        *ready.argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return None
    return " ".join(out[:_REPLY_LIMIT].decode(errors="replace").split()) or f"exit code {process.returncode}"


def dialled(where: Address) -> Address:
    """A wildcard listens everywhere but is dialled on loopback."""
    loopback = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
    return Address(loopback.get(where.host, where.host), where.port)
