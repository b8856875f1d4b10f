"""Connections to PostgreSQL: opened with deadlines, lent for one piece of work, errors translated."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from playnet.config.model import Database

from .guard import translate

Connection = asyncpg.Connection | PoolConnectionProxy

CONNECT_TIMEOUT_S = 5.0
_ACQUIRE_TIMEOUT_S = 5.0  # a request that waits longer for a connection is better told to come back
_GRACE_S = 3.0  # the server cancels first; the client gives up later, when the network is gone
_IDLE_IN_TRANSACTION_MS = 60_000  # nobody of us idles in a transaction; a stuck process must not keep its locks


async def open_pool(dsn: str, config: Database, *, service: str) -> asyncpg.Pool:
    """A pool whose connections are named for `service` and read jsonb as Python objects. Unavailable, StorageFull."""
    with translate():
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=config.pool_size,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=config.statement_timeout + _GRACE_S,
            init=_init,
            server_settings={
                "application_name": f"playnet-{service}",
                "statement_timeout": str(round(config.statement_timeout * 1000)),
                "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MS),
                "timezone": "UTC",
            },
        )


async def _init(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


@asynccontextmanager
async def connection(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """Borrow a connection for a few statements; errors raised inside come out translated."""
    with translate():
        async with pool.acquire(timeout=_ACQUIRE_TIMEOUT_S) as borrowed:
            yield borrowed


@asynccontextmanager
async def transaction(pool: asyncpg.Pool) -> AsyncIterator[Connection]:
    """Borrow a connection for one transaction: committed at the end, rolled back by any exception.

    Unavailable may mean that the commit was carried out and only its answer got lost.
    """
    async with connection(pool) as borrowed, borrowed.transaction():
        yield borrowed
