"""Identities that providers vouch for, tied to accounts in PostgreSQL."""

from collections.abc import Mapping
from typing import Any, assert_never

import asyncpg

from origin.core.accounts.callers import AccountId, Caller, Means
from origin.core.accounts.linking import Create, Enter, Join, Policy, Reason, Refuse, decide, email_of, name_of
from origin.core.accounts.roles import Role
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.errors import Forbidden

from .accounts import NewAccount, insert
from .audit import Actor, record
from .statements import SQL

WORDS: Mapping[Reason, str] = {
    Reason.NO_EMAIL: "the sign-in provider did not tell an e-mail address",
    Reason.UNVERIFIED: "the sign-in provider has not verified your e-mail address",
    Reason.DOMAIN: "addresses of this domain may not sign in here",
    Reason.EMAIL_TAKEN: "there is an account with this e-mail address already: sign in as you did before",
    Reason.NO_SIGN_UP: "there is no account for you yet: ask an administrator",
}
DISABLED = "disabled"


class Identities:
    """(issuer, subject) → account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def settle(
        self, claims: Mapping[str, Any], policy: Policy, given: frozenset[Role], newcomer: Role, actor: Actor
    ) -> AccountId:
        """The account of an identity, found, joined or made; `given` roles are noted. Forbidden with a `reason`."""
        issuer, subject = claims["iss"], claims["sub"]
        try:
            async with self._database.transaction() as connection:
                row = await connection.fetchrow(SQL["find_identity"], issuer, subject)
                account = await self._account(connection, claims, policy, row, newcomer, actor)
                if row is None:
                    await connection.execute(SQL["link_identity"], issuer, subject, account, sorted(given))
                    await record(connection, actor, "identity.link", account, issuer=issuer, roles=sorted(given))
                elif set(row["given"]) != given:
                    await record(connection, actor, "identity.roles", account, issuer=issuer, roles=sorted(given))
                await connection.execute(SQL["renew_identity"], issuer, subject, sorted(given))
        except asyncpg.UniqueViolationError as exc:  # two first sign-ins at once: the second time it is there
            raise Forbidden(WORDS[Reason.EMAIL_TAKEN], reason=Reason.EMAIL_TAKEN) from exc
        return account

    async def find(self, issuer: str, subject: str) -> AccountId | None:
        """The account that an identity belongs to."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["find_identity"], issuer, subject)
        return AccountId(row["id"]) if row else None

    async def _account(
        self,
        connection: Connection,
        claims: Mapping[str, Any],
        policy: Policy,
        row: asyncpg.Record | None,
        newcomer: Role,
        actor: Actor,
    ) -> AccountId:
        if row is not None and row["disabled_at"] is not None:
            raise Forbidden("this account has been disabled", reason=DISABLED)
        email = email_of(claims)
        same = await connection.fetchrow(SQL["find_account"], email) if row is None and email else None
        if same is not None and same["disabled_at"] is not None:
            raise Forbidden("this account has been disabled", reason=DISABLED)
        linked = AccountId(row["id"]) if row else None
        match decide(claims, policy, linked=linked, same_email=AccountId(same["id"]) if same else None):
            case Enter(account) | Join(account):
                return account
            case Create(fresh):
                new = NewAccount(email=fresh, name=name_of(claims, fresh), roles=frozenset({newcomer}))
                made = await insert(connection, new, None)
                await record(connection, actor, "account.create", made.id, email=fresh, roles=[newcomer])
                return made.id
            case Refuse(reason):
                raise Forbidden(WORDS[reason], reason=reason)
            case other:
                assert_never(other)


def provider_as_actor(name: str, request_id: str | None, address: str | None) -> Actor:
    """For the record: a provider's word made or changed an account."""
    caller = Caller(means=Means.ID_TOKEN, name=f"provider {name}", permissions=frozenset())
    return Actor(caller=caller, request_id=request_id, address=address)
