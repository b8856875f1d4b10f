"""Asking a cache node on its own socket: what only the operator of its host may see. One call, with a deadline."""

from pathlib import Path
from typing import Any

import aiohttp

from playnet.errors import InvalidInput, Unavailable

_DEADLINE_S = 5.0


async def ask_node(socket: Path, path: str, **params: str) -> dict[str, Any]:
    """The JSON answer of the brain behind `socket`. Raises Unavailable, InvalidInput."""
    timeout = aiohttp.ClientTimeout(total=_DEADLINE_S)
    connector = aiohttp.UnixConnector(str(socket))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get(f"http://localhost{path}", params=params) as response,
        ):
            document: dict[str, Any] = await response.json(content_type=None)
            if response.ok:
                return document
            detail, kind = str(document.get("detail")), InvalidInput if response.status == 400 else Unavailable
            raise kind(detail, status=response.status)
    except (aiohttp.ClientConnectorError, FileNotFoundError, PermissionError) as exc:
        reason = exc.os_error.strerror if isinstance(exc, aiohttp.ClientConnectorError) else exc.strerror
        raise Unavailable(f"the node behind {socket} cannot be asked: {reason}") from exc
    except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
        raise Unavailable(f"the node behind {socket} does not answer: {exc or type(exc).__name__}") from exc
