"""Counts sign-in attempts in Redis; how long to wait is decided by `origin.core.accounts.lockout`."""

import hashlib
import json
import time
from math import ceil
from typing import Final

from redis.asyncio import Redis

from origin.core.accounts.addresses import bucket
from origin.core.accounts.lockout import OF_ACCOUNT, OF_ADDRESS, waits_s
from playnet.errors import TooManyTries

from .sessions import answering

# Refuses while any counter says so. Else counts this attempt in all of them, as failed until it is known better, and
# sets the next wait in the same step: a thousand attempts at once are a thousand. ARGV: now, then for each counter
# its memory and its waits by the number of failures.
_BEGIN: Final = """
local now, longest = tonumber(ARGV[1]), 0
for _, key in ipairs(KEYS) do
    longest = math.max(longest, tonumber(redis.call('hget', key, 'until') or '0') - now)
end
if longest > 0 then return tostring(longest) end
for index, key in ipairs(KEYS) do
    local waits = cjson.decode(ARGV[2 * index + 1])
    local failures = redis.call('hincrby', key, 'failures', 1)
    local wait = waits[math.max(1, math.min(failures, #waits))]
    if wait > 0 then redis.call('hset', key, 'until', string.format('%.3f', now + wait)) end
    redis.call('expire', key, ARGV[2 * index])
end
return '0'
"""
_ARGUMENTS: Final = [
    argument for patience in (OF_ACCOUNT, OF_ADDRESS) for argument in (patience.forget_s, json.dumps(waits_s(patience)))
]


class Attempts:
    """One window for all origins."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._begin = redis.register_script(_BEGIN)

    async def begin(self, email: str, address: str | None) -> None:
        """Before a password is looked at. TooManyTries while the account or the address has to wait."""
        async with answering():
            left_s = float(
                await self._begin(keys=[_account(email), _address(address)], args=[time.time(), *_ARGUMENTS])
            )
        if left_s <= 0:
            return
        raise TooManyTries(f"too many tries: wait {ceil(left_s)} seconds", retry_after_s=ceil(left_s))

    async def succeeded(self, email: str, address: str | None) -> None:
        """The attempt was no failure: the account starts anew, the address loses this one."""
        async with answering():
            pipe = self._redis.pipeline()
            pipe.delete(_account(email))
            pipe.hincrby(_address(address), "failures", -1)
            pipe.hdel(_address(address), "until")
            pipe.expire(_address(address), OF_ADDRESS.forget_s)
            await pipe.execute()

    async def forgive(self, email: str) -> None:
        """An administrator gave a new password: let its owner in at once."""
        async with answering():
            await self._redis.delete(_account(email))


def _account(email: str) -> str:
    return f"playnet:attempts:account:{hashlib.sha256(email.encode()).hexdigest()}"


def _address(address: str | None) -> str:
    return f"playnet:attempts:address:{bucket(address)}"
