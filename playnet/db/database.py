"""A service's way to PostgreSQL, from before it is there until after it came back.

A service starts without its database: `open` keeps trying, and until it got through every use raises Unavailable
with the reason. Afterwards the pool reconnects by itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from playnet.config.model import Database as Settings
from playnet.errors import StorageFull, Unavailable
from playnet.logs import logger

from . import pool as pools
from .migrate import migrate
from .pool import Connection, open_pool

log = logger(__name__)

_FIRST_RETRY_S = 0.2
_LAST_RETRY_S = 3.0
_CLOSE_TIMEOUT_S = 5.0


class Database:
    """One pool and what stands between it and its users."""

    def __init__(self, dsn: str, settings: Settings, *, service: str) -> None:
        self._dsn = dsn
        self._settings = settings
        self._service = service
        self._pool: asyncpg.Pool | None = None
        self._reason = "the database was not asked yet"
        self.opened = asyncio.Event()

    async def open(self) -> None:
        """Migrate and connect, trying again for as long as it takes. StartupFailed where trying cannot help."""
        delay_s = _FIRST_RETRY_S
        while True:
            try:
                applied = await migrate(self._dsn)
                self._pool = await open_pool(self._dsn, self._settings, service=self._service)
            except (Unavailable, StorageFull) as exc:
                if str(exc) != self._reason:
                    log.warning("database.waiting", detail=str(exc))
                self._reason = str(exc)
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, _LAST_RETRY_S)
            else:
                log.info("database.open", migrations=applied)
                self.opened.set()
                return

    @property
    def pool(self) -> asyncpg.Pool:
        """The open pool. Unavailable before."""
        if self._pool is None:
            raise Unavailable(self._reason)
        return self._pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """See `playnet.db.pool.connection`."""
        async with pools.connection(self.pool) as borrowed:
            yield borrowed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """See `playnet.db.pool.transaction`."""
        async with pools.transaction(self.pool) as borrowed:
            yield borrowed

    async def check(self) -> None:
        """Raise Unavailable when no statement gets through. For `/readyz`."""
        async with self.connection() as borrowed:
            await borrowed.execute("select 1", timeout=2.0)

    async def close(self) -> None:
        """Give borrowed connections a moment, then cut them."""
        if self._pool is None:
            return
        pool, self._pool, self._reason = self._pool, None, "this service is stopping"
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await pool.close()
        except TimeoutError:
            pool.terminate()
