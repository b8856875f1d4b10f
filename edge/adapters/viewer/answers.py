"""One viewer's response: preconditions, range, whether nginx sends the body, and the bytes if it does not."""

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Final, assert_never

from edge.adapters.fill.growing import Growing
from edge.adapters.fill.slices import SlicedBody
from edge.adapters.store.bodies import Bodies
from edge.adapters.store.reading import blocks
from edge.core.accel import is_accelerable
from edge.core.access import released
from edge.core.entry import Entry
from edge.core.forward import via
from edge.core.invalidation import SAFE
from edge.core.nginx import BODIES_LOCATION
from edge.core.peering import told
from playnet.errors import PlayNetError
from playnet.http.cache_status import CacheStatus
from playnet.http.conditional import if_range_holds, not_modified
from playnet.http.fields import Fields
from playnet.http.ranges import Multipart, Part, Parts, Selected, Unsatisfiable, Whole, asked, select

from .viewer import Viewer

_REACH_S: Final = 5.0  # how long a range waits to be reached by a body that does not tell its size
_NOT_IN_304: Final = ("content-type", "content-encoding", "content-language", "content-length", "accept-ranges")


BytesOf = Callable[[int, int | None], AsyncGenerator[bytes, None]]  # first, last (included)


class _Left(Exception):
    """The viewer closed the connection."""


