"""The log of revocations: from the outbox to every node, like purges. A reader that missed some refuses all older tokens."""

from typing import Final

from redis.asyncio import Redis

from playnet.purge.log import OrderLog
from playnet.tokens import Revocation

STREAM: Final = "playnet:revocations"


class RevocationLog(OrderLog[Revocation]):
    """Appends to and follows it."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, STREAM, Revocation)
