"""The viewer who is answered: the request, the way to answer it, and what the metrics are told of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from starlette.types import Receive, Scope, Send

from edge.core.access import Access
from edge.core.causes import Cause
from edge.core.peering import Place
from edge.core.sealed import CLIENT_HEADER
from playnet.http.fields import Fields

_SILENCE_S: Final = 30.0  # longest pause within a request's body
_SLOWEST_BPS: Final = 512  # of a request's body, after the grace of one silence: below a modem's, above a drip's
Source = Literal["memory", "disk", "fill", "pass"]


class ViewerGone(OSError):
    """A request ended in its middle. An OSError, so that the exchange with the origin fails as by a broken connection."""


@dataclass(slots=True, kw_only=True)
class Viewer:
    """Who is answered. `has_nginx`: it stands between us and may send bodies for us. `is_read`: its request has come whole.

    `on_begin` hears the status as it is sent.
    `tells`: to a node of the fleet, how far purges had come here when it asked; None for everybody else. `is_hint`: it wants no answer.
    For the metrics, once the answer is over: `cause`, why the store alone did not do; `source`, where the body came from.
    """

    method: str
    fields: Fields
    request_id: str
    node: str
    has_nginx: bool
    receive: Receive
    send: Send
    tells: Place | None = None
    is_hint: bool = False
    on_begin: Callable[[int], None] | None = None
    access: Access = Access.PUBLIC
    has_begun: bool = False
    is_read: asyncio.Event = field(default_factory=asyncio.Event)
    cause: Cause | None = None
    source: Source | None = None
    sent_bytes: int = 0

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The body of the request as it comes. Raises ViewerGone when it does not come to its end."""
        loop = asyncio.get_running_loop()
        left_s = _SILENCE_S  # that we may still wait for the viewer
        while True:
            began = loop.time()
            try:
                async with asyncio.timeout(min(_SILENCE_S, left_s)):
                    message = await self.receive()
            except TimeoutError as exc:
                raise ViewerGone("the request's body stopped coming, or dripped") from exc
            left_s += len(message.get("body", b"")) / _SLOWEST_BPS - (loop.time() - began)
            if message["type"] == "http.disconnect":
                raise ViewerGone("the viewer left within its request")
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                self.is_read.set()
                return


def client_of(scope: Scope, viewer: Viewer) -> str:
    """The viewer's address: as nginx tells it, which alone reaches a brain that has one; else the connection's."""
    told = viewer.fields.get(CLIENT_HEADER) if scope.get("client") is None else None
    return told or (scope.get("client") or ("",))[0]
