"""Migrations against a real PostgreSQL: at once, twice, half-way, changed, too new; errors translated; purge order ids."""

import asyncio
from pathlib import Path

import asyncpg
import pytest
from pgqueuer.queries import Queries

from playnet.config import Config
from playnet.db.guard import translate
from playnet.db.migrate import migrate, read_migrations
from playnet.db.pool import connection, open_pool, transaction
from playnet.errors import StartupFailed, StorageFull, Unavailable
from playnet.jobs import QueuedTask, enqueue
from tests.aio import run, until
from tests.servers import Postgres

_SETTINGS = Config().database


def _write(folder: Path, **files: str) -> Path:
    for name, sql in files.items():
        (folder / f"{name}.sql").write_text(sql)
    return folder


async def _fetch(dsn: str, query: str) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetch(query)
    finally:
        await conn.close()


def test_services_that_start_at_once_migrate_once(postgres_dsn: str) -> None:
    async def scenario() -> None:
        every = [migration.name for migration in read_migrations()]
        done = await asyncio.gather(*(migrate(postgres_dsn) for _ in range(4)))
        assert sorted(done) == [[], [], [], every]
        assert await migrate(postgres_dsn) == []
        pool = await open_pool(postgres_dsn, _SETTINGS, service="test")
        async with transaction(pool) as conn:
            await enqueue(conn, [QueuedTask(7, "probe")])
        async with connection(pool) as conn:
            assert await Queries.from_asyncpg_connection(conn).schema_is_installed()
            assert await conn.fetchval("select payload from pgqueuer") == b"7"
            assert await conn.fetchval("select '{\"a\": [1]}'::jsonb") == {"a": [1]}
            assert await conn.fetchval("show application_name") == "playnet-test"
        await pool.close()

    run(scenario())


def test_a_broken_migration_leaves_nothing_of_itself(postgres_dsn: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        folder = _write(
            tmp_path, **{"0001_good": "create table a (n int)", "0002_bad": "create table b (n int); select 1/0"}
        )
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(postgres_dsn, folder)
        assert [row["number"] for row in await _fetch(postgres_dsn, "select number from schema_migration")] == [1]
        assert await _fetch(postgres_dsn, "select from pg_tables where tablename = 'b'") == []
        _write(folder, **{"0002_bad": "create table b (n int)"})
        assert await migrate(postgres_dsn, folder) == ["0002_bad"]

    run(scenario())


def test_changed_and_unknown_migrations_stop_the_start(postgres_dsn: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        folder = _write(tmp_path, **{"0001_a": "create table a (n int)", "0002_b": "create table b (n int)"})
        await migrate(postgres_dsn, folder)
        _write(folder, **{"0001_a": "create table a (n bigint)"})
        with pytest.raises(StartupFailed, match="0001_a was changed after"):
            await migrate(postgres_dsn, folder)
        _write(folder, **{"0001_a": "create table a (n int)"})
        (folder / "0002_b.sql").unlink()
        with pytest.raises(StartupFailed, match="newer than this PlayNet: it has migration 0002_b"):
            await migrate(postgres_dsn, folder)

    run(scenario())


def test_an_absent_database_is_unavailable(own_postgres: Postgres) -> None:
    async def scenario() -> None:
        with pytest.raises(Unavailable, match="does not exist"):
            await migrate(own_postgres.dsn("nowhere"))
        pool = await open_pool(own_postgres.dsn("postgres"), _SETTINGS, service="test")
        own_postgres.stop()
        with pytest.raises(Unavailable):
            async with connection(pool) as conn:
                await conn.execute("select 1")
        with pytest.raises(Unavailable):
            await migrate(own_postgres.dsn("postgres"))
        own_postgres.start()
        async with connection(pool) as conn:
            assert await conn.fetchval("select 1") == 1
        await pool.close()

    run(scenario())


def test_slow_statements_and_deadlocks_may_be_tried_again(postgres_dsn: str) -> None:
    async def scenario() -> None:
        settings = _SETTINGS.model_copy(update={"statement_timeout": 0.2})
        pool = await open_pool(postgres_dsn, settings, service="test")
        with pytest.raises(Unavailable, match="statement timeout"):
            async with connection(pool) as conn:
                await conn.execute("select pg_sleep(5)")
        with pytest.raises(asyncpg.UndefinedTableError):
            async with connection(pool) as conn:
                await conn.execute("select * from nothing")
        await pool.close()

    run(scenario())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncpg.DiskFullError("disk"), StorageFull),
        (asyncpg.TooManyConnectionsError("many"), Unavailable),
        (asyncpg.DeadlockDetectedError("deadlock"), Unavailable),
        (asyncpg.ReadOnlySQLTransactionError("standby"), Unavailable),
        (asyncpg.InterfaceError("connection is closed"), Unavailable),
        (ConnectionRefusedError(111, "refused"), Unavailable),
        (TimeoutError(), Unavailable),
        (asyncpg.DataError("wrong argument"), asyncpg.DataError),
        (asyncpg.UniqueViolationError("taken"), asyncpg.UniqueViolationError),
        (KeyError("ours"), KeyError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_say_whether_a_retry_helps(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as caught, translate():
        raise error
    assert type(caught.value) is expected


def test_purge_orders_become_visible_in_the_order_of_their_ids(postgres_dsn: str) -> None:
    """A reader that has seen order N has seen every smaller one: writers wait before they draw their id."""

    async def scenario() -> None:
        await migrate(postgres_dsn)
        slow, fast, reader = [await asyncpg.connect(postgres_dsn) for _ in range(3)]
        insert = "insert into purge_order (body) values ('{}') returning id"
        begun = slow.transaction()
        await begun.start()
        first = await slow.fetchval(insert)
        second = asyncio.create_task(fast.fetchval(insert), name="second")
        waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"

        async def waits() -> bool:
            return bool(await reader.fetchval(waiting))

        await until(waits)
        assert await reader.fetch("select id from purge_order") == []
        await begun.commit()
        assert await second > first
        for conn in (slow, fast, reader):
            await conn.close()

    run(scenario())
