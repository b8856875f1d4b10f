"""The purge log against a real Redis: order, repetition, late orders, trimming, a lost log."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis, from_url

from playnet.errors import Unavailable
from playnet.purge.log import STREAM, Entry, Gap, PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import run


def _order(name: str) -> PurgeOrder:
    return PurgeOrder(kind="tag", value=name)


async def _take(log: PurgeLog, after: int, count: int) -> list[Entry | Gap]:
    events: list[Entry | Gap] = []
    async for event in log.follow(after):
        events.append(event)
        if len(events) == count:
            return events
    raise AssertionError("follow ended")


def _with_log(url: str, body: Callable[[Redis, PurgeLog], Awaitable[None]], **options: Any) -> None:
    async def scenario() -> None:
        redis = from_url(url, **options)
        try:
            await body(redis, PurgeLog(redis))
        finally:
            await redis.aclose()

    run(scenario())


@pytest.mark.parametrize("options", [{}, {"decode_responses": True}, {"protocol": 3}], ids=["plain", "text", "resp3"])
def test_repeated_and_late_orders_reach_every_reader(redis_url: str, options: dict[str, Any]) -> None:
    async def body(_: Redis, log: PurgeLog) -> None:
        await log.append([(3, _order("a")), (7, _order("b"))])
        await log.append([(3, _order("a")), (5, _order("late")), (9, _order("c"))])
        fresh = [(event.id, event.order.value) for event in await _take(log, 0, 4) if isinstance(event, Entry)]
        assert fresh == [(3, "a"), (7, "b"), (7, "late"), (9, "c")]
        ahead = [(event.id, event.order.value) for event in await _take(log, 7, 2) if isinstance(event, Entry)]
        assert ahead == [(7, "late"), (9, "c")], "a reader that stood at 7 before the late order came still gets it"
        assert await log.newest() == 9

    _with_log(redis_url, body, **options)


def test_a_waiting_reader_hears_a_new_order(redis_url: str) -> None:
    async def body(_: Redis, log: PurgeLog) -> None:
        await log.append([(1, _order("a"))])
        waiting = asyncio.create_task(_take(log, 1, 1), name="reader")
        await asyncio.sleep(0)
        await log.append([(2, _order("b"))])
        assert await waiting == [Entry(2, _order("b"), number=2)]

    _with_log(redis_url, body)


def test_a_reader_behind_the_trimmed_part_is_told_of_the_gap(redis_url: str) -> None:
    async def body(redis: Redis, log: PurgeLog) -> None:
        await log.append([(number, _order(str(number))) for number in (1, 2, 3, 4)])
        await redis.xtrim(STREAM, maxlen=1, approximate=False)
        assert await _take(log, 3, 1) == [Entry(4, _order("4"), number=4)]
        assert await _take(log, 2, 2) == [Gap(4), Entry(4, _order("4"), number=4)]
        assert await _take(log, 0, 2) == [Gap(4), Entry(4, _order("4"), number=4)]

    _with_log(redis_url, body)


@pytest.mark.parametrize(("position", "first"), [(50, 57), (50, 3)], ids=["larger-ids", "smaller-ids"])
def test_a_lost_log_is_a_gap(redis_url: str, position: int, first: int) -> None:
    async def body(_: Redis, log: PurgeLog) -> None:
        await log.append([(first, _order("after the loss"))])
        assert await _take(log, position, 1) == [Gap(first)]

    _with_log(redis_url, body)


def test_an_order_of_a_newer_version_is_a_gap(redis_url: str) -> None:
    async def body(redis: Redis, log: PurgeLog) -> None:
        await log.append([(1, _order("a"))])
        await redis.xadd(STREAM, {"order": '{"kind":"colour"}', "after": "1"}, id="2-0")
        assert await _take(log, 1, 1) == [Gap(2)]

    _with_log(redis_url, body)


def test_redis_gone_is_unavailable() -> None:
    async def body(_: Redis, log: PurgeLog) -> None:
        for call in (log.append([(1, _order("a"))]), log.newest(), _take(log, 0, 1)):
            with pytest.raises(Unavailable):
                await call

    _with_log("redis://127.0.0.1:1", body)
