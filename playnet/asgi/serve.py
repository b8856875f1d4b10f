"""Run one ASGI app under uvicorn until SIGTERM or SIGINT; in-flight requests get a bounded time to end."""

import socket
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from playnet.config import Address
from playnet.errors import StartupFailed

_DRAIN_S = 10


def listen(where: Address | Path) -> socket.socket:
    """A bound socket; a stale unix socket file is replaced. StartupFailed names a taken port."""
    if isinstance(where, Path):
        where.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        target: str | tuple[str, int] = str(where)
    else:
        host = where.host.strip("[]")
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        target = (host, where.port)
    try:
        sock.bind(target)
    except OSError as exc:
        sock.close()
        raise StartupFailed(f"cannot listen on {where}: {exc.strerror}") from exc
    return sock


async def serve(app: ASGIApp, where: Address | Path) -> None:
    """Serve until a signal. Blocks; the app's lifespan opens and closes its resources."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=_DRAIN_S,
        h11_max_incomplete_event_size=64 << 10,
    )
    server = uvicorn.Server(config)
    sock = listen(where)
    try:
        await server.serve(sockets=[sock])
    finally:
        sock.close()
        if isinstance(where, Path):
            where.unlink(missing_ok=True)
    if not server.started:
        raise StartupFailed(f"the service on {where} failed to start; its log says why")
