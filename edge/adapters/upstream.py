"""Asking origins: one connection pool, deadlines for every wait, another origin only when nothing was sent.

Bodies come as the origin encoded them. Library exceptions leave this module as errors of our tree.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from edge.core.entry import Exchange
from edge.core.invalidation import SAFE
from edge.core.key import Key
from playnet.errors import PlayNetError, Unavailable
from playnet.http.fields import Fields

from .metrics import Metrics

_CONNECTIONS: Final = 512
_HEAD_BYTES: Final = 32 << 10
_CHUNK_BYTES: Final = 256 << 10


class UpstreamFailed(Unavailable):
    """No origin gave a whole answer."""

    code = "upstream-failed"
    title = "The origin does not answer"
    http_status = 502


class UpstreamSlow(Unavailable):
    """An origin took longer than the deadline."""

    code = "upstream-timeout"
    title = "The origin takes too long"
    http_status = 504


class NotStored(Unavailable):
    """The viewer forbade to ask an origin (RFC 9111 §5.2.1.7)."""

    code = "not-stored"
    title = "Only a stored response was wanted"
    http_status = 504


class Looping(PlayNetError):
    """The request came back to a node that it had passed."""

    code = "loop-detected"
    title = "The request goes round in a loop of caches"
    http_status = 508


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to an origin. `fields` lack Host. `body` is read once; its length, if known, stands in the fields."""

    method: str
    key: Key
    fields: Fields
    body: AsyncIterator[bytes] | None = None


class Reply:
    """An origin's answer: its head, and its body while it arrives. Must be closed."""

    def __init__(self, response: aiohttp.ClientResponse, exchange: Exchange) -> None:
        self._response = response
        self.exchange = exchange

    @property
    def size_bytes(self) -> int | None:
        """Content-Length, when the origin told it."""
        return self._response.content_length

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body. Raises UpstreamFailed when it ends early, UpstreamSlow."""
        with _translated():
            async for chunk in self._response.content.iter_any():
                yield chunk

    def close(self) -> None:
        """Give the connection back when the body was read to its end, else cut it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class Upstream:
    """A pool of connections to the origins. Made and closed within a running loop."""

    def __init__(
        self, origins: Sequence[str], *, connect_s: float, read_s: float, metrics: Metrics, clock: Callable[[], float]
    ) -> None:
        self._origins = [origin.rstrip("/") for origin in origins]
        self._metrics, self._clock = metrics, clock
        timeout = aiohttp.ClientTimeout(total=None, connect=connect_s * 2, sock_connect=connect_s, sock_read=read_s)
        self._session = self._opened(timeout, is_reused=True)
        # The origin may close an idle connection while a request is under way on it. What must not be sent twice
        # therefore never goes over a used one (RFC 9112 §9.3.1).
        self._once = self._opened(timeout, is_reused=False)

    def _opened(self, timeout: aiohttp.ClientTimeout, *, is_reused: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ttl_dns_cache=10, force_close=not is_reused),
            timeout=timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=_HEAD_BYTES,
            max_field_size=_HEAD_BYTES,
            read_bufsize=_CHUNK_BYTES,
        )

    async def close(self) -> None:
        """Cut all connections."""
        await self._session.close()
        await self._once.close()
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    async def ask(self, ask: Ask) -> Reply:
        """The first origin that takes the request. Raises UpstreamFailed, UpstreamSlow."""
        failure: PlayNetError | None = None
        for origin in self._origins:
            try:
                return await self._ask_one(origin, ask)
            except _NotSent as exc:
                failure = exc.error
        assert failure is not None
        raise failure

    async def _ask_one(self, origin: str, ask: Ask) -> Reply:
        requested_at, started = self._clock(), time.perf_counter()
        session = self._session if ask.method in SAFE else self._once
        with _translated():
            response = await session.request(
                ask.method,
                URL(origin + ask.key, encoded=True),
                headers=list(ask.fields),
                data=ask.body,
                allow_redirects=False,
            )
        self._metrics.first_byte.observe(time.perf_counter() - started)
        if not 200 <= response.status <= 599:  # RFC 9110 §15; 101 was not asked for
            response.close()
            raise UpstreamFailed("the origin's status is none", cause=str(response.status))
        exchange = Exchange.of(
            response.status, Fields.raw(response.raw_headers), requested_at=requested_at, received_at=self._clock()
        )
        return Reply(response, exchange)


class _NotSent(Exception):
    """The connection failed before anything was sent: another origin may be asked (RFC 9110 §9.2.2 is not even needed)."""

    def __init__(self, error: PlayNetError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError) as exc:
        slow = isinstance(exc, TimeoutError)
        error = UpstreamSlow("no origin took the connection in time") if slow else UpstreamFailed("no origin is there")
        raise _NotSent(error) from exc
    except TimeoutError as exc:
        raise UpstreamSlow("the origin fell silent") from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        raise UpstreamFailed("the origin broke off its answer", cause=type(exc).__name__) from exc
