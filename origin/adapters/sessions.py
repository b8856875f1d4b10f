"""Sessions in Redis: opened, found, renamed, ended. Nothing here decides; `origin.core.accounts.sessions` does.

playnet:session:<sha256 of the cookie>        the session, gone by itself at its end
playnet:sessions:<account>                    names of its sessions by when they were seen last
playnet:provider-session:<issuer and sid>     names of the sessions that one sign-in at a provider began
"""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from math import ceil
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from origin.core.accounts.callers import AccountId
from origin.core.accounts.sessions import GRACE_S, MAX_PER_ACCOUNT, Lifetime, Session, key_of, remaining_s
from playnet.errors import Unavailable

_DEADLINE_S: Final = 2.0
_NAME_CHARS: Final = 24  # of a key, as shown to its owner
_SECRET_BYTES: Final = 32
_SWAP: Final = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""


@asynccontextmanager
async def answering() -> AsyncIterator[None]:
    """Unavailable, with words for people, when Redis does not answer."""
    try:
        async with asyncio.timeout(_DEADLINE_S):
            yield
    except (RedisError, OSError) as exc:
        raise Unavailable(
            "signing in is not possible at this moment: the store of sessions (Redis) does not answer. "
            "Watching goes on; try again soon",
            cause=type(exc).__name__,
        ) from exc


