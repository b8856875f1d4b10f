"""Answering with what is stored: in one piece, in slices, or stale because the origin fails."""

from edge.adapters.fill.cutting import Changed
from edge.adapters.upstream.upstream import Ask
from edge.core.entry import Entry
from edge.core.variants import primary_of
from playnet.errors import Unavailable
from playnet.http.cache_status import CacheStatus

from .answers import Answer
from .parts import Parts
from .viewer import Viewer


class Vanished(Exception):
    """The body of an entry is gone: decide again."""


class Stored:
    """Answers viewers with entries."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store, self._fills, self._upstream = parts.store, parts.fills, parts.upstream
        self._metrics, self._clock = parts.metrics, parts.clock

    async def answer(self, viewer: Viewer, entry: Entry, status: CacheStatus, result: str) -> None:
        """Answer with a complete entry. Raises Vanished when its body is gone."""
        if entry.sliced is not None:
            await self.sliced(viewer, entry, status)
            self._metrics.requests.labels(result).inc()
            return
        answer = Answer(viewer, self._clock)
        self._store.hit(entry.key)
        data = await self._store.small_body(entry)
        viewer.source = "disk" if data is None else "memory"
        if not await self._is_answered(answer, entry, status, data):
            await self._store.drop(entry)
            raise Vanished
        self._metrics.requests.labels(result).inc()

    async def _is_answered(self, answer: Answer, entry: Entry, status: CacheStatus, data: bytes | None) -> bool:
        """False, and nothing sent, when the body is gone or the disk refuses to give it."""
        try:
            return await answer.entry(entry, status, self._store.bodies, data)
        except Unavailable as exc:
            if answer.has_begun:
                raise
            self._store.failed("read", exc)
            return False

    async def sliced(self, viewer: Viewer, head: Entry, status: CacheStatus) -> None:
        """Answer with an object in slices. Raises Vanished when the origin has another by now and nothing was sent."""
        self._store.hit(head.key)
        viewer.source = "disk" if status.hit else "fill"
        ask = Ask("GET", primary_of(head.key), self._parts.asked(viewer))
        try:
            await Answer(viewer, self._clock).sliced(head, status, self._fills.slices.body(head, ask))
        except Changed:
            if viewer.has_begun:
                raise
            raise Vanished from None

    async def on_error(self, viewer: Viewer, entry: Entry, error: int | None) -> None:
        """RFC 5861 §4."""
        status = CacheStatus(fwd="stale", fwd_status=error, detail="stale-if-error")
        await self.answer(viewer, entry, status, "stale")
