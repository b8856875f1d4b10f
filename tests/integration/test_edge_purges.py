"""Purge orders from the log."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from redis.asyncio import from_url

from edge.adapters.store.index import Index
from edge.core.key import Key
from playnet.errors import Unavailable
from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import run, until
from tests.integration.edge_parts import Clock, Lab, brain, cache_status, media, pattern

Port = Callable[[], int]
PATH = "/v/a/1/360p/1.m4s"


def test_a_soft_purge_that_the_disk_refuses_is_asked_for_again(
    short_tmp: Path, free_port: Port, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    soften, refused = Index.soften, asyncio.Event()

    def refusing(index: Index, keys: Iterable[Key], at: float) -> None:
        if refused.is_set():
            soften(index, keys, at)
        else:
            refused.set()
            raise Unavailable("the disk is full")

    async def body() -> None:
        redis = from_url(redis_url)
        async with brain(free_port(), short_tmp, redis_url=redis_url) as lab:
            lab.origin.scripts[PATH] = media(pattern(1000), tags="asset:a")
            await lab.get(PATH)
            await lab.settled()
            monkeypatch.setattr(Index, "soften", refusing)
            await _purged(lab, PurgeLog(redis), 1, PurgeOrder(kind="tag", value="asset:a", soft=True))
            assert refused.is_set()
            assert "stale-while-revalidate" in cache_status((await lab.get(PATH))[0])
        await redis.aclose()

    run(body())


async def _purged(lab: Lab, log: PurgeLog, number: int, order: PurgeOrder) -> None:
    """Order a purge and wait until the node has applied it."""
    before = (await lab.get("/metrics"))[1].count(b"\n")
    assert before
    await log.append([(number, order)])

    async def applied() -> bool:
        lines = (await lab.get("/metrics"))[1].decode().splitlines()
        return sum(float(line.split()[1]) for line in lines if line.startswith("playnet_edge_purges_total{")) >= number

    await until(applied)


def test_purges_reach_stored_entries_and_fills_in_flight(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        redis = from_url(redis_url)
        log, clock = PurgeLog(redis), Clock()
        async with brain(free_port(), short_tmp, redis_url=redis_url, clock=clock) as lab:
            paths = ["/v/a/1/360p/1.m4s", "/v/a/1/360p/2.m4s", "/v/b/1/360p/1.m4s"]
            for path in paths:
                lab.origin.scripts[path] = media(pattern(1000), tags=f"asset:{path[3]}")
                await lab.get(path)
                await lab.hot(path)
            hot = lab.cache / "hot" / "v"
            assert (hot / "a/1/360p/1.m4s").exists()
            slow = lab.origin.scripts["/v/a/1/360p/3.m4s"] = media(pattern(300_000), tags="asset:a")
            slow.pause_at = 100_000
            async with asyncio.TaskGroup() as group:
                viewer = group.create_task(lab.get("/v/a/1/360p/3.m4s"))
                await slow.reached.wait()
                await _purged(lab, log, 1, PurgeOrder(kind="tag", value="asset:a"))
                assert not (hot / "a").exists()
                assert (hot / "b/1/360p/1.m4s").exists()
                lab.origin.scripts["/v/a/1/360p/3.m4s"] = media(b"after", tags="asset:a")
                assert (await lab.get("/v/a/1/360p/3.m4s"))[1] == b"after", "nobody joins a fill older than the purge"
                slow.go.set()
            assert viewer.result()[1] == slow.body, "who was watching sees the end"
            await lab.settled()
            assert (await lab.get("/v/a/1/360p/3.m4s"))[1] == b"after", "the old fill did not overwrite the new entry"
            await _purged(lab, log, 2, PurgeOrder(kind="url", value="/v/b/1/360p/%31.m4s"))
            assert cache_status((await lab.get(paths[2]))[0]).startswith("fwd=miss")
            await lab.settled()
            await _purged(lab, log, 3, PurgeOrder(kind="prefix", value="/v/b/", soft=True))
            assert "stale-while-revalidate" in cache_status((await lab.get(paths[2]))[0])
            await _purged(lab, log, 4, PurgeOrder(kind="all"))
            await lab.settled()
            assert cache_status((await lab.get(paths[0]))[0]).startswith("fwd=miss")
        await log.append([(5, PurgeOrder(kind="all"))])
        await redis.xtrim("playnet:purges", maxlen=0, approximate=False)
        await log.append([(9, PurgeOrder(kind="tag", value="other"))])
        async with brain(free_port(), short_tmp, redis_url=redis_url, clock=clock) as lab:
            lab.origin.scripts[paths[0]] = media(pattern(1000), tags="asset:a")

            async def validated() -> bool:
                return "fwd-status=304" in cache_status((await lab.get(paths[0]))[0])

            await until(validated)  # orders were lost while the node was away: nothing is trusted any more
        await redis.aclose()

    run(body())