class Answer:
    """Sends one response. A body that breaks off is left unfinished: the server then closes the connection."""

    def __init__(self, viewer: Viewer, clock: Callable[[], float]) -> None:
        self._viewer, self._clock = viewer, clock
        self._is_patient = False  # the head waits for the first bytes

    @property
    def has_begun(self) -> bool:
        """Whether a head was sent: from then on there is no other answer."""
        return self._viewer.has_begun

    async def entry(self, entry: Entry, status: CacheStatus, bodies: Bodies, data: bytes | None = None) -> bool:
        """A complete stored response; `data`: its body where that is in memory. False, and nothing sent, when it is gone."""
        viewer, now = self._viewer, self._clock()
        fields = self._decorated(entry, status)
        if entry.status == 200 and not_modified(viewer.fields, entry.fields, now=now):
            if data is None and bodies.size_bytes(entry.body) != entry.size_bytes:
                return False
            await self._head_only(304, fields.without(_NOT_IN_304))
            return True
        if data is not None:
            await self._from_memory(entry, fields, data)
            return True
        wanted = self._range(entry)
        if viewer.has_nginx and (wanted or "range" not in viewer.fields) and is_accelerable(entry, viewer.fields):
            location = BODIES_LOCATION + bodies.name(entry.body)
            viewer.sent_bytes = _promised_bytes(viewer, select(wanted, entry.size_bytes), entry.size_bytes)
            lead = (("x-accel-redirect", location), ("content-length", "0"))  # or nginx would not keep the connection
            await self._head_only(200, fields.without(["date", "accept-ranges"]).plus(*lead))
            return True
        return await self._from_disk(entry, fields, select(wanted, entry.size_bytes), bodies)

    async def _from_memory(self, entry: Entry, fields: Fields, data: bytes) -> None:
        wanted = self._range(entry)
        if wanted is not None:
            selected = select(wanted, len(data))
            await self._selected(
                entry.status, fields, selected, len(data), lambda first, last: _part(data, first, last)
            )
            return
        if entry.status != 204:  # RFC 9110 §8.6
            fields = fields.plus(("content-length", str(len(data))))
        await self._begin(entry.status, fields)
        body = b"" if self._viewer.method == "HEAD" else data
        self._viewer.sent_bytes += len(body)
        await self._viewer.send({"type": "http.response.body", "body": body, "more_body": False})

    async def _from_disk(self, entry: Entry, fields: Fields, selected: Selected, bodies: Bodies) -> bool:
        fd = bodies.open(entry.body)
        if fd is None:
            return False
        try:
            if os.fstat(fd).st_size != entry.size_bytes:
                return False
            await self._selected(
                entry.status,
                fields,
                selected,
                entry.size_bytes,
                lambda first, last: blocks(fd, first, entry.size_bytes - 1 if last is None else last),
            )
        finally:
            os.close(fd)
        return True

    async def sliced(self, entry: Entry, status: CacheStatus, body: SlicedBody) -> None:
        """An object in slices. Its head is sent when the first bytes are there: until then all can begin anew.

        Raises Changed.
        """
        if entry.status == 200 and not_modified(self._viewer.fields, entry.fields, now=self._clock()):
            await self._head_only(304, self._decorated(entry, status).without(_NOT_IN_304))
            return
        selected = select(self._range(entry), entry.length_bytes)
        if self._viewer.method == "GET" and status.hit:
            lacks = next(filter(None, map(body.lacks, _parts_of(selected, entry.length_bytes))), None)
            if lacks is not None:
                self._viewer.cause, status = lacks, replace(status, hit=False, fwd="partial")
        self._is_patient = True
        await self._selected(200, self._decorated(entry, status), selected, entry.length_bytes, body.chunks)

    async def growing(self, entry: Entry, status: CacheStatus, body: Growing) -> None:
        """A response whose body arrives.

        Ranges are possible once its size is known, or once all that was asked for is there: until then nobody can tell
        whether a range ends where it says. One that takes too long gets the whole, as it comes (RFC 9110 §14.2).
        """
        fields, wanted = self._decorated(entry, status), self._range(entry)
        if body.total_bytes is None and wanted is not None:
            wanted = wanted if await _is_reached(body, wanted) else None
        total = body.total_bytes

        async def bytes_of(first: int, last: int | None) -> AsyncGenerator[bytes, None]:
            with body.reading(first, last) as reader:
                async for chunk in reader.chunks():
                    yield chunk

        if total is not None:
            await self._selected(entry.status, fields, select(wanted, total), total, bytes_of)
        elif isinstance(selected := select(wanted, body.size_bytes), Part | Parts):
            await self._selected(entry.status, fields, selected, None, bytes_of)
        else:
            await self._stream(entry.status, fields, bytes_of(0, None))

    def _range(self, entry: Entry) -> str | None:
        """The Range field where it counts: for GET alone, and if what it was meant for is what is here. RFC 9110 §14.2."""
        viewer = self._viewer
        if viewer.method != "GET" or entry.status != 200:
            return None
        return viewer.fields.get("range") if if_range_holds(viewer.fields, entry.fields, now=self._clock()) else None

    async def relayed(
        self, code: int, fields: Fields, status: CacheStatus, chunks: AsyncGenerator[bytes, None]
    ) -> None:
        """An origin's answer as it comes. `chunks` is closed by the caller."""
        await self._stream(code, self._signed(fields, status), chunks)

    async def _selected(
        self, code: int, fields: Fields, selected: Selected, size_bytes: int | None, bytes_of: BytesOf
    ) -> None:
        """Send what was selected. `size_bytes`: None is possible with parts only."""
        match selected:
            case Unsatisfiable():
                fields = fields.without((*_NOT_IN_304, "content-range")).plus(
                    ("content-range", f"bytes */{size_bytes}")
                )
                await self._head_only(416, fields.plus(("content-length", "0")))
            case Part():
                fields = fields.without(["content-range"]).plus(
                    ("content-range", selected.content_range(size_bytes)), ("content-length", str(selected.size_bytes))
                )
                await self._stream(206, fields, bytes_of(selected.first, selected.last))
            case Parts(parts):
                frame = Multipart(parts, size_bytes, fields.get("content-type"), secrets.token_hex(16))
                fields = fields.without(["content-type", "content-range"]).plus(
                    ("content-type", frame.media_type), ("content-length", str(frame.length_bytes))
                )
                await self._stream(206, fields, _framed(frame, bytes_of))
            case Whole():
                assert size_bytes is not None
                if code != 204:  # RFC 9110 §8.6
                    fields = fields.plus(("content-length", str(size_bytes)))
                await self._stream(code, fields, bytes_of(0, size_bytes - 1))
            case _:
                assert_never(selected)

    def _decorated(self, entry: Entry, status: CacheStatus) -> Fields:
        """The stored fields with what is true of this answer: Age, Via, Cache-Status, ranges."""
        fields = entry.fields.plus(("age", str(int(entry.life.age_s(self._clock())))))
        if self._viewer.tells is not None:
            fields = fields.plus(*told(entry.tags, entry.fields.get("date"), self._viewer.tells))
        if entry.status == 200:  # whatever the origin can do
            fields = fields.without(["accept-ranges"]).plus(("accept-ranges", "bytes"))
        return self._signed(fields, status)

    def _signed(self, fields: Fields, status: CacheStatus) -> Fields:
        """What this viewer may have, with our members of Via (RFC 9110 §7.6.3) and Cache-Status (RFC 9211 §2)."""
        fields, node = released(fields, self._viewer.access), self._viewer.node
        mine = (("via", via(node)), ("cache-status", status.written(node)))
        joined = tuple((name, ", ".join((*fields.all(name), value))) for name, value in mine)
        return Fields(fields.without(["via", "cache-status"]).pairs + joined)

    async def _head_only(self, code: int, fields: Fields) -> None:
        await self._begin(code, fields)
        await self._viewer.send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _begin(self, code: int, fields: Fields) -> None:
        self._viewer.has_begun = True
        if self._viewer.on_begin is not None:
            self._viewer.on_begin(code)
        await self._viewer.send({"type": "http.response.start", "status": code, "headers": fields.encoded()})

    async def _stream(self, code: int, fields: Fields, chunks: AsyncGenerator[bytes, None]) -> None:
        """Head and body; stops when the viewer leaves."""
        async with aclosing(chunks):
            if self._viewer.method == "HEAD":
                await self._head_only(code, fields)
                return
            failure = await self._until_sent_or_gone(code, fields, chunks)
        if failure is not None:
            raise failure

    async def _until_sent_or_gone(
        self, code: int, fields: Fields, chunks: AsyncGenerator[bytes, None]
    ) -> PlayNetError | None:
        failure: PlayNetError | None = None
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(self._until_gone(), name="viewer-gone")
                try:
                    await self._send_all(code, fields, chunks)
                except PlayNetError as exc:  # not through the group: it would come out wrapped
                    failure = exc
                watch.cancel()
        except* _Left:
            failure = None
        return failure

    async def _send_all(self, code: int, fields: Fields, chunks: AsyncGenerator[bytes, None]) -> None:
        send = self._viewer.send
        ready = await anext(chunks, b"") if self._is_patient else b""
        await self._begin(code, fields)
        if ready:
            await send({"type": "http.response.body", "body": ready, "more_body": True})
            self._viewer.sent_bytes += len(ready)
        async for chunk in chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self._viewer.sent_bytes += len(chunk)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _until_gone(self) -> None:
        if self._viewer.method not in SAFE:
            await self._viewer.is_read.wait()  # until then the exchange with the origin reads `receive`
        while (await self._viewer.receive())["type"] != "http.disconnect":
            pass
        raise _Left


