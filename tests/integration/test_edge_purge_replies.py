"""What a node says about purges: how much one would forget, and that it did."""

from collections.abc import Callable
from pathlib import Path

from redis.asyncio import from_url

from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from playnet.purge.replies import PurgeReplies, Question
from tests.aio import run, until
from tests.integration.edge_parts import Lab, Script, brain, cache_status, media, pattern

Port = Callable[[], int]
NODE = "edge-t"


async def _warm(lab: Lab) -> list[str]:
    paths = [f"/v/a/1/v/{n}.m4s" for n in range(3)] + ["/v/b/1/v/1.m4s"]
    for path in paths:
        lab.origin.scripts[path] = media(pattern(100), tags=f"asset:{path[3]}")
        await lab.get(path)
    lab.origin.scripts["/page"] = Script(b"page", {"Vary": "Accept-Language", "ETag": '"1"'}).saying("max-age=60")
    for language in ("de", "fr"):
        await lab.get("/page", Accept_Language=language)
    await lab.settled()
    return paths


def test_a_dry_run_counts_and_forgets_nothing(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    orders = {
        "tag": (PurgeOrder(kind="tag", value="asset:a"), 3),
        "soft": (PurgeOrder(kind="tag", value="asset:a", soft=True), 3),
        "prefix": (PurgeOrder(kind="prefix", value="/v/b/"), 1),
        "variants": (PurgeOrder(kind="url", value="/page"), 2),
        "spelling": (PurgeOrder(kind="url", value="/v/%61/1/v/1.m4s"), 1),
        "all": (PurgeOrder(kind="all"), 6),
        "nothing": (PurgeOrder(kind="tag", value="asset:z"), 0),
    }

    async def scenario() -> None:
        redis = from_url(redis_url)
        replies = PurgeReplies(redis)
        async with brain(free_port(), short_tmp, redis_url=redis_url) as lab:
            paths = await _warm(lab)
            for name, (order, entries) in orders.items():

                async def answered(question: Question = Question(name, order)) -> bool:  # noqa: B008
                    await replies.ask(question)  # a node that does not listen yet does not hear it
                    return bool(await replies.answers(question.id))

                await until(answered)
                assert await replies.answers(name) == {NODE: entries}, name
            before = sum(lab.origin.seen.values())
            assert all([cache_status((await lab.get(path))[0]).startswith("hit") for path in paths])
            assert sum(lab.origin.seen.values()) == before
            assert 0 < await redis.ttl("playnet:purge-counts:tag") <= 600
        await redis.aclose()

    run(scenario())


def test_an_order_is_acknowledged_once_it_is_carried_out(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def scenario() -> None:
        redis = from_url(redis_url)
        replies, log = PurgeReplies(redis), PurgeLog(redis)

        async def applied(number: int) -> bool:
            return NODE in await replies.applied(number)

        async with brain(free_port(), short_tmp, redis_url=redis_url) as lab:
            paths = await _warm(lab)
            await log.append([(7, PurgeOrder(kind="tag", value="asset:a"))])
            await until(lambda: applied(7))
            assert await replies.applied(7) == {NODE: 3}
            assert cache_status((await lab.get(paths[0]))[0]).startswith("fwd=miss")
            await log.append([(9, PurgeOrder(kind="url", value="/page"))])
            await until(lambda: applied(9))
            assert await replies.applied(8) == {}, "the position is past it, but it has not come"
            await log.append([(8, PurgeOrder(kind="prefix", value="/v/b/"))])  # its transaction ended late
            await until(lambda: applied(8))
            assert [await replies.applied(number) for number in (8, 9)] == [{NODE: 1}, {NODE: 2}]
            assert 0 < await redis.ttl("playnet:purge-done:9") <= 600
        await redis.aclose()

    run(scenario())
