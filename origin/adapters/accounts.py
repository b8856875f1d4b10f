"""Accounts in PostgreSQL: create, show, list, edit; passwords. Every administrative act leaves its entry."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import asyncpg

from origin.core.accounts import passwords
from origin.core.accounts.callers import AccountId
from origin.core.accounts.roles import Role
from origin.core.paging import Cursor
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.errors import Conflict, NotFound, Outdated, Unauthorized
from playnet.names import asset_id

from .audit import Actor, record
from .hashing import Hashing
from .statements import SQL

WRONG: Final = "the e-mail address or the password is wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person, or one program with a name of its own."""

    id: AccountId
    email: str
    name: str
    has_password: bool
    roles: frozenset[Role]
    disabled_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """Normalised and checked."""

    email: str
    name: str
    roles: frozenset[Role]
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What changes; None: stays. `version`: of the account that was edited, None: whichever."""

    name: str | None = None
    roles: frozenset[Role] | None = None
    disabled: bool | None = None
    version: int | None = None


class Accounts:
    """All accounts of the appliance."""

    def __init__(self, database: Database, hashing: Hashing) -> None:
        self._database = database
        self._hashing = hashing

    async def create(self, new: NewAccount, actor: Actor) -> Account:
        """Conflict when the address is taken."""
        hashed = await self._hashed(new) if new.password is not None else None
        try:
            async with self._database.transaction() as connection:
                account = await insert(connection, new, hashed)
                await record(connection, actor, "account.create", account.id, email=new.email, roles=sorted(new.roles))
        except asyncpg.UniqueViolationError as exc:
            raise Conflict(f"there is an account for {new.email} already") from exc
        return account

    async def show(self, account: AccountId) -> Account:
        """NotFound when there is none."""
        async with self._database.connection() as connection:
            return _found(await connection.fetchrow(SQL["show_account"], account), account)

    async def find(self, email: str) -> Account | None:
        """By its normalised address."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["find_account"], email)
        return read_account(row) if row else None

    async def page(self, after: Cursor | None, limit: int) -> tuple[list[Account], bool]:
        """Newest first, at most `limit`, and whether there are more."""
        place = (after.moment, after.id) if after else (None, None)
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["list_accounts"], *place, limit + 1)
        return [read_account(row) for row in rows[:limit]], len(rows) > limit

    async def edit(self, account: AccountId, edit: Edit, actor: Actor) -> Account:
        """NotFound, Outdated, or Conflict for the last who could administer."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["lock_admins"])
            before = _found(await connection.fetchrow(SQL["lock_account"], account), account)
            if edit.version not in {None, before.version}:
                raise Outdated("somebody else changed this account: read it again, then repeat your change")
            after = replace(
                before,
                name=before.name if edit.name is None else edit.name,
                roles=before.roles if edit.roles is None else edit.roles,
            )
            disabled = before.disabled_at is not None if edit.disabled is None else edit.disabled
            await _keep_an_admin(connection, before, after, disabled=disabled)
            row = await connection.fetchrow(SQL["edit_account"], account, after.name, sorted(after.roles), disabled)
            changed = _found(row, account)
            await record(connection, actor, "account.edit", account, **_difference(before, changed))
        return changed

    async def set_password(self, account: AccountId, password: str, actor: Actor) -> Account:
        """An administrator gives a new one; all sessions are over."""
        found = await self.show(account)
        passwords.check(password, email=found.email, name=found.name)
        hashed = await self._hashing.hash(passwords.prepare(password))
        return await self._store_password(account, hashed, actor, "account.password-reset")

    async def change_password(self, account: AccountId, current: str, new: str, actor: Actor) -> Account:
        """Their owner changes it; all sessions are over. Unauthorized when `current` is wrong."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["password_by_id"], account)
        stored = row["password_hash"] if row else None
        if row is None or not await self._hashing.verify(passwords.prepare(current), stored):
            raise Unauthorized("the present password is wrong")
        passwords.check(new, email=row["email"], name=row["name"])
        hashed = await self._hashing.hash(passwords.prepare(new))
        return await self._store_password(account, hashed, actor, "account.password-change")

    async def by_password(self, email: str, password: str) -> AccountId:
        """Unauthorized, in the same words and time whatever is wrong."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["password_of"], email)
        stored: str | None = row["password_hash"] if row else None
        secret = passwords.prepare(password[: passwords.MAX_CHARS + 1])
        if not await self._hashing.verify(secret, stored) or row is None or row["disabled_at"] is not None:
            raise Unauthorized(WRONG)
        if stored is not None and self._hashing.is_dated(stored):
            renewed = await self._hashing.hash(secret)
            async with self._database.connection() as connection:
                await connection.execute(SQL["rehash_password"], row["id"], renewed, stored)
        return AccountId(row["id"])

    async def end_sessions(self, account: AccountId, actor: Actor) -> None:
        """All sessions that began until now are over, at every origin, also while Redis is away."""
        async with self._database.transaction() as connection:
            if await connection.fetchval(SQL["end_sessions"], account) is None:
                raise absent(account)
            await record(connection, actor, "account.end-sessions", account)

    async def _hashed(self, new: NewAccount) -> str:
        assert new.password is not None
        passwords.check(new.password, email=new.email, name=new.name)
        return await self._hashing.hash(passwords.prepare(new.password))

    async def _store_password(self, account: AccountId, hashed: str, actor: Actor, action: str) -> Account:
        async with self._database.transaction() as connection:
            changed = _found(await connection.fetchrow(SQL["set_password"], account, hashed), account)
            await record(connection, actor, action, account)
        return changed


async def insert(connection: Connection, new: NewAccount, hashed: str | None) -> Account:
    """The row. UniqueViolationError when the address is taken."""
    fresh = asset_id(secrets.token_bytes(12))
    row = await connection.fetchrow(SQL["create_account"], fresh, new.email, new.name, hashed, sorted(new.roles))
    assert row is not None
    return read_account(row)


def read_account(row: asyncpg.Record) -> Account:
    """One row of `show_account` and its siblings."""
    return Account(**{**dict(row), "id": AccountId(row["id"]), "roles": read_roles(row["roles"])})


def read_roles(names: Iterable[str]) -> frozenset[Role]:
    """Those that this version knows."""
    return frozenset(Role(name) for name in names)


def absent(account: str) -> NotFound:
    """The error for an account that is not there."""
    return NotFound(f"there is no account {account[:40]!r}")


def _found(row: asyncpg.Record | None, account: AccountId) -> Account:
    if row is None:
        raise absent(account)
    return read_account(row)


async def _keep_an_admin(connection: Connection, before: Account, after: Account, *, disabled: bool) -> None:
    """Conflict when nobody could administer afterwards (but for the holder of the API token)."""
    was = Role.ADMIN in before.roles and before.disabled_at is None
    stays = Role.ADMIN in after.roles and not disabled
    if was and not stays and not await connection.fetchval(SQL["other_admins"], before.id):
        raise Conflict("this is the last account that can administer: make another one admin first")


def _difference(before: Account, after: Account) -> dict[str, object]:
    """What an edit changed, for the record."""
    changes: dict[str, object] = {}
    if before.name != after.name:
        changes["name"] = after.name
    if before.roles != after.roles:
        changes["roles"] = {"from": sorted(before.roles), "to": sorted(after.roles)}
    if (before.disabled_at is None) != (after.disabled_at is None):
        changes["disabled"] = after.disabled_at is not None
    return changes
