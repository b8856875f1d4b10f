"""API tokens in PostgreSQL: `pn_<id>_<secret>`, of which only the secret's hash is kept."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import asyncpg

from origin.core.accounts.callers import AccountId, Caller, Means
from origin.core.accounts.roles import Permission, token_permissions
from playnet.db.database import Database
from playnet.errors import Conflict, NotFound
from playnet.names import asset_id

from .accounts import read_roles
from .audit import Actor, record
from .statements import SQL

MAX_PER_ACCOUNT: Final = 100
_TOKEN = re.compile(r"pn_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """One token, without its secret."""

    id: str
    name: str
    scopes: frozenset[Permission]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None


class ApiTokens:
    """Those of all accounts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, account: AccountId, name: str, scopes: frozenset[Permission], expires_at: datetime | None, actor: Actor
    ) -> tuple[ApiToken, str]:
        """The token and its text, which nobody can get again. Conflict above a hundred."""
        fresh, secret = asset_id(secrets.token_bytes(12)), secrets.token_urlsafe(_SECRET_BYTES)
        async with self._database.transaction() as connection:
            if await connection.fetchval(SQL["count_api_tokens"], account) >= MAX_PER_ACCOUNT:
                raise Conflict(f"an account holds at most {MAX_PER_ACCOUNT} tokens: revoke one first")
            row = await connection.fetchrow(
                SQL["create_api_token"], fresh, account, name, _sha256(secret), sorted(scopes), expires_at
            )
            assert row is not None
            await record(connection, actor, "api-token.create", fresh, name=name, scopes=sorted(scopes))
        return _read(row), f"pn_{fresh}_{secret}"

    async def of(self, account: AccountId) -> list[ApiToken]:
        """Those that are not revoked, newest first."""
        async with self._database.connection() as connection:
            return [_read(row) for row in await connection.fetch(SQL["list_api_tokens"], account)]

    async def revoke(self, account: AccountId, token: str, actor: Actor) -> None:
        """From now on it opens nothing. NotFound the second time."""
        async with self._database.transaction() as connection:
            name = await connection.fetchval(SQL["revoke_api_token"], token, account)
            if name is None:
                raise NotFound(f"you have no token {token[:40]!r}")
            await record(connection, actor, "api-token.revoke", token, name=name)

    async def use(self, text: str) -> Caller | None:
        """The caller behind a token; None when it is none of ours, or opens nothing any more."""
        match = _TOKEN.fullmatch(text)
        if match is None:
            return None
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["use_api_token"], match[1])
            if row is None or not hmac.compare_digest(row["sha256"], _sha256(match[2])):
                return None
            await connection.execute(SQL["touch_api_token"], match[1])
        roles = read_roles(row["roles"])
        return Caller(
            means=Means.API_TOKEN,
            name=row["name"],
            permissions=token_permissions(roles, _scopes(row["scopes"])),
            account=AccountId(row["account"]),
            email=row["email"],
            roles=roles,
        )


def _sha256(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _scopes(names: Iterable[str]) -> frozenset[Permission]:
    return frozenset(Permission(name) for name in names)


def _read(row: asyncpg.Record) -> ApiToken:
    return ApiToken(**{**dict(row), "scopes": _scopes(row["scopes"])})
