"""Brings a database to the schema that this code expects: numbered files, applied once, under a lock.

Why a runner of our own: docs/decisions/migrations.md. Each file runs in a transaction of its own together with its
row in `schema_migration`, so a power loss leaves it applied or not, never half. Services call this at start, several
at once if it happens: the advisory lock lets one work and the others find nothing left to do.
PgQueuer's tables are brought up to date by PgQueuer itself, under the same lock.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pgqueuer.domain.errors import SchemaDriftError
from pgqueuer.queries import Queries

from playnet.errors import StartupFailed

from .guard import translate
from .pool import CONNECT_TIMEOUT_S

_FOLDER = Path(__file__).with_name("migrations")
_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK = 0x706C61796E6574  # "playnet"
_LOCK_TIMEOUT_MS = 60_000  # how long another service's migration is waited for
_COMMAND_TIMEOUT_S = 600.0  # an index on a large table takes minutes

_CREATE = """
create table if not exists schema_migration (
    number     integer primary key,
    name       text not null,
    sha256     text not null,
    applied_at timestamptz not null default now()
)"""
_APPLIED = "select number, name, sha256 from schema_migration order by number"
_RECORD = "insert into schema_migration (number, name, sha256) values ($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(folder: Path = _FOLDER) -> tuple[Migration, ...]:
    """The folder's migrations in order. StartupFailed when one has no number, or two have the same."""
    found = []
    for file in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(file.name)
        if match is None:
            raise StartupFailed(f"migration {file.name}: expected a name like 0001_catalogue.sql")
        found.append(Migration(int(match[1]), file.stem, file.read_text(encoding="utf-8")))
    numbers = [migration.number for migration in found]
    if len(set(numbers)) != len(numbers):
        raise StartupFailed("two migrations have the same number: the installation of PlayNet is broken")
    return tuple(found)


def pending(
    migrations: Sequence[Migration], applied: Mapping[int, str], names: Mapping[int, str]
) -> tuple[Migration, ...]:
    """What is left to apply, given checksums and names of what is recorded. StartupFailed when the two disagree."""
    if unknown := applied.keys() - {migration.number for migration in migrations}:
        newest = max(unknown)
        raise StartupFailed(
            f"the database is newer than this PlayNet: it has migration {names[newest]}, "
            f"this version ends at {migrations[-1].name if migrations else 'none'}: install the newer version again"
        )
    for migration in migrations:
        if applied.get(migration.number, migration.sha256) != migration.sha256:
            raise StartupFailed(
                f"migration {migration.name} was changed after it had been applied to this database "
                f"(as {names[migration.number]}): restore the file; a change needs a new number"
            )
    return tuple(migration for migration in migrations if migration.number not in applied)


async def migrate(dsn: str, folder: Path = _FOLDER) -> list[str]:
    """Apply what is missing; returns the names applied now, in order.

    Raises Unavailable (no connection, lock held for too long), StorageFull, StartupFailed (see `pending`).
    """
    migrations = read_migrations(folder)
    with translate():
        connection = await asyncpg.connect(
            dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=_COMMAND_TIMEOUT_S,
            server_settings={"application_name": "playnet-migrate", "lock_timeout": str(_LOCK_TIMEOUT_MS)},
        )
        try:
            await connection.execute("select pg_advisory_lock($1)", _LOCK)
            applied = await _apply(connection, migrations)
            await _converge_queue(connection)
            return applied
        finally:
            await connection.close(timeout=CONNECT_TIMEOUT_S)  # ends the session, and the lock with it


async def _apply(connection: asyncpg.Connection, migrations: Sequence[Migration]) -> list[str]:
    await connection.execute(_CREATE)
    rows = await connection.fetch(_APPLIED)
    checksums = {row["number"]: row["sha256"] for row in rows}
    names = {row["number"]: row["name"] for row in rows}
    missing = pending(migrations, checksums, names)
    for migration in missing:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(_RECORD, migration.number, migration.name, migration.sha256)
    return [migration.name for migration in missing]


async def _converge_queue(connection: asyncpg.Connection) -> None:
    """Install PgQueuer's schema, or upgrade it to what the installed release of PgQueuer declares."""
    queries = Queries.from_asyncpg_connection(connection)
    if not await queries.schema_is_installed():
        async with connection.transaction():  # all or nothing: half a schema would count as installed
            await queries.install()
        return
    try:
        await queries.apply_upgrade()  # statement by statement: new enum labels need their own transactions
    except SchemaDriftError as exc:
        raise StartupFailed(f"the tables of PgQueuer do not fit its installed version: {exc}") from exc
