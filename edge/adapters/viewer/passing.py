"""Handing an origin's own answer on to one viewer: nothing of it is kept."""

import asyncio
from contextlib import aclosing, nullcontext

from edge.adapters.upstream.upstream import Ask, Reply
from edge.core.entry import kept, tags_of
from edge.core.invalidation import SAFE, invalidated
from edge.core.key import Key, Target
from edge.core.peering import told
from playnet.errors import Unavailable
from playnet.http.cache_status import CacheStatus
from playnet.http.fields import Fields
from playnet.purge.order import PurgeOrder

from .answers import Answer
from .parts import Parts
from .viewer import Viewer


class Passing:
    """Answers viewers with what the origin says to them alone."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store, self._fills, self._upstream = parts.store, parts.fills, parts.upstream
        self._metrics, self._clock = parts.metrics, parts.clock

    async def answer(
        self, viewer: Viewer, wanted: Target, status: CacheStatus, turns: asyncio.Semaphore | None = None
    ) -> None:
        """Let the origin answer this viewer itself; nothing is kept, and what an unsafe request changed is forgotten.

        `turns`: wait for one until the head has come.
        """
        fields, body = self._parts.asked(viewer, conditions=True), None
        if viewer.method not in SAFE and _has_body(viewer.fields):
            length = viewer.fields.get("content-length")
            fields = fields.plus(("content-length", length)) if length is not None else fields
            body = viewer.body()
        # what an unsafe request changes must be forgotten by every node on the way of its key; nothing else here can be shared
        is_direct = viewer.method in SAFE
        if body is None:
            viewer.is_read.set()
        async with turns or nullcontext():
            reply = await self._upstream.ask(Ask(viewer.method, wanted.key, fields, body, is_direct))
        try:
            code = reply.exchange.status
            host = viewer.fields.get("host") or ""
            for key in invalidated(wanted.key, viewer.method, code, reply.exchange.fields, authority=host):
                await self._forget(key)
            await self.relay(viewer, reply, CacheStatus(fwd=status.fwd, fwd_status=code, detail=status.detail))
        finally:
            reply.close()

    async def relay(self, viewer: Viewer, reply: Reply, status: CacheStatus) -> None:
        self._metrics.requests.labels("pass").inc()
        viewer.source = "pass"
        fields = kept(reply.exchange.fields)
        fields = fields.plus(*(("age", value) for value in reply.exchange.fields.all("age")))
        if reply.size_bytes is not None:
            fields = fields.plus(("content-length", str(reply.size_bytes)))
        if viewer.tells is not None:
            fields = fields.plus(*told(tags_of(reply.exchange.fields), fields.get("date"), viewer.tells))
        async with aclosing(reply.chunks(is_paced=False)) as chunks:
            await Answer(viewer, self._clock).relayed(reply.exchange.status, fields, status, chunks)

    async def _forget(self, key: Key) -> None:
        """RFC 9111 §4.4. Fills that began before are not stored either."""
        order = PurgeOrder(kind="url", value=key)
        self._fills.forget(order)
        try:
            await self._store.forget(order)
        except Unavailable as exc:
            self._store.failed("invalidate", exc)


def _has_body(request: Fields) -> bool:
    """RFC 9112 §6."""
    return "content-length" in request or "transfer-encoding" in request
