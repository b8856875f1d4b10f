"""Sign-ins under way at a provider, in Redis: kept for ten minutes, taken once, so many for each address."""

import hashlib
import json
import secrets
from dataclasses import asdict
from typing import Final

from redis.asyncio import Redis

from origin.core.accounts.addresses import bucket
from origin.core.accounts.flow import FLOW_S, Flow
from playnet.errors import TooManyTries

from .sessions import answering

_MAX_OF_ADDRESS: Final = 100


class Flows:
    """Raises Unavailable while Redis is away."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, flow: Flow, address: str | None) -> str:
        """Remember it; the `state` by which it is found. TooManyTries from one address."""
        state = secrets.token_urlsafe(32)
        counter = f"playnet:flows:{bucket(address)}"
        async with answering():
            pipe = self._redis.pipeline()
            pipe.incr(counter)
            pipe.expire(counter, FLOW_S)
            begun, _ = await pipe.execute()
            if begun > _MAX_OF_ADDRESS:
                raise TooManyTries("too many sign-ins were begun from here: wait ten minutes", retry_after_s=FLOW_S)
            await self._redis.set(_key(state), json.dumps(asdict(flow)), ex=FLOW_S)
        return state

    async def take(self, state: str, browser: str) -> Flow | None:
        """The flow, if this browser began it; never twice."""
        async with answering():
            pipe = self._redis.pipeline()
            pipe.get(_key(state))
            pipe.delete(_key(state))
            stored, _ = await pipe.execute()
        flow = Flow(**json.loads(stored)) if stored else None
        return flow if flow is not None and secrets.compare_digest(flow.browser, browser) else None

    async def is_first(self, token_id: str, issuer: str, keep_s: int) -> bool:
        """Whether a logout token comes for the first time."""
        key = f"playnet:logout:{hashlib.sha256(f'{issuer} {token_id}'.encode()).hexdigest()}"
        async with answering():
            return bool(await self._redis.set(key, "1", nx=True, ex=keep_s))


def _key(state: str) -> str:
    return f"playnet:flow:{hashlib.sha256(state.encode()).hexdigest()}"
