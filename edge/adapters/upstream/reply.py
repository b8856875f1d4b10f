"""An upstream's answer: its head, and its body while it arrives, through breaks of the connection where that can be."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import aiohttp

from edge.core.entry import Exchange
from edge.core.pace import Pace
from edge.core.resume import MAX_RESUMES, Rest, rest_of
from playnet.errors import PlayNetError

from .pool import UpstreamFailed, UpstreamSlow

Resume = Callable[[Rest, PlayNetError], Awaitable[aiohttp.ClientResponse]]


class Reply:
    """Must be closed. `resume` gets the rest of a body that broke off, or raises the error it was given."""

    def __init__(
        self, method: str, response: aiohttp.ClientResponse, exchange: Exchange, *, resume: Resume | None = None
    ) -> None:
        self._method, self._response, self._resume = method, response, resume
        self.exchange = exchange
        self.size_bytes: int | None = response.content_length
        """Content-Length, when the upstream told it."""

    async def chunks(self, *, is_paced: bool = True) -> AsyncGenerator[bytes, None]:
        """The body. `is_paced`: it must keep a minimum rate. Raises UpstreamFailed when it ends early, UpstreamSlow."""
        received_bytes = resumes = 0
        pace = Pace() if is_paced else None
        while True:
            try:
                while chunk := await self._next(pace):
                    received_bytes += len(chunk)
                    yield chunk
                return
            except (UpstreamFailed, UpstreamSlow) as exc:
                rest = rest_of(self._method, self.exchange, received_bytes=received_bytes, size_bytes=self.size_bytes)
                if rest is None or self._resume is None or resumes == MAX_RESUMES:
                    raise
                resumes += 1
                self._response.close()
                self._response = await self._resume(rest, exc)

    async def _next(self, pace: Pace | None) -> bytes:
        """The next bytes, empty at the end."""
        started = time.monotonic()
        with _translated():
            chunk = await self._response.content.readany()
        if chunk and pace is not None and not pace.is_held(time.monotonic() - started, len(chunk)):
            raise UpstreamSlow("the origin drips")
        return chunk

    def close(self) -> None:
        """Give the connection back when the body was read to its end, else cut it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except TimeoutError as exc:
        raise UpstreamSlow("the origin fell silent") from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        raise UpstreamFailed("the origin broke off its answer", cause=type(exc).__name__) from exc
