"""Who makes a request: the credential that it carries, looked up. Explicit credentials go before cookies."""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers

from origin.core.accounts.callers import ANONYMOUS, AUTOMATION, AccountId, Caller, Means
from origin.core.accounts.roles import Role, permissions_of
from origin.core.accounts.sessions import Alive, CookieRule, Session, judge, rights_in
from playnet.db.database import Database
from playnet.errors import Unauthorized

from .accounts import read_roles
from .api_tokens import ApiTokens
from .sessions import Sessions, name_of
from .statements import SQL

SESSION_COOKIE: Final = "session"

IdTokens = Callable[[str], Awaitable[Caller | None]]
"""The caller behind a provider's ID token, None when it is no such token. Unauthorized for a bad one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A caller, the secret of their session, and a cookie to set when the session got a new name."""

    caller: Caller
    secret: str | None = None
    set_cookie: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """An account as its sessions see it. `since_s`: sessions that began at or before it are over."""

    email: str
    name: str
    roles: frozenset[Role]
    since_s: float

    @property
    def stamp(self) -> str:
        """The rights as text: a session whose stamp differs is renamed."""
        return " ".join(sorted(self.roles))


NOBODY: Final = Known(caller=ANONYMOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What can be recognised."""

    automation: str
    sessions: Sessions
    api_tokens: ApiTokens
    id_tokens: IdTokens


class Callers:
    """Recognises."""

    def __init__(self, database: Database, credentials: Credentials, cookie: CookieRule) -> None:
        self._database = database
        self._sessions = credentials.sessions
        self._credentials = credentials
        self._cookie = cookie

    async def of(self, headers: Headers) -> Known:
        """Unauthorized for a bearer token that is not known; a cookie that is not is as none. Unavailable."""
        authorization = headers.get("authorization")
        if authorization is not None:
            return Known(caller=await self._bearer(authorization))
        secret = self.secret(headers)
        return NOBODY if secret is None else await self.of_session(secret)

    def secret(self, headers: Headers) -> str | None:
        """The value of the session's cookie."""
        return read_cookie(headers, self._cookie.name(SESSION_COOKIE))

    def set_cookie(self, secret: str) -> str:
        """The Set-Cookie value of a session."""
        return self._cookie.header(SESSION_COOKIE, secret, max_age_s=round(self._sessions.lifetime.absolute_s))

    def drop_cookie(self) -> str:
        """The Set-Cookie value that takes it away."""
        return self._cookie.header(SESSION_COOKIE, "", max_age_s=0)

    async def _bearer(self, authorization: str) -> Caller:
        """RFC 6750 §2.1. The comparison takes the same time wherever the difference is."""
        scheme, _, text = authorization.partition(" ")
        token = text.strip()
        if scheme.lower() != "bearer":
            raise Unauthorized("expected the header `Authorization: Bearer TOKEN`")
        if hmac.compare_digest(digest(token), digest(self._credentials.automation)):
            return AUTOMATION
        found = await self._credentials.api_tokens.use(token) or await self._credentials.id_tokens(token)
        if found is None:
            raise Unauthorized("the bearer token is not known here: it was revoked, has expired, or belongs elsewhere")
        return found

    async def rights(self, account: AccountId, issuer: str | None, subject: str | None) -> "Rights | None":
        """What an account may do when it signed in this way; None when it may not sign in (any more)."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["account_of_session"], account, issuer, subject)
        if row is None:
            return None
        since = row["sessions_since"]
        return Rights(
            email=row["email"],
            name=row["name"],
            roles=read_roles(row["roles"]),
            since_s=since.timestamp() if since.year > 1 else 0.0,
        )

    async def of_session(self, secret: str) -> Known:
        """Who has this session's cookie; nobody when it is over."""
        session = await self._sessions.find(secret)
        rights = await self.rights(session.account, session.issuer, session.subject) if session else None
        if session is None or rights is None:
            return NOBODY
        verdict = judge(
            session, rights.stamp, since_s=rights.since_s, now=time.time(), lifetime=self._sessions.lifetime
        )
        if not isinstance(verdict, Alive):
            return NOBODY
        renamed = await self._continue(secret, session, rights.stamp, verdict)
        is_former = verdict.rotate and renamed is None  # another request was faster
        roles = rights_in(replace(session, replaced=session.replaced or is_former), rights.roles)
        caller = Caller(
            means=Means.SESSION,
            name=rights.name,
            permissions=permissions_of(roles),
            account=session.account,
            email=rights.email,
            roles=roles,
            session=name_of(renamed or secret),
        )
        cookie = None if renamed is None else self.set_cookie(renamed)
        return Known(caller=caller, secret=renamed or secret, set_cookie=cookie)

    async def _continue(self, secret: str, session: Session, stamp: str, verdict: Alive) -> str | None:
        """Keep the session going; its new secret when it was renamed."""
        if verdict.rotate:
            return await self._sessions.rotate(secret, session, stamp)
        if verdict.touch:
            await self._sessions.touch(secret, session)
        return None


def read_cookie(headers: Headers, name: str) -> str | None:
    """One cookie of a request."""
    try:
        found = SimpleCookie("; ".join(headers.getlist("cookie"))).get(name)
    except CookieError:
        return None
    return found.value if found else None


def digest(text: str) -> bytes:
    """Equal lengths for a comparison in constant time."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
