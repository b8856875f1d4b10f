"""A purge while an object arrives: the viewer who waits is served, and nobody after."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import from_url

from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from playnet.purge.replies import PurgeReplies
from tests.aio import run, until
from tests.integration.edge_parts import brain, media, pattern

Port = Callable[[], int]
PATH = "/v/a/1/v/1.m4s"
SIZE = 600_000
ORDERS = {
    "url": PurgeOrder(kind="url", value=PATH),
    "tag": PurgeOrder(kind="tag", value="asset:a"),
    "prefix": PurgeOrder(kind="prefix", value="/v/a/"),
    "all": PurgeOrder(kind="all"),
}


@pytest.mark.parametrize("kind", ORDERS)
def test_an_object_that_arrives_during_its_purge_does_not_come_back(
    short_tmp: Path, free_port: Port, redis_url: str, kind: str
) -> None:
    """Before the head, after it, within the body, and before its last byte."""

    async def scenario() -> None:
        redis = from_url(redis_url)
        log, replies = PurgeLog(redis), PurgeReplies(redis)
        async with brain(free_port(), short_tmp, redis_url=redis_url) as lab:
            for round_, pause_at in enumerate((-1, 0, SIZE // 2, SIZE - 1)):
                old, new = pattern(SIZE, seed=round_ + 1), pattern(SIZE, seed=round_ + 1000)
                script = lab.origin.scripts[PATH] = media(old)
                script.pause_at = pause_at
                lab.origin.seen.clear()
                async with asyncio.TaskGroup() as group:
                    viewer = group.create_task(lab.get(PATH))
                    await script.reached.wait()
                    await _purged(log, replies, 2 * round_ + 1, ORDERS[kind])
                    lab.origin.scripts[PATH] = media(new)
                    script.go.set()
                assert viewer.result()[1] == old, "who asked before the purge gets what was then"
                await lab.settled()
                assert (await lab.get(PATH))[1] == new, f"paused at {pause_at}"
                assert lab.origin.seen[PATH] == 2
                await lab.settled()
                await _purged(log, replies, 2 * round_ + 2, ORDERS[kind])
        await redis.aclose()

    run(scenario())


async def _purged(log: PurgeLog, replies: PurgeReplies, number: int, order: PurgeOrder) -> None:
    await log.append([(number, order)])

    async def acknowledged() -> bool:
        return bool(await replies.applied(number))

    await until(acknowledged)
