"""Places in Redis, in front of PostgreSQL: what the second device asks for. May be lost at any time.

playnet:place:<viewer>:<asset>   version and trail, for a minute after the last change

A place is durable in PostgreSQL before it stands here. It is replaced by higher versions only, so two origins cannot
leave an older one. A Redis that fails is left alone until everything that it might still hold has run out: until then
its answers could be older than what it failed to take.
"""

import asyncio
import json
import time
from collections.abc import Iterable
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from origin.core.signals.resume import Trail
from playnet.logs import logger

from .trails import Pair, read_trail, write_trail

log = logger(__name__)

_LIFE_S: Final = 60
_DEADLINE_S: Final = 0.25  # PostgreSQL answers in a few milliseconds: there is nothing to wait for
_PUT: Final = """
for index, key in ipairs(KEYS) do
    local version, known = ARGV[2 * index], redis.call('get', key)
    local former = known and tonumber(string.match(known, '^%d+')) or 0
    if tonumber(version) > former then
        redis.call('set', key, version .. ' ' .. ARGV[2 * index + 1], 'EX', ARGV[1])
    end
end
"""


class HotPlaces:
    """One per origin."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._put = redis.register_script(_PUT)
        self._trusted_from_s = 0.0

    async def publish(self, places: Iterable[tuple[Pair, Trail, int]]) -> None:
        """Let every origin know. Never fails: readers fall back to PostgreSQL."""
        found = list(places)
        if not found or time.monotonic() < self._trusted_from_s:
            return
        arguments: list[str | int] = [_LIFE_S]
        for _, trail, version in found:
            arguments += [version, write_trail(trail) if trail else ""]
        try:
            async with asyncio.timeout(_DEADLINE_S):
                await self._put(keys=[_key(pair) for pair, _, _ in found], args=arguments)
        except (RedisError, OSError) as exc:
            self._distrust(exc)

    async def find(self, pair: Pair) -> Trail | None:
        """None: ask PostgreSQL."""
        if time.monotonic() < self._trusted_from_s:
            return None
        try:
            async with asyncio.timeout(_DEADLINE_S):
                kept = await self._redis.get(_key(pair))
        except (RedisError, OSError) as exc:
            self._distrust(exc)
            return None
        _, _, text = bytes(kept).decode().partition(" ") if isinstance(kept, bytes) else ("", "", "")
        return read_trail(json.loads(text)) if text else None

    def _distrust(self, exc: Exception) -> None:
        self._trusted_from_s = time.monotonic() + _LIFE_S
        log.warning("places.without_redis", detail=str(exc), for_s=_LIFE_S)


def _key(pair: Pair) -> str:
    return f"playnet:place:{pair[0]}:{pair[1]}"
