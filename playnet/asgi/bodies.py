"""Bounds on what a client may send, and answers that arrive although it is still sending. Pure ASGI.

uvicorn reads and drops the rest of a body for as long as a client cares to send it, or, when told to close, resets
the connection under a client that has not read the answer yet. `Linger` does neither.
"""

import asyncio
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playnet.errors import TooLarge

from .problems import answer

LINGER_S = 5.0  # as nginx's lingering_timeout: time for a client to notice the answer and stop


class LimitedBody:
    """Refuse bodies above `max_bytes` (413), told by Content-Length or counted; `unlimited` requests bound their own."""

    def __init__(self, app: ASGIApp, max_bytes: int, unlimited: Callable[[Scope], bool]) -> None:
        self.app = app
        self._max_bytes = max_bytes
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._unlimited(scope):
            await self.app(scope, receive, send)
            return
        message = f"expected a body of at most {self._max_bytes} bytes"
        if announced_bytes(scope) > self._max_bytes:
            await answer(Request(scope), TooLarge(message))(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            event = await receive()
            seen += len(event.get("body", b""))
            if seen > self._max_bytes:
                raise HTTPException(413, message)  # FastAPI passes this one on from within its own body reader
            return event

        await self.app(scope, counted, send)


class Linger:
    """When the answer is complete before the request: close the connection, but give the client time to read first."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not has_body(scope):
            await self.app(scope, receive, send)
            return
        complete = False

        async def watched() -> Message:
            nonlocal complete
            event = await receive()
            complete = complete or event["type"] == "http.disconnect" or not event.get("more_body", False)
            return event

        async def lingering(message: Message) -> None:
            if message["type"] == "http.response.start" and not complete:
                MutableHeaders(scope=message)["connection"] = "close"
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not last or complete:
                await send(message)
                return
            await send({**message, "more_body": True})
            try:
                async with asyncio.timeout(LINGER_S):
                    while not complete:
                        await watched()
            except TimeoutError:
                pass
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self.app(scope, watched, lingering)


def announced_bytes(scope: Scope) -> int:
    """Content-Length, or 0 without one. uvicorn's parser has refused malformed ones."""
    value = Headers(scope=scope).get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else 0


def has_body(scope: Scope) -> bool:
    """Whether the client announced a body. RFC 9112 §6.3."""
    return announced_bytes(scope) > 0 or "transfer-encoding" in Headers(scope=scope)
