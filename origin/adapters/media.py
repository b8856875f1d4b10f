"""Immutable files below `/v/<asset>/<rev>/`, streamed from the store: conditions, ranges, HEAD. RFC 9110 §13, §14."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final, assert_never

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from origin.core.caching import object_headers
from origin.core.visibility import is_sealed
from playnet.errors import Unavailable
from playnet.http.conditional import if_range_holds, not_modified
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.http.ranges import Part, Parts, Unsatisfiable, Whole, select
from playnet.logs import logger
from playnet.names import MediaKey
from playnet.store.port import ObjectStore, Stat

from .presence import Presence

log = logger(__name__)

_SEND_S: Final = 60.0  # a reader that takes nothing for so long is gone
_NOT_IN_304: Final = ("Content-Type",)  # RFC 9110 §15.4.5: metadata that the cache has already


@dataclass(frozen=True, slots=True)
class _Plan:
    """One answer: status, fields, and which bytes follow (None: no body)."""

    status: int
    headers: dict[str, str]
    part: Part | Whole | None


class Media:
    """Answers requests for objects."""

    def __init__(self, store: ObjectStore, presence: Presence) -> None:
        self._store = store
        self._presence = presence

    async def answer(self, key: MediaKey, scope: Scope, receive: Receive, send: Send) -> None:
        """Send one response. Raises NotFound or Unavailable before its first byte."""
        visibility = await self._presence.require(key.asset)
        if visibility is None:
            raise Unavailable("the database does not say who may have this")
        request = Request(scope)
        fields = Fields.raw(scope["headers"])
        stat, private = await self._store.stat(str(key)), is_sealed(visibility)
        plan = plan_answer(key, stat, fields, now=time.time(), private=private)
        if plan.part is None or request.method == "HEAD":
            await Response(None, plan.status, plan.headers)(scope, receive, send)
            return
        start, length = (plan.part.first, plan.part.size_bytes) if isinstance(plan.part, Part) else (0, None)
        async with self._store.get(str(key), start=start, length=length) as body:
            response = StreamingResponse(body.chunks, plan.status, plan.headers)
            try:
                await response(scope, receive, _patient(send))
            except TimeoutError:
                log.info("media.reader_stalled", key=str(key))


def plan_answer(key: MediaKey, stat: Stat, request: Fields, *, now: float, private: bool = False) -> _Plan:
    """What one GET gets. Preconditions come before ranges (RFC 9110 §13.2.2)."""
    headers = object_headers(key, stat, last_modified=format_date(stat.modified_s), private=private)
    stored = Fields.of([*headers.items(), ("Date", format_date(now))])
    if not_modified(request, stored, now=now):
        return _Plan(304, {name: value for name, value in headers.items() if name not in _NOT_IN_304}, None)
    wanted = request.get("range") if if_range_holds(request, stored, now=now) else None
    part = select(wanted, stat.size_bytes)
    part = (
        Whole() if isinstance(part, Parts) else part
    )  # RFC 9110 §14.2: nobody but edges asks, and they never for several
    match part:
        case Whole():
            return _Plan(200, {**headers, "Content-Length": str(stat.size_bytes)}, part)
        case Part():
            ranged = {"Content-Length": str(part.size_bytes), "Content-Range": part.content_range(stat.size_bytes)}
            return _Plan(206, {**headers, **ranged}, part)
        case Unsatisfiable():
            nothing = {
                "Content-Length": "0",
                "Content-Range": f"bytes */{stat.size_bytes}",
                "Cache-Control": "no-store",
            }
            return _Plan(416, {**headers, **nothing}, None)
        case _:
            assert_never(part)


def _patient(send: Send) -> Send:
    async def bounded(message: Message) -> None:
        async with asyncio.timeout(_SEND_S):
            await send(message)

    return bounded
