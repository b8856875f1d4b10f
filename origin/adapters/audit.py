"""The append-only record of administrative acts in PostgreSQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from origin.core.accounts.callers import Caller
from playnet.db.database import Database
from playnet.db.pool import Connection

from .statements import SQL


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, from where, in which request."""

    caller: Caller
    request_id: str | None
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act as it was recorded."""

    id: int
    at: datetime
    actor: str
    actor_name: str
    action: str
    target: str | None
    details: Mapping[str, Any]
    request_id: str | None
    address: str | None


async def record(connection: Connection, actor: Actor, action: str, target: str | None, **details: Any) -> None:
    """Write an entry in the transaction of the act itself: both are there, or none."""
    caller = actor.caller
    who = (caller.account or caller.means.value, caller.email or caller.name)
    await connection.execute(SQL["add_audit_entry"], *who, action, target, details, actor.request_id, actor.address)


class Audit:
    """Acts of routes that keep no record of their own, and the reading of all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ordered(self, actor: Actor, action: str, target: str | None, **details: Any) -> None:
        """Before it is done, so that nothing is done without an entry."""
        async with self._database.connection() as connection:
            await record(connection, actor, action, target, **details)

    async def page(self, before: int | None, limit: int, target: str | None) -> tuple[list[Entry], bool]:
        """Newest first, at most `limit`, and whether there are more."""
        async with self._database.connection() as connection:
            if target is None:
                rows = await connection.fetch(SQL["list_audit"], before, limit + 1)
            else:
                rows = await connection.fetch(SQL["list_audit_of"], before, limit + 1, target)
        return [_entry(row) for row in rows[:limit]], len(rows) > limit


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(**dict(row))
