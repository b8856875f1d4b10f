"""Answering viewers: one ASGI endpoint for everything that may be cached.

Delivery.__call__   method, target, loop, errors
_answer             store -> decision -> stored entry, fill, or the origin itself
Answer              one viewer's response: preconditions, range, nginx's help, bytes
"""

from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final, assert_never

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge.core.decide import Fetch, Revalidate, Serve, decide
from edge.core.entry import Entry, kept
from edge.core.forward import forwarded, is_looping, via
from edge.core.key import Target, target
from edge.core.nginx import NO_ACCEL_HEADER
from playnet.asgi.problems import answer
from playnet.errors import NotFound, PlayNetError
from playnet.http.cache_status import CacheStatus
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.logs import logger

from .answers import Answer, Viewer
from .fills import Fills, Private, Streaming, Validated
from .metrics import Metrics
from .store import Store
from .upstream import Ask, Looping, Reply, Upstream

log = logger(__name__)

_METHODS: Final = ("GET", "HEAD", "OPTIONS")
_ERRORS: Final = frozenset({500, 502, 503, 504})  # RFC 5861 §4
_ATTEMPTS: Final = 3  # a body that vanished between decision and answer sends us back to the decision
_RESERVED: Final = ("/metrics/", "/debug/")  # and the same without the slash: never the origin's, whatever the prefix


@dataclass(frozen=True, slots=True)
class Settings:
    """What one node's deliveries depend on. `has_nginx`: bodies may leave by X-Accel-Redirect."""

    node: str
    has_nginx: bool


class _Vanished(Exception):
    """The body of an entry is gone: decide again."""


