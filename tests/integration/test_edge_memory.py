"""Small bodies in memory, and what a full cache writes."""

from collections.abc import Callable
from pathlib import Path

from redis.asyncio import from_url

from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import run, until
from tests.integration.edge_parts import Lab, Script, brain, cache_status, media, pattern

Port = Callable[[], int]
MEMORY = 1 << 20
SMALL = "/v/a/master.m3u8"


def small(body: bytes) -> Script:
    fields = {"Content-Type": "text/plain", "Cache-Control": "max-age=60", "ETag": '"a"', "Surrogate-Key": "asset:a"}
    return Script(body, fields)


async def status(lab: Lab, path: str, **fields: str) -> str:
    return cache_status((await lab.get(path, **fields))[0])


def test_a_small_body_needs_no_disk(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, memory_bytes=MEMORY) as lab:
            lab.origin.scripts[SMALL] = small(pattern(2000))
            for _ in range(2):
                await lab.get(SMALL)
                await lab.settled()
            (file,) = lab.files
            file.unlink()
            for fields, code, data in (
                ({}, 200, pattern(2000)),
                ({"Range": "bytes=5-9"}, 206, pattern(2000)[5:10]),
                ({"Range": "bytes=9999-"}, 416, b""),
                ({"If-None-Match": '"a"'}, 304, b""),
            ):
                response, got = await lab.get(SMALL, **fields)
                assert (response.status, got) == (code, data)
            async with lab.client.head(lab.url + SMALL) as response:
                assert response.headers["Content-Length"] == "2000"
            assert lab.origin.seen[SMALL] == 1

    run(body())


def test_a_full_cache_writes_at_the_second_request(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    """Until then small objects stand in memory alone, and purges find them there."""

    async def body() -> None:
        redis = from_url(redis_url)
        rules = {"size_bytes": 1 << 20, "memory_bytes": MEMORY, "admission": "second-request"}
        async with brain(free_port(), short_tmp, redis_url=redis_url, **rules) as lab:  # type: ignore[arg-type]
            paths = [f"/v/b/1/360p/{number}.m4s" for number in range(5)]
            for path in paths:
                lab.origin.scripts[path] = media(pattern(200_000))
                await lab.get(path)
                await lab.settled()
            lab.origin.scripts[SMALL] = small(pattern(2000))
            lab.origin.scripts["/big.m4s"] = media(pattern(200_000, 2))
            await lab.get("/big.m4s")
            await lab.settled()
            assert len(lab.files) == len(paths), "nobody leaves for what is asked for once"
            assert (await lab.get("/big.m4s"))[1] == pattern(200_000, 2)
            await lab.settled()
            assert len(lab.files) == len(paths), "somebody left for what is asked for again"
            assert (await status(lab, "/big.m4s")).startswith("hit")
            ballast = media(pattern((1 << 20) - 1_000_001, 3))
            for name in ("/fill.m4s", "/fill.m4s"):
                lab.origin.scripts[name] = ballast
                await lab.get(name)
                await lab.settled()
            await lab.get(SMALL)
            await lab.settled()
            assert (await status(lab, SMALL)).startswith("hit")
            assert (await lab.get(SMALL))[1] == pattern(2000)
            assert all(file.stat().st_size != 2000 for file in lab.files)
            await PurgeLog(redis).append([(1, PurgeOrder(kind="tag", value="asset:a"))])

            async def gone() -> bool:
                return (await status(lab, SMALL)).startswith("fwd=miss")

            await until(gone)
        await redis.aclose()

    run(body())
