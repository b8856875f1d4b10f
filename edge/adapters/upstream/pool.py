"""Connections to upstreams, and one exchange over one of them: deadlines for every wait, no hidden second try.

Bodies come as they were encoded. Library exceptions leave this module as `Failed`, or as errors of our tree.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Final

import aiohttp
from yarl import URL

from edge.adapters.metrics import Metrics
from edge.core.entry import Exchange
from edge.core.invalidation import SAFE
from edge.core.retry import Broke, Refused, Silent, Trouble
from playnet.errors import PlayNetError, Unavailable
from playnet.http.fields import Fields

_CONNECTIONS: Final = 512
_HEAD_BYTES: Final = 32 << 10
_HALF_LIFE_S: Final = 10.0
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


class Failed(Exception):
    """No head came. `error` is what viewers are told when nobody else can be asked."""

    def __init__(self, trouble: Trouble, error: PlayNetError) -> None:
        super().__init__(str(error))
        self.trouble, self.error = trouble, error


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """`connect_s`: to reach an upstream; `read_s`: longest silence of one."""

    connect_s: float
    read_s: float


@dataclass(frozen=True, slots=True)
class Sending:
    """One request as it goes out. `fields` lack Host. `body` is read once; its length, if known, stands in the fields."""

    method: str
    base: str
    target: str
    fields: Fields
    body: AsyncIterator[bytes] | None = None


class Pool:
    """Made and closed within a running loop."""

    def __init__(self, deadlines: Deadlines, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._deadlines, self._metrics, self._clock = deadlines, metrics, clock
        self._average_s, self._averaged_at = 0.0, 0.0
        self._kept = self._opened(is_kept=True)
        # The upstream may close an idle connection while a request is under way on it. What must not be sent twice
        # therefore never goes over a used one (RFC 9112 §9.3.1).
        self._fresh = self._opened(is_kept=False)

    def _opened(self, *, is_kept: bool) -> aiohttp.ClientSession:
        reused = aiohttp.TraceConfig()
        reused.on_connection_reuseconn.append(_note_reuse)
        deadlines = self._deadlines
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ttl_dns_cache=10, force_close=not is_kept),
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=deadlines.connect_s * 2,
                sock_connect=deadlines.connect_s,
                sock_read=deadlines.read_s,
            ),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            max_line_size=_HEAD_BYTES,
            max_field_size=_HEAD_BYTES,
            read_bufsize=_CHUNK_BYTES,
            trace_configs=[reused],
        )
        session._retry_connection = (
            False  # else aiohttp repeats GET, PUT and DELETE by itself, also on a fresh connection
        )
        return session

    async def close(self) -> None:
        """Cut all connections."""
        await self._kept.close()
        await self._fresh.close()
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    async def exchange(
        self, sending: Sending, *, head_s: float, is_fresh: bool = False
    ) -> tuple[aiohttp.ClientResponse, Exchange]:
        """Send, and wait for the head. Raises Failed. A body on its way to the upstream has no deadline but silence."""
        requested_at, started = self._clock(), time.perf_counter()
        session = self._kept if sending.method in SAFE and not is_fresh else self._fresh
        reuse = SimpleNamespace(is_reused=False)
        with _failing(reuse):
            async with asyncio.timeout(None if sending.body is not None else head_s):
                response = await session.request(
                    sending.method,
                    URL(sending.base + sending.target, encoded=True),
                    headers=list(sending.fields),
                    data=sending.body,
                    allow_redirects=False,
                    trace_request_ctx=reuse,
                )
        self._took(time.perf_counter() - started)
        if not 200 <= response.status <= 599:  # RFC 9110 §15; 101 was not asked for
            response.close()
            raise Failed(Broke(False), UpstreamFailed("the origin's status is none", cause=str(response.status)))
        fields = Fields.raw(response.raw_headers)
        return response, Exchange.of(response.status, fields, requested_at=requested_at, received_at=self._clock())

    def _took(self, seconds: float) -> None:
        self._metrics.first_byte.observe(seconds)
        self._average_s = self.first_byte_s * 0.8 + seconds * 0.2
        self._averaged_at = time.monotonic()

    @property
    def first_byte_s(self) -> float:
        """How long heads take lately; half as much counts after ten seconds without any."""
        return float(self._average_s * 0.5 ** ((time.monotonic() - self._averaged_at) / _HALF_LIFE_S))


async def _note_reuse(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    context.trace_request_ctx.is_reused = True


@contextmanager
def _failing(reuse: SimpleNamespace) -> Iterator[None]:
    """What went wrong before the head."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as exc:
        raise Failed(Refused(), UpstreamSlow("no origin took the connection in time")) from exc
    except aiohttp.ClientConnectorError as exc:
        raise Failed(Refused(), UpstreamFailed("no origin is there")) from exc
    except TimeoutError as exc:
        raise Failed(Silent(), UpstreamSlow("the origin fell silent")) from exc
    except (aiohttp.ClientError, OSError, ValueError) as exc:
        is_idle = reuse.is_reused and isinstance(exc, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError)
        raise Failed(
            Broke(is_idle), UpstreamFailed("the origin broke off its answer", cause=type(exc).__name__)
        ) from exc
