"""Large objects for viewers: slices that are stored, those that arrive, and what of the rest is asked for.

A viewer reads slice after slice, each from wherever it is. What is missing is asked for in runs of a few slices, once
however many want it (cutting.py); the run behind the slice that a viewer reads is asked for ahead.
"""

import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from edge.adapters.store.reading import blocks
from edge.adapters.store.store import Store
from edge.adapters.upstream.upstream import Ask
from edge.core.causes import Cause
from edge.core.entry import Entry
from edge.core.key import Key
from edge.core.slices import Sliced, sliced
from playnet.errors import PlayNetError
from playnet.http.ranges import Part
from playnet.logs import logger
from playnet.purge.order import PurgeOrder

from .cut import Cut
from .cutting import Changed, Cutting
from .joining import Joining

log = logger(__name__)

_TRIES: Final = 2  # exchanges in a row that may fail a viewer without bringing a byte


class Slices:
    """All large objects of one node."""

    def __init__(self, store: Store, cutting: Cutting, joining: Joining, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._cutting = cutting
        self._joining = joining

    async def close(self) -> None:
        """End all exchanges and copies."""
        await self._cutting.close()
        await self._joining.close()

    def forget(self, order: PurgeOrder) -> None:
        """A purge order: what began before it is not stored."""
        self._cutting.forget(order)
        self._joining.forget(order)

    def body(self, head: Entry, ask: Ask) -> "SlicedBody":
        """An object for one viewer. `ask`: the request without conditions, for what is missing."""
        return SlicedBody(self, head, ask)

    def lacks(self, head: Entry, first: int, last: int) -> Cause | None:
        """Why a slice of these bytes is not stored; None when all are."""
        form = _form(head)
        for number in range(form.number(first), form.number(last) + 1):
            key = form.key(head.key, number)
            if not self._store.has(key):
                return self._store.causes.why(key)
        return None

    # --- viewers

    async def chunks(self, head: Entry, ask: Ask, first: int, last: int) -> AsyncGenerator[bytes, None]:
        """The bytes from `first` to `last` (included), as they come. Raises Changed, and what the upstream raised."""
        with self._visiting(head, ask, last) as visit:
            position, failures = first, 0
            while position <= last:
                try:
                    async with aclosing(self._next(visit, position)) as chunks:
                        async for chunk in chunks:
                            position += len(chunk)
                            failures = 0
                            yield chunk
                except Changed:
                    raise
                except PlayNetError as exc:
                    failures += 1
                    if failures >= _TRIES:
                        raise
                    log.info("slices.again", key=head.key, position=position, reason=str(exc))
            if not visit.cuts and last - first >= visit.form.slice_bytes:
                self._joining.consider(head)

    @contextmanager
    def _visiting(self, head: Entry, ask: Ask, last: int) -> Iterator["_Visit"]:
        visit = _Visit(head, _form(head), ask, last)
        try:
            yield visit
        finally:
            visit.leave()

    async def _next(self, visit: "_Visit", position: int) -> AsyncGenerator[bytes, None]:
        """The rest of the slice that holds `position`, from wherever it is."""
        number = visit.form.number(position)
        part, key = visit.form.part(number), visit.form.key(visit.head.key, number)
        upto = min(part.last, visit.last)
        visit.at(number)
        cut = self._cutting.joinable(key, number)
        stored = None if cut is not None else await self._stored(visit, key, part)
        if stored is not None:
            try:
                self._read_ahead(visit, number)
                async with aclosing(blocks(stored.fd, position - stored.first, upto - stored.first)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            finally:
                os.close(stored.fd)
            return
        cut = self._cutting.joinable(key, number) or self._begin(visit, number)
        visit.cuts.add(cut)
        visit.at(number)
        self._read_ahead(visit, number)
        with cut.slice(number).reading(position - part.first, upto - part.first) as reader:
            async for chunk in reader.chunks():
                yield chunk

    async def _stored(self, visit: "_Visit", key: Key, part: Part) -> "_Stored | None":
        """The file with a slice: its own, or that of the whole if the slices were joined meanwhile."""
        if self._store.has(key):
            entry = await self._store.at(key)
            fd = None if entry is None else await self._opened(entry)
            if fd is not None:
                return _Stored(fd, part.first)
        whole = await self._store.at(visit.head.key)
        if whole is None or whole.sliced is not None or self._form(whole, visit.form) != visit.form:
            return None
        visit.is_joined = True
        fd = await self._opened(whole)
        return None if fd is None else _Stored(fd, 0)

    async def _opened(self, entry: Entry) -> int | None:
        """A body for reading; one that is not what its entry says is forgotten."""
        fd = self._store.bodies.open(entry.body)
        if fd is not None and os.fstat(fd).st_size == entry.size_bytes:
            self._store.hit(entry.key)
            return fd
        if fd is not None:
            os.close(fd)
        await self._store.drop(entry)
        return None

    def _form(self, whole: Entry, like: Sliced) -> Sliced | None:
        """How an object in one piece would be cut."""
        return sliced(whole.fields, total_bytes=whole.size_bytes, slice_bytes=like.slice_bytes, now=self._clock())

    def _begin(self, visit: "_Visit", number: int) -> Cut:
        return self._cutting.begin(visit.head, visit.ask, number, visit.form.number(visit.last))

    def _read_ahead(self, visit: "_Visit", number: int) -> None:
        """See to it that the slice behind `number` comes."""
        following = number + 1
        if not visit.is_joined and following <= visit.form.number(visit.last):
            key = visit.form.key(visit.head.key, following)
            if not self._cutting.is_coming(key) and not self._store.has(key):
                visit.cuts.add(self._begin(visit, following))
                visit.at(number)


@dataclass(frozen=True, slots=True)
class _Stored:
    """An open file, and the position within the object of its first byte."""

    fd: int
    first: int


@dataclass(slots=True, eq=False)
class _Visit:
    """One viewer's way through an object, and the exchanges that it reads from or will."""

    head: Entry
    form: Sliced
    ask: Ask
    last: int
    cuts: set[Cut] = field(default_factory=set)
    is_joined: bool = False

    def at(self, number: int) -> None:
        """It reads this slice now."""
        for cut in self.cuts:
            cut.enter(self, number)

    def leave(self) -> None:
        """It goes."""
        for cut in self.cuts:
            cut.leave(self)


@dataclass(frozen=True, slots=True)
class SlicedBody:
    """The bytes of an object in slices, for one viewer."""

    slices: Slices
    head: Entry
    ask: Ask

    def lacks(self, part: Part) -> Cause | None:
        """Why not all of a part is stored; None when it is."""
        return self.slices.lacks(self.head, part.first, part.last)

    def chunks(self, first: int, last: int | None) -> AsyncGenerator[bytes, None]:
        """The bytes from `first` to `last` (included)."""
        upto = self.head.length_bytes - 1 if last is None else last
        return self.slices.chunks(self.head, self.ask, first, upto)


def _form(head: Entry) -> Sliced:
    assert head.sliced is not None
    return head.sliced
