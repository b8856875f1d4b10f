"""Raw beats have a place for each day; old days and old sessions go."""

from datetime import UTC, datetime, timedelta

import asyncpg

from origin.adapters.signals.upkeep import Upkeep
from playnet.config.model import Database as Settings
from playnet.db.database import Database
from tests.aio import run

_BEAT = "insert into beat values ($1, $1, 's', 0, 'a', 1, 0, 0, 1, 'playing')"
_PARTITIONS = "select count(*) from pg_inherits where inhparent = 'beat'::regclass"


def test_days_come_and_go(postgres_dsn: str) -> None:
    async def scenario() -> None:
        database = Database(postgres_dsn, Settings(), service="test")
        await database.open()
        connection = await asyncpg.connect(postgres_dsn)
        now = datetime.now(UTC)
        try:
            await connection.execute(_BEAT, now)  # before anybody made a place for today
            upkeep = Upkeep(database, keep_s=30 * 86_400)
            for _ in range(2):
                await upkeep.tidy()
                assert await connection.fetchval(_PARTITIONS) == 1 + 3, "the rest, and the days to come"
            await connection.execute("select add_beat_partition(current_date - 31)")
            for age_days in (31, 400):
                await connection.execute(_BEAT, now - timedelta(days=age_days))
            await connection.execute("insert into asset (id, title, state) values ('aaaaaaaaaaaa', 'x', 'ready')")
            for session, age_days in (("old", 11), ("new", 9)):
                await connection.execute(
                    "insert into sitting (session, viewer, asset_id, bot, born_on) "
                    "values ($1, 'v', 'aaaaaaaaaaaa', false, current_date - $2::integer)",
                    session, age_days,
                )  # fmt: skip
            await upkeep.tidy()
            assert await connection.fetchval(_PARTITIONS) == 1 + 3
            assert [row["received_at"] for row in await connection.fetch("select * from beat")] == [now]
            assert [row["session"] for row in await connection.fetch("select session from sitting")] == ["new"]
        finally:
            await connection.close()
            await database.close()

    run(scenario())
