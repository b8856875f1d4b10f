"""Viewers: a bounded number of kept connections that ask for a popular few and a long tail, and check every byte."""

import asyncio
import bisect
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from .catalogue import Catalogue, body_of, version_told

_DEADLINE_S: Final = 30
_AFTER_TROUBLE_S: Final = 0.02
_READ_BYTES: Final = 1 << 18


@dataclass(slots=True)
class Tally:
    """What came of requests. `wrong` tells each answer that must not have been, in words."""

    hits: int = 0
    misses: int = 0
    unanswered: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return self.hits + self.misses

    @property
    def asked(self) -> int:
        return self.answered + self.unanswered.total()

    @property
    def hit_ratio(self) -> float:
        return self.hits / max(1, self.answered)


@dataclass(slots=True)
class Habits:
    """Shares of requests for a part, and of viewers who leave in the middle."""

    parts: float = 0.1
    leaving: float = 0.02


class Viewers:
    """`oldest` says which version of a path may still be seen: raised when a purge was acknowledged."""

    def __init__(self, catalogue: Catalogue, port: int, rng: random.Random, habits: Habits) -> None:
        self._catalogue, self._port, self._rng, self._habits = catalogue, port, rng, habits
        self._paths = list(catalogue.sizes)
        self._weights = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(self._paths))))
        self.oldest: dict[str, int] = {}
        self.tally = Tally()
        self._news = asyncio.Condition()

    @asynccontextmanager
    async def watching(self, count: int) -> AsyncIterator[None]:
        """`count` viewers at a time for as long as the block runs."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(self._watch(stop), name=f"viewer-{number}")
            try:
                yield
            finally:
                stop.set()

    async def see(self, count: int) -> Tally:
        """The next `count` requests, whatever came of them."""
        self.tally, before = Tally(), self.tally
        async with self._news:
            await self._news.wait_for(lambda: self.tally.asked >= count)
        seen, self.tally = self.tally, before
        self.tally.hits += seen.hits
        self.tally.misses += seen.misses
        self.tally.unanswered += seen.unanswered
        self.tally.wrong += seen.wrong
        return seen

    async def see_all(self, *, at_once: int = 4) -> None:
        """Every object once. OSError, EOFError for one that does not come whole."""
        paths = iter(self._paths)

        async def watch() -> None:
            connection = _Connection(self._port)
            for path in paths:
                await self._one(connection, path, None)
            connection.close()

        async with asyncio.timeout(_DEADLINE_S * 4), asyncio.TaskGroup() as group:
            for number in range(at_once):
                group.create_task(watch(), name=f"viewer-{number}")

    async def _watch(self, stop: asyncio.Event) -> None:
        connection = _Connection(self._port)
        try:
            while not stop.is_set():
                try:
                    async with asyncio.timeout(_DEADLINE_S):
                        await self._one(connection, self._choose(), self._part())
                except (OSError, EOFError, TimeoutError) as exc:
                    self.tally.unanswered[type(exc).__name__] += 1
                    connection.close()
                    await asyncio.sleep(_AFTER_TROUBLE_S)
                async with self._news:
                    self._news.notify_all()
        finally:
            connection.close()

    def _choose(self) -> str:
        return self._paths[bisect.bisect(self._weights, self._rng.random() * self._weights[-1] * 0.999999)]

    def _part(self) -> tuple[int, int] | None:
        """Two shares of a thousand of an object, in order."""
        if self._rng.random() >= self._habits.parts:
            return None
        first = self._rng.randrange(1000)
        return first, self._rng.randrange(first, 1000)

    async def _one(self, connection: "_Connection", path: str, part: tuple[int, int] | None) -> None:
        size_bytes, oldest = self._catalogue.sizes[path], self.oldest.get(path, 0)
        wanted = None if part is None else (part[0] * size_bytes // 1000, part[1] * size_bytes // 1000)
        leaves = self._rng.random() < self._habits.leaving
        answer = await connection.get(path, wanted, leaves=leaves)
        if answer is None:
            return
        if answer.status not in {200, 206}:
            self.tally.unanswered[str(answer.status)] += 1
            await asyncio.sleep(_AFTER_TROUBLE_S)
            return
        if ";hit" in answer.cache_status.replace(" ", ""):
            self.tally.hits += 1
        else:
            self.tally.misses += 1
        if (fault := self._fault(path, answer, wanted, oldest)) is not None:
            self.tally.wrong.append(f"{path} {wanted or ''}: {fault} ({answer.status}, {answer.cache_status})")

    def _fault(self, path: str, answer: "Answer", wanted: tuple[int, int] | None, oldest: int) -> str | None:
        """Why this answer must not have been."""
        size_bytes, newest = self._catalogue.sizes[path], self._catalogue.version(path)
        if answer.status == 200:
            version = version_told(answer.body)
            if version is None or answer.body != body_of(path, version, size_bytes):
                return f"{len(answer.body)} bytes that are no version of it"
            return None if oldest <= version <= newest else f"version {version} after the purge of {oldest - 1}"
        assert wanted is not None
        first, last = wanted[0], wanted[1] + 1
        for version in range(newest, oldest - 1, -1):
            if answer.body == body_of(path, version, size_bytes)[first:last]:
                return None
        return f"a part that is not in versions {oldest} to {newest}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    cache_status: str
    body: bytes


class _Connection:
    """One kept HTTP/1.1 connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def get(self, path: str, part: tuple[int, int] | None, *, leaves: bool) -> Answer | None:
        """None when the viewer left before the end. OSError, EOFError."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=_READ_BYTES)
        reader, writer = self._streams
        ranged = f"Range: bytes={part[0]}-{part[1]}\r\n" if part is not None else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{ranged}\r\n".encode())
        status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status, length = int(status_line.split()[1]), int(fields.get("content-length", -1))
        if leaves and length > 0:
            with suppress(OSError, EOFError):
                await reader.readexactly(length // 3)
            self.close()
            return None
        if length < 0:  # an answer of unknown length ends with the connection
            body = await reader.read(-1)
            self.close()
        else:
            body = await reader.readexactly(length)
        if fields.get("connection") == "close":
            self.close()
        return Answer(status, fields.get("cache-status", ""), body)
