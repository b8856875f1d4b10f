"""The endpoint for everything that may be cached: who asks, what for, whether that is let in, and how it ended."""

from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.adapters.fill.fill import Mismatch
from edge.adapters.upstream.upstream import Looping, UpstreamFailed, UpstreamSlow
from edge.core.access import PREFLIGHT_FIELDS, REFUSAL_FIELDS, Access
from edge.core.causes import Cause
from edge.core.forward import is_looping, via
from edge.core.hot import HOT_FIELDS
from edge.core.key import Target, target
from edge.core.nginx import NO_ACCEL_HEADER
from playnet import cmcd
from playnet.asgi.problems import answer, crash
from playnet.errors import NotFound, PlayNetError
from playnet.http.cache_status import CacheStatus
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.logs import logger
from playnet.names import PEER_FIELD
from playnet.tokens.refusal import PlaybackRefused

from .choice import Choice
from .parts import Parts
from .passing import Passing
from .stored import Vanished
from .viewer import Viewer, client_of

log = logger(__name__)

_REFUSED: Final = frozenset({"CONNECT", "TRACE"})  # no tunnels; no echo of what a front added to the request
_ALLOWED: Final = "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"
_FOR_OTHER_SITES: Final = {name: value for name, value in HOT_FIELDS if name != "cache-control"}
_ATTEMPTS: Final = 3  # a body that vanished between decision and answer sends us back to the decision
_PLAYED: Final = frozenset({200, 206, 304})
_RESERVED: Final = ("/metrics/", "/debug/")  # and the same without the slash: never the origin's, whatever the prefix


class Delivery:
    """The endpoint. Raw ASGI: nothing between us and the bytes."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._gate = parts, parts.settings.gate
        self._passing = Passing(parts)
        self._choice = Choice(parts, self._passing)
        self._upstream = parts.upstream
        self._metrics, self._clock = parts.metrics, parts.clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = self._viewer(scope, receive, send)
        self._meet(viewer, scope)
        try:
            await self._admitted(viewer, scope)
        except PlayNetError as exc:
            self._metrics.requests.labels("error" if exc.http_status >= 500 else "refused").inc()
            if viewer.has_begun:
                log.warning("delivery.cut", code=exc.code, reason=str(exc))
                return  # the server closes the connection: the viewer sees that the body is not whole
            response = answer(Request(scope), exc)
            was_forwarded = isinstance(exc, UpstreamFailed | UpstreamSlow)
            self._sign(response, CacheStatus(fwd="miss" if was_forwarded else None, detail=exc.code))
            if isinstance(exc, PlaybackRefused):
                response.headers.update(dict(REFUSAL_FIELDS))
            await response(scope, receive, send)
        except Exception:
            log.exception("delivery.crashed")
            if not viewer.has_begun:
                await crash(Request(scope))(scope, receive, send)
        finally:
            self._count(viewer)

    def _sign(self, response: Response, status: CacheStatus) -> None:
        """What other answers have as well, so that a player on another site sees the error and not a failed fetch."""
        response.headers["cache-status"] = status.written(self._parts.settings.node)
        response.headers["via"] = via(self._parts.settings.node)
        response.headers["date"] = format_date(self._clock())
        response.headers.update(_FOR_OTHER_SITES)

    def _count(self, viewer: Viewer) -> None:
        if viewer.cause is not None:
            self._metrics.misses.labels(viewer.cause).inc()
        elif viewer.source is not None:
            self._metrics.hits.labels(viewer.source).inc()
        if viewer.source is not None:
            self._metrics.sent_bytes.labels(viewer.source).inc(viewer.sent_bytes)

    def _viewer(self, scope: Scope, receive: Receive, send: Send) -> Viewer:
        fields = Fields.raw(scope["headers"])
        return Viewer(
            method=scope["method"],
            fields=fields,
            request_id=scope.get("state", {}).get("request_id", ""),
            node=self._parts.settings.node,
            has_nginx=self._parts.settings.has_nginx and not fields.get(NO_ACCEL_HEADER),
            receive=receive,
            send=send,
        )

    def _meet(self, viewer: Viewer, scope: Scope) -> None:
        """See whether a node of the fleet asks, and note how far purges came before anything is looked up for it."""
        ours = self._upstream.membership
        if ours is not None:
            asked = b"?".join(part for part in (scope.get("raw_path") or b"", scope["query_string"]) if part)
            proven = ours.prover.proven(viewer.fields.get(PEER_FIELD), asked.decode("latin-1"), now=self._clock())
            viewer.tells = ours.position.applied if proven is not None else None
            viewer.is_hint = proven is not None and proven.purpose == "hint"

    def _expect_next(self, viewer: Viewer, wanted: Target, query: bytes) -> None:
        """What this viewer will want after this; a node that asks on behalf of one has thought about that itself."""
        prefetch = self._parts.prefetch
        if prefetch is None or viewer.method != "GET":
            return
        prefetch.asked(wanted.key)
        if viewer.tells is None:
            told = viewer.fields.get(cmcd.FIELD) or cmcd.argument(query.decode("latin-1"))
            viewer.on_begin = lambda code: prefetch.seen(wanted.key, told) if code in _PLAYED else None

    async def _admitted(self, viewer: Viewer, scope: Scope) -> None:
        if viewer.method in _REFUSED:
            response = Response(status_code=405, headers={"allow": _ALLOWED})
            self._sign(response, CacheStatus(fwd="method", detail="refused"))
            self._metrics.requests.labels("refused").inc()
            await response(scope, viewer.receive, viewer.send)
            return
        raw_path = scope.get("raw_path") or scope["path"].encode()
        wanted = target(raw_path, scope["query_string"], has_tokens=self._gate is not None)
        if not await self._let_in(viewer, wanted, scope):
            return
        if f"{wanted.path}/".startswith(_RESERVED):
            raise NotFound("there is nothing here")
        if is_looping(viewer.fields, self._parts.settings.node):
            raise Looping("this node has forwarded the request before")
        if viewer.is_hint:
            if self._parts.prefetch is not None:
                self._parts.prefetch.hinted(wanted.key)
            await Response(status_code=202)(scope, viewer.receive, viewer.send)
            return
        self._expect_next(viewer, wanted, scope["query_string"])
        if viewer.method not in {"GET", "HEAD"}:
            viewer.cause = Cause.BYPASS
            await self._passing.answer(viewer, wanted, CacheStatus(fwd="method"))
            return
        for _ in range(_ATTEMPTS):
            with suppress(Vanished, Mismatch):
                await self._choice.answer(viewer, wanted)
                return
        viewer.cause = viewer.cause or Cause.EVICTED
        await self._passing.answer(viewer, wanted, CacheStatus(fwd="bypass", detail="unsteady"))

    async def _let_in(self, viewer: Viewer, wanted: Target, scope: Scope) -> bool:
        """Judge the token; nothing is looked up or asked for one that is refused. False: a preflight that is answered."""
        if viewer.tells is not None:
            viewer.access = Access.NODE
        if self._gate is None or wanted.token is None:
            return True
        try:
            viewer.access = self._gate.admit(wanted.token, wanted.path, client_of(scope, viewer))
        except PlaybackRefused:
            if viewer.method != "OPTIONS" or "access-control-request-method" not in viewer.fields:
                raise
            await Response(status_code=204, headers=dict(PREFLIGHT_FIELDS))(scope, viewer.receive, viewer.send)
            return False
        return True