class Sessions:
    """All sessions. Every call raises Unavailable while Redis is away."""

    def __init__(self, redis: Redis, lifetime: Lifetime) -> None:
        self._redis = redis
        self._swapping = redis.register_script(_SWAP)
        self.lifetime = lifetime

    async def open(self, session: Session) -> str:
        """The secret for its cookie."""
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        async with answering():
            await self._store(_key(secret), session)
            await self._trim(session.account)
        return secret

    async def find(self, secret: str) -> Session | None:
        """The session of a cookie."""
        key = key_of(secret)
        if key is None:
            return None
        async with answering():
            return _read(await self._redis.get(_entry(key)))

    async def touch(self, secret: str, session: Session) -> None:
        """Note that it was used now, unless it ended or was renamed in the meantime."""
        async with answering():
            seen = replace(session, seen_s=time.time())
            if await self._swap(
                _key(secret), session, seen, remaining_s(seen, now=seen.seen_s, lifetime=self.lifetime)
            ):
                await self._redis.zadd(_index(session.account), {_key(secret): seen.seen_s})

    async def rotate(self, secret: str, session: Session, stamp: str) -> str | None:
        """A new secret for the same session; None when it ended or was renamed in the meantime.

        The former one lives on for requests under way, with the rights that it had and the account still has.
        """
        fresh = secrets.token_urlsafe(_SECRET_BYTES)
        async with answering():
            if not await self._swap(_key(secret), session, replace(session, replaced=True), GRACE_S):
                return None
            await self._store(_key(fresh), replace(session, seen_s=time.time(), stamp=stamp))
            await self._redis.zrem(_index(session.account), _key(secret))
        return fresh

    async def end(self, secret: str) -> None:
        """Sign out."""
        key = key_of(secret)
        async with answering():
            session = _read(await self._redis.get(_entry(key))) if key else None
            if key is not None and session is not None:
                await self._forget(session.account, [key])

    async def end_named(self, account: AccountId, name: str) -> bool:
        """End one of an account's by its public name; whether there was one."""
        async with answering():
            keys = [key for key in await self._keys(account) if key[:_NAME_CHARS] == name]
            await self._forget(account, keys)
        return bool(keys)

    async def end_all(self, account: AccountId) -> None:
        """Forget all of an account; `Accounts.end_sessions` has ended them already."""
        async with answering():
            await self._forget(account, await self._keys(account))

    async def end_of_provider(self, issuer: str, provider_session: str) -> int:
        """OpenID Connect Back-Channel Logout by `sid`: how many ended."""
        async with answering():
            place = _provider_session(issuer, provider_session)
            found = await _list(self._redis.smembers(place))
            for key in found:
                session = _read(await self._redis.get(_entry(key)))
                if session is not None:
                    await self._forget(session.account, [key])
            await self._redis.delete(place)
        return len(found)

    async def end_of_identity(self, account: AccountId, issuer: str, subject: str) -> int:
        """Back-Channel Logout by `sub` alone: all that this identity began."""
        async with answering():
            keys = await self._keys(account)
            stored = await self._redis.mget([_entry(key) for key in keys]) if keys else []
            sessions = zip(keys, map(_read, stored), strict=True)
            ending = [
                key for key, session in sessions if session and (session.issuer, session.subject) == (issuer, subject)
            ]
            await self._forget(account, ending)
        return len(ending)

    async def of(self, account: AccountId) -> list[tuple[str, Session]]:
        """Public names and sessions, the last used first."""
        async with answering():
            keys = await self._keys(account)
            stored = await self._redis.mget([_entry(key) for key in keys]) if keys else []
            found = [(key, _read(value)) for key, value in zip(keys, stored, strict=True)]
            await self._forget(account, [key for key, session in found if session is None])
        return [(name_of_key(key), session) for key, session in found if session is not None and not session.replaced]

    async def _store(self, key: str, session: Session) -> None:
        ttl_s = ceil(remaining_s(session, now=time.time(), lifetime=self.lifetime))
        if ttl_s <= 0:
            return
        pipe = self._redis.pipeline()
        pipe.set(_entry(key), _text(session), ex=ttl_s)
        pipe.zadd(_index(session.account), {key: session.seen_s})
        pipe.expire(_index(session.account), ceil(self.lifetime.absolute_s))
        if session.issuer is not None and session.provider_session is not None:
            place = _provider_session(session.issuer, session.provider_session)
            pipe.sadd(place, key)
            pipe.expire(place, ceil(self.lifetime.absolute_s))
        await pipe.execute()

    async def _swap(self, key: str, before: Session, after: Session, ttl_s: float) -> bool:
        """Replace what was read a moment ago; False when somebody else was faster."""
        args: list[str | int] = [_text(before), _text(after), max(1, ceil(ttl_s))]
        return bool(await self._swapping(keys=[_entry(key)], args=args))

    async def _trim(self, account: AccountId) -> None:
        """Too many: those go that were not used for longest."""
        over = await _list(self._redis.zrange(_index(account), 0, -MAX_PER_ACCOUNT - 1))
        await self._forget(account, over)

    async def _keys(self, account: AccountId) -> list[str]:
        return await _list(self._redis.zrevrange(_index(account), 0, MAX_PER_ACCOUNT - 1))

    async def _forget(self, account: AccountId, keys: list[str]) -> None:
        if not keys:
            return
        pipe = self._redis.pipeline()
        pipe.delete(*(_entry(key) for key in keys))
        pipe.zrem(_index(account), *keys)
        await pipe.execute()


def name_of(secret: str) -> str:
    """The public name of a cookie's session."""
    return name_of_key(_key(secret))


def name_of_key(key: str) -> str:
    """What an owner sees of a key: enough to name one of fifty."""
    return key[:_NAME_CHARS]


def _key(secret: str) -> str:
    key = key_of(secret)
    assert key is not None, "only secrets of ours come here"
    return key


def _entry(key: str) -> str:
    return f"playnet:session:{key}"


def _index(account: AccountId) -> str:
    return f"playnet:sessions:{account}"


def _provider_session(issuer: str, sid: str) -> str:
    return f"playnet:provider-session:{hashlib.sha256(f'{issuer} {sid}'.encode()).hexdigest()}"


async def _list(reply: Awaitable[Any] | Any) -> list[str]:
    values = await cast(Awaitable[Any], reply)
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _text(session: Session) -> str:
    return json.dumps(asdict(session))


def _read(stored: bytes | str | None) -> Session | None:
    """None too for what another version wrote: its owner signs in again."""
    try:
        return Session(**json.loads(stored)) if stored else None
    except (ValueError, TypeError):
        return None