class Delivery:
    """The endpoint. Raw ASGI: nothing between us and the bytes."""

    def __init__(
        self, settings: Settings, store: Store, fills: Fills, upstream: Upstream, metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self._settings, self._store, self._fills, self._upstream = settings, store, fills, upstream
        self._metrics, self._clock = metrics, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = self._viewer(scope, receive, send)
        try:
            await self._admitted(viewer, scope)
        except PlayNetError as exc:
            self._metrics.requests.labels("error" if exc.http_status >= 500 else "refused").inc()
            if viewer.has_begun:
                log.warning("delivery.cut", code=exc.code, reason=str(exc))
                return  # the server closes the connection: the viewer sees that the body is not whole
            response = answer(Request(scope), exc)
            status = CacheStatus(fwd="miss" if exc.http_status >= 500 else "bypass", detail=exc.code)
            response.headers["cache-status"] = status.written(self._settings.node)
            response.headers["via"] = via(self._settings.node)
            response.headers["date"] = format_date(self._clock())
            await response(scope, receive, send)

    def _viewer(self, scope: Scope, receive: Receive, send: Send) -> Viewer:
        fields = Fields.raw(scope["headers"])
        return Viewer(
            method=scope["method"],
            fields=fields,
            request_id=scope.get("state", {}).get("request_id", ""),
            node=self._settings.node,
            has_nginx=self._settings.has_nginx and not fields.get(NO_ACCEL_HEADER),
            receive=receive,
            send=send,
        )

    async def _admitted(self, viewer: Viewer, scope: Scope) -> None:
        if viewer.method not in _METHODS:
            status = CacheStatus(fwd="method", detail="refused").written(self._settings.node)
            headers = {"allow": ", ".join(_METHODS), "cache-status": status}
            self._metrics.requests.labels("refused").inc()
            await Response(status_code=405, headers=headers)(scope, viewer.receive, viewer.send)
            return
        wanted = target(scope.get("raw_path") or scope["path"].encode(), scope["query_string"])
        if f"{wanted.path}/".startswith(_RESERVED):
            raise NotFound("there is nothing here")
        if is_looping(viewer.fields, self._settings.node):
            raise Looping("this node has forwarded the request before")
        if viewer.method == "OPTIONS":
            await self._pass(viewer, wanted, CacheStatus(fwd="method"))
            return
        for _ in range(_ATTEMPTS):
            with suppress(_Vanished):
                await self._answer(viewer, wanted)
                return
        await self._pass(viewer, wanted, CacheStatus(fwd="bypass", detail="unsteady"))

    async def _answer(self, viewer: Viewer, wanted: Target) -> None:
        now = self._clock()
        stored = await self._store.lookup(wanted.key)
        action = decide(stored, marks=self._store.marks, now=now)
        match action:
            case Serve(entry, refresh):
                if refresh:
                    self._fills.refresh(self._ask(Viewer.nobody(self._settings.node), wanted), entry)
                detail = "stale-while-revalidate" if refresh else None
                status = CacheStatus(hit=True, ttl_s=int(entry.life.fresh_until - now), detail=detail)
                await self._stored(viewer, entry, status, "stale" if refresh else "hit")
            case Revalidate():
                await self._filled(viewer, wanted, action)
            case Fetch():
                if viewer.method == "HEAD" or self._fills.is_apart(wanted.key):
                    await self._pass(viewer, wanted, CacheStatus(fwd="miss"))
                else:
                    await self._filled(viewer, wanted, None)
            case _:
                assert_never(action)

    async def _stored(self, viewer: Viewer, entry: Entry, status: CacheStatus, result: str) -> None:
        """Answer with a complete entry. Raises _Vanished when its body is gone."""
        answer = Answer(viewer, self._clock)
        self._store.hit(entry.key)
        if not await answer.entry(entry, status, self._store.bodies):
            await self._store.drop(entry)
            raise _Vanished
        self._metrics.requests.labels(result).inc()

    async def _filled(self, viewer: Viewer, wanted: Target, stale: Revalidate | None) -> None:
        """Answer through a fill; on an error of the origin with the stale entry, where that is allowed."""
        try:
            async with self._fills.obtain(self._ask(viewer, wanted), stale.entry if stale else None) as obtained:
                head, collapsed = obtained.head, obtained.collapsed
                match head:
                    case Validated(entry):
                        status = CacheStatus(fwd="stale", fwd_status=304, stored=True, collapsed=collapsed)
                        await self._stored(viewer, entry, status, "revalidated")
                    case Streaming(entry, body):
                        status = CacheStatus(
                            fwd="stale" if stale else "miss",
                            fwd_status=entry.status,
                            stored=body.is_kept,
                            collapsed=collapsed,
                        )
                        self._metrics.requests.labels("collapsed" if collapsed else "miss").inc()
                        await Answer(viewer, self._clock).growing(entry, status, body)
                    case Private():
                        await self._private(viewer, wanted, stale, head)
                    case _:
                        assert_never(head)
        except PlayNetError as exc:
            if viewer.has_begun or stale is None or not stale.may_serve_on_error or exc.http_status < 500:
                raise
            await self._on_error(viewer, stale.entry, None)

    async def _private(self, viewer: Viewer, wanted: Target, stale: Revalidate | None, head: Private) -> None:
        if head.status in _ERRORS and stale is not None and stale.may_serve_on_error:
            await self._on_error(viewer, stale.entry, head.status)
        elif head.reply is None or (viewer.fields.get("range") and head.status == 200):
            # somebody else's answer, or one that is too large to be kept: ask for exactly what this viewer wants
            await self._pass(viewer, wanted, CacheStatus(fwd="stale" if stale else "miss"))
        else:
            status = CacheStatus(fwd="stale" if stale else "miss", fwd_status=head.status)
            await self._relay(viewer, head.reply, status)

    async def _on_error(self, viewer: Viewer, entry: Entry, error: int | None) -> None:
        """RFC 5861 §4."""
        status = CacheStatus(fwd="stale", fwd_status=error, detail="stale-if-error")
        await self._stored(viewer, entry, status, "stale")

    async def _pass(self, viewer: Viewer, wanted: Target, status: CacheStatus) -> None:
        """Let the origin answer this viewer itself; nothing is kept."""
        fields = forwarded(viewer.fields, node=self._settings.node, request_id=viewer.request_id, conditions=True)
        reply = await self._upstream.ask(Ask(viewer.method, wanted.key, fields))
        try:
            code = reply.exchange.status
            await self._relay(viewer, reply, CacheStatus(fwd=status.fwd, fwd_status=code, detail=status.detail))
        finally:
            reply.close()

    async def _relay(self, viewer: Viewer, reply: Reply, status: CacheStatus) -> None:
        self._metrics.requests.labels("pass").inc()
        fields = kept(reply.exchange.fields)
        if reply.size_bytes is not None:
            fields = fields.plus(("content-length", str(reply.size_bytes)))
        async with aclosing(reply.chunks()) as chunks:
            await Answer(viewer, self._clock).relayed(reply.exchange.status, fields, status, chunks)

    def _ask(self, viewer: Viewer, wanted: Target) -> Ask:
        fields = forwarded(viewer.fields, node=self._settings.node, request_id=viewer.request_id, conditions=False)
        return Ask("GET", wanted.key, fields)
