"""Run one ASGI app under uvicorn until SIGTERM or SIGINT; in-flight requests get a bounded time to end."""

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from playnet.config import Address
from playnet.errors import StartupFailed

from .bodies import Linger
from .heads import BoundedHead, BoundedHttp
from .requests import RequestId

_DRAIN_S = 10
_CONNECT_S = 2.0


class _Server(uvicorn.Server):
    """uvicorn's own handling raises the signal again at the end, which ends the process before our cleanup."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        self.force_exit = self.should_exit  # asked twice: don't wait for requests in flight
        self.should_exit = True


def listen(where: Address | Path) -> socket.socket:
    """A bound socket; a stale unix socket file is replaced. StartupFailed names an address that is taken."""
    if isinstance(where, Path):
        if _is_served(where):
            raise StartupFailed(f"cannot listen on {where}: another process does")
        where.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        target: str | tuple[str, int] = str(where)
    else:
        host = where.host.strip("[]")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # Named, because asyncio sets TCP_NODELAY only then; without it every answer waits 40 ms for a delayed ACK.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        target = (host, where.port)
    try:
        sock.bind(target)
    except OSError as exc:
        sock.close()
        raise StartupFailed(f"cannot listen on {where}: {exc.strerror}") from exc
    return sock


def _is_served(path: Path) -> bool:
    """Whether a process listens on this unix socket. The file alone says nothing: a killed one leaves it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_CONNECT_S)
        try:
            sock.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True  # it did not take the connection in time, or is not ours to touch
        return True


async def serve(app: ASGIApp, where: Address | Path, *, stop: asyncio.Event | None = None, date: bool = True) -> None:
    """Serve until a signal, or until `stop` is set. The app's lifespan opens and closes its resources.

    `date`: add a Date to every response; a cache passes on the origin's.
    Every app gets the same surroundings: a request id, bounded heads, answers that outlive an unread body.
    """
    config = uvicorn.Config(
        RequestId(BoundedHead(Linger(app))),
        http=BoundedHttp,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,  # who a forwarded address may come from is the app's decision
        date_header=date,
        timeout_graceful_shutdown=_DRAIN_S,
    )
    server = _Server(config)
    sock = listen(where)
    try:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_stop_when_set(server, stop), name="serve-stop") if stop else None
            await server.serve(sockets=[sock])
            if watch is not None:
                watch.cancel()
    except SystemExit as exc:  # uvicorn's way to say that the lifespan failed
        raise StartupFailed(f"the service on {where} failed to start; its log says why") from exc
    finally:
        sock.close()
        if isinstance(where, Path):
            where.unlink(missing_ok=True)


async def _stop_when_set(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