def _parts_of(selected: Selected, size_bytes: int) -> tuple[Part, ...]:
    """The bytes that are needed."""
    match selected:
        case Part():
            return (selected,)
        case Parts(parts):
            return parts
        case Whole():
            return (Part(0, size_bytes - 1),)
        case Unsatisfiable():
            return ()
        case _:
            assert_never(selected)


def _promised_bytes(viewer: Viewer, selected: Selected, size_bytes: int) -> int:
    """The body bytes that nginx will send unless the viewer leaves."""
    if viewer.method == "HEAD" or isinstance(selected, Unsatisfiable):
        return 0
    match selected:
        case Part():
            return selected.size_bytes
        case Parts(parts):
            return sum(part.size_bytes for part in parts)
        case _:
            return size_bytes


async def _is_reached(body: Growing, wanted: str) -> bool:
    """Wait until a body of unknown size holds all that is wanted, or has ended; False when that cannot be awaited."""
    specs = asked(wanted)
    if not specs or any(spec.needs_size for spec in specs):
        return False
    with suppress(TimeoutError):
        async with asyncio.timeout(_REACH_S):
            await body.available(max(spec.last or 0 for spec in specs))
            return True
    return False


async def _framed(frame: Multipart, bytes_of: BytesOf) -> AsyncGenerator[bytes, None]:
    for part in frame.parts:
        yield frame.head(part)
        async with aclosing(bytes_of(part.first, part.last)) as chunks:
            async for chunk in chunks:
                yield chunk
    yield frame.tail


async def _part(data: bytes, first: int, last: int | None) -> AsyncGenerator[bytes, None]:
    assert last is not None
    yield data[first : last + 1]
