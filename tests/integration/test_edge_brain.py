"""The brain over real sockets and a real disk, with a scripted origin and a clock that the test moves."""

import asyncio
import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import from_url

from edge.adapters.fill import growing
from edge.adapters.store.index import Index
from edge.core.key import Key
from playnet.errors import Unavailable
from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import run, until
from tests.files import files_below
from tests.integration.edge_parts import Clock, Lab, Script, brain, cache_status, media, pattern

Port = Callable[[], int]
TEXT = {"Content-Type": "text/plain", "Cache-Control": "max-age=60", "ETag": '"a"'}
PATH = "/v/a/1/360p/1.m4s"


def text(body: bytes = b"hello", **headers: str) -> Script:
    return Script(body, {**TEXT, **{name.replace("_", "-"): value for name, value in headers.items()}})


def test_a_response_is_stored_validated_and_fetched_again(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            lab.origin.scripts["/x"] = text()
            said = []
            for later_s in (0, 30, 31, 0):
                lab.clock.ahead_s += later_s
                response, data = await lab.get("/x")
                await lab.settled()
                said.append((cache_status(response), data, int(response.headers["Age"]) // 10))
            assert said == [
                ("fwd=miss; fwd-status=200; stored", b"hello", 0),
                ("hit; ttl=29", b"hello", 3),
                ("fwd=stale; fwd-status=304; stored", b"hello", 0),
                ("hit; ttl=59", b"hello", 0),
            ]
            lab.origin.scripts["/x"] = text(b"other", ETag='"b"')
            lab.clock.ahead_s += 61
            response, data = await lab.get("/x")
            assert (cache_status(response), data) == ("fwd=stale; fwd-status=200; stored", b"other")
            await lab.settled()
            assert len(lab.files) == 1, "the replaced body is gone"
            response, _ = await lab.get("/x", If_None_Match='"b"')
            assert (response.status, response.headers["Via"]) == (304, "1.1 edge-t")

    run(body())


def test_a_hundred_cold_viewers_cost_one_fetch_and_stream_as_it_arrives(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(600_000)
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts[PATH] = media(whole)
            script.pause_at = 200_000
            begun = 0

            async def watch() -> tuple[str, bytes]:
                nonlocal begun
                async with lab.client.get(lab.url + PATH) as response:
                    first = await response.content.readexactly(100_000)
                    begun += 1
                    return cache_status(response), first + await response.read()

            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
                lab.client, before = client, lab.client
                async with asyncio.TaskGroup() as group:
                    viewers = [group.create_task(watch()) for _ in range(100)]
                    await until(lambda: begun == 100)  # every one has bytes while the origin still holds the rest
                    script.go.set()
                lab.client = before
            assert lab.origin.seen[PATH] == 1
            assert all(viewer.result()[1] == whole for viewer in viewers)
            assert sorted({viewer.result()[0] for viewer in viewers}) == [
                "fwd=miss; fwd-status=200; stored",
                "fwd=miss; fwd-status=200; stored; collapsed",
            ]

    run(body())


def test_ranges_of_what_is_not_here_arriving_and_stored(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(500_000)
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts[PATH] = media(whole)
            script.pause_at = 300_000
            async with asyncio.TaskGroup() as group:
                cold = group.create_task(lab.get(PATH, Range="bytes=100-199"))
                await script.reached.wait()
                response, part = await cold
                assert (response.status, part) == (206, whole[100:200])
                assert response.headers["Content-Range"] == "bytes 100-199/500000"
                behind = group.create_task(lab.get(PATH, Range="bytes=-10"))
                response, part = await lab.get(PATH, Range="bytes=250000-250009")
                assert (part, behind.done()) == (whole[250_000:250_010], False)
                script.go.set()
            assert behind.result()[1] == whole[-10:]
            await lab.settled()
            etag = script.headers["ETag"]
            cases = [
                ({"Range": "bytes=0-0"}, 206, whole[:1]),
                ({"Range": "bytes=499999-"}, 206, whole[-1:]),
                ({"Range": "bytes=500000-"}, 416, b""),
                ({"Range": "bytes=0-1,1-499999"}, 200, whole),
                ({"Range": "bytes=0-1", "If-Range": etag}, 206, whole[:2]),
                ({"Range": "bytes=0-1", "If-Range": '"x"'}, 200, whole),
            ]
            for headers, status, expected in cases:
                response, data = await lab.get(PATH, **headers)
                assert (response.status, data, cache_status(response).split(";")[0]) == (status, expected, "hit"), (
                    headers
                )
            assert lab.origin.seen[PATH] == 1

    run(body())


def test_a_dying_origin_cuts_viewers_and_leaves_nothing(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts[PATH] = media(pattern(400_000))
            script.die_at = 100_000
            results = await asyncio.gather(*(lab.get(PATH) for _ in range(5)), return_exceptions=True)
            assert all(isinstance(result, aiohttp.ClientPayloadError) for result in results)
            await lab.settled()
            assert lab.files == []
            script.die_at = None
            assert (await lab.get(PATH))[1] == script.body, "nobody is wedged"

    run(body())


def test_variants_outlive_the_brain_and_are_purged_together(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        clock = Clock()
        async with brain(free_port(), short_tmp, clock=clock) as lab:
            for name in ("1", "2"):
                lab.origin.scripts["/x"] = text(name.encode(), Vary="Foo")
                assert (await lab.get("/x", Foo=name))[1] == name.encode()
                await lab.settled()
            first = lab.origin.seen["/x"]
        async with brain(free_port(), short_tmp, clock=clock) as lab:
            for name in ("1", "2"):
                response, data = await lab.get("/x", Foo=name)
                assert (cache_status(response)[:3], data) == ("hit", name.encode())
            assert (first, lab.origin.seen["/x"]) == (2, 0)
            lab.origin.scripts["/x"] = text(b"new", Vary="Foo")
            async with lab.client.delete(lab.url + "/x") as deleted:
                assert deleted.status == 200
            await until(lambda: lab.files == [])
            assert {(await lab.get("/x", Foo=name))[1] for name in ("1", "2")} == {b"new"}

    run(body())


def test_followers_of_another_variant_get_their_own(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts["/x"] = text(b"hello", Vary="Foo")
            script.pause_at = -1
            async with asyncio.TaskGroup() as group:
                viewers = [group.create_task(lab.get("/x", Foo=str(number % 3))) for number in range(12)]
                await script.reached.wait()
                await until(lambda: lab.origin.seen["/x"] == 1)
                script.go.set()
            assert {viewer.result()[1] for viewer in viewers} == {b"hello"}
            assert lab.origin.seen["/x"] == 3, "one exchange per variant, however many ask"
            assert {request.headers["Foo"] for request in lab.origin.requests} == {"0", "1", "2"}

    run(body())


def test_a_silent_origin_is_given_up(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, read_s=0.5) as lab:
            script = lab.origin.scripts[PATH] = media(pattern(400_000))
            script.pause_at = 100_000
            with pytest.raises(aiohttp.ClientPayloadError):
                await lab.get(PATH)
            held = lab.origin.scripts["/x"] = text()
            held.pause_at = -1
            response, _ = await lab.get("/x")
            assert (response.status, cache_status(response)) == (504, "fwd=miss; detail=upstream-timeout")

    run(body())


def test_no_origin_is_a_problem_document_and_the_next_one_is_asked(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        dead = f"http://127.0.0.1:{free_port()}"
        async with brain(free_port(), short_tmp, origins=[dead, ""]) as lab:
            lab.origin.scripts["/x"] = text()
            assert (await lab.get("/x"))[1] == b"hello", "nothing was sent to the dead one"
            await lab.settled()
        async with brain(free_port(), short_tmp, origins=[dead]) as lab:
            assert cache_status((await lab.get("/x"))[0]).startswith("hit"), "the store outlives the brain"
            response, _ = await lab.get("/y")
            assert (response.status, response.content_type) == (502, "application/problem+json")
            assert cache_status(response) == "fwd=miss; detail=upstream-failed"

    run(body())


@pytest.mark.parametrize("failure", ["error", "gone"])
def test_stale_is_served_when_the_origin_fails(short_tmp: Path, free_port: Port, failure: str) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts["/x"] = text(Cache_Control="max-age=10, stale-if-error=100")
            await lab.get("/x")
            await lab.settled()
            script.status, script.headers = 500, {"Cache-Control": "no-store"}
            script.die_at = 0 if failure == "gone" else None
            script.body = b"" if failure == "error" else b"x"
            for later_s, status, told in ((20, 200, "stale-if-error"), (100, 500, "")):
                lab.clock.ahead_s += later_s
                response, data = await lab.get("/x") if failure == "error" or status == 200 else (None, b"")
                if response is not None:
                    assert (response.status, told in cache_status(response)) == (status, True), cache_status(response)
                    assert (data == b"hello") is (status == 200)

    run(body())


def test_stale_is_served_while_it_is_refreshed_once(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            lab.origin.scripts["/x"] = text(Cache_Control="max-age=10, stale-while-revalidate=100")
            await lab.get("/x")
            await lab.settled()
            fresh = lab.origin.scripts["/x"] = text(b"newer", ETag='"b"', Cache_Control="max-age=10")
            fresh.pause_at = 0
            lab.clock.ahead_s += 20
            for _ in range(3):
                response, data = await lab.get("/x")
                assert (cache_status(response), data) == ("hit; ttl=-10; detail=stale-while-revalidate", b"hello")
            await fresh.reached.wait()
            fresh.go.set()
            await until(lambda: lab.origin.seen["/x"] == 2)

            async def is_new() -> bool:
                return (await lab.get("/x"))[1] == b"newer"

            await until(is_new)
            assert lab.origin.seen["/x"] == 2

    run(body())


def test_what_is_private_goes_to_its_viewer_only(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, max_object_bytes=1 << 19) as lab:
            lab.origin.scripts["/x"] = text(Cache_Control="private", Set_Cookie="who=me")
            replies = await asyncio.gather(*(lab.get("/x") for _ in range(8)))
            assert lab.origin.seen["/x"] == 8
            assert {cache_status(response) for response, _ in replies} == {"fwd=miss; fwd-status=200"}
            lab.origin.scripts["/big"] = media(pattern(1 << 20))
            await lab.get("/big", Range="bytes=5-9")
            assert lab.origin.requests[-1].headers["Range"] == "bytes=5-9", "above max_object the origin selects"
            assert lab.files == []

    run(body())


def test_a_body_of_unknown_length_is_streamed_and_stored(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, max_object_bytes=6 << 20) as lab:
            small = lab.origin.scripts["/small"] = text(pattern(100_000))
            large = lab.origin.scripts["/large"] = text(pattern(7 << 20))
            small.chunked = large.chunked = True
            response, data = await lab.get("/small", Range="bytes=-5")
            assert (response.status, data) == (200, small.body), "which part cannot be said before the end is known"
            assert (await lab.get("/large"))[1] == large.body
            await lab.settled()
            response, data = await lab.get("/small", Range="bytes=5-9")
            assert (response.status, data) == (206, small.body[5:10])
            assert [file.stat().st_size for file in lab.files] == [100_000], "the large one outgrew max_object"

    run(body())


def test_methods_and_loops(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            lab.origin.scripts["/x"] = text()
            async with lab.client.request("TRACE", lab.url + "/x") as response:
                assert (response.status, cache_status(response)) == (405, "fwd=method; detail=refused")
            async with lab.client.head(lab.url + "/x") as response:
                assert (response.headers["Content-Length"], cache_status(response)) == ("5", "fwd=miss; fwd-status=200")
            await lab.get("/x")
            await lab.settled()
            async with lab.client.head(lab.url + "/x") as response:
                assert (response.headers["Content-Length"], cache_status(response)) == ("5", "hit; ttl=59")
            response, _problem = await lab.get("/y", CDN_Loop="edge-t")
            assert (response.status, response.content_type) == (508, "application/problem+json")
            assert (await lab.get("/debug/else"))[0].status == 404
            assert b'result="hit"' in (await lab.get("/metrics"))[1]

    run(body())


def test_a_flood_of_three_quotas_stays_within_one(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        size, quota = 1 << 20, 8 << 20
        async with brain(free_port(), short_tmp, size_bytes=quota) as lab:
            paths = [f"/v/a/1/360p/{number}.m4s" for number in range(24)]
            bodies = {path: pattern(size, seed) for seed, path in enumerate(paths)}
            for path, data in bodies.items():
                lab.origin.scripts[path] = media(data)
            highest = 0

            async def fetch(path: str) -> None:
                nonlocal highest
                assert (await lab.get(path))[1] == bodies[path]
                highest = max(highest, lab.disk_bytes)

            for start in range(0, len(paths), 4):
                await asyncio.gather(*(fetch(path) for path in paths[start : start + 4]))
            await lab.settled()
            assert highest <= quota + size
            assert 4 << 20 <= sum(path.stat().st_size for path in lab.files) <= quota
            # eviction takes the hot link too; that of the newest body comes last
            await until(lambda: len(files_below(lab.cache / "hot", suffix=".m4s")) == len(lab.files))

    run(body())


def test_a_disk_that_others_filled_is_left_to_them(short_tmp: Path, free_port: Port) -> None:
    """The database of a small box needs room more than the cache does."""

    async def body() -> None:
        port, data = free_port(), pattern(1 << 20)
        async with brain(port, short_tmp) as lab:
            lab.origin.scripts["/v/a/1/360p/1.m4s"] = media(data)
            await lab.get("/v/a/1/360p/1.m4s")
            await lab.hot("/v/a/1/360p/1.m4s")
        async with brain(port, short_tmp, spare_bytes=1 << 60) as lab:
            lab.origin.scripts["/v/a/1/360p/2.m4s"] = media(data)
            for _ in range(2):
                assert (await lab.get("/v/a/1/360p/2.m4s"))[1] == data
            assert lab.origin.seen["/v/a/1/360p/2.m4s"] == 2
            assert not (lab.cache / "hot/v/a/1/360p/2.m4s").exists()
            assert (await lab.get("/v/a/1/360p/1.m4s"))[1] == data, "what it held would not have been enough"
            assert lab.origin.seen["/v/a/1/360p/1.m4s"] == 0

    run(body())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
def test_a_disk_that_refuses_costs_no_viewer_anything(
    short_tmp: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    written = growing._write_all

    def refusing(fd: int, data: bytes, position: int, checksum: int) -> int:
        if position >= 300_000:
            raise OSError(code, os.strerror(code))
        return written(fd, data, position, checksum)

    async def body() -> None:
        whole = pattern(9 << 20)
        async with brain(free_port(), short_tmp, slice_bytes=16 << 20) as lab:
            lab.origin.scripts[PATH] = media(whole)
            monkeypatch.setattr(growing, "_write_all", refusing)
            replies = await asyncio.gather(*(lab.get(PATH) for _ in range(3)))
            assert all(data == whole for _, data in replies)
            await lab.settled()
            assert lab.files == []
            assert b'storage_failures_total{action="fill"} 1.0' in (await lab.get("/metrics"))[1]
            monkeypatch.setattr(growing, "_write_all", written)

            async def is_kept() -> bool:
                return cache_status((await lab.get(PATH))[0]).startswith("hit")

            await until(is_kept)  # a broken disk is tried again after a while

    run(body())


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


def test_a_store_that_disagrees_with_itself_is_mended(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        paths = [f"/v/a/1/360p/{number}.m4s" for number in range(4)]
        async with brain(free_port(), short_tmp) as lab:
            for path in paths:
                lab.origin.scripts[path] = media(pattern(5000))
                await lab.get(path)
                await lab.hot(path)
            hot = lab.cache / "hot"
            links = {path: (hot / path[1:]) for path in paths}
            inodes = {link.stat().st_ino: path for path, link in links.items()}
            files = {inodes[file.stat().st_ino]: file for file in lab.files}
        os.truncate(files[paths[0]], 10)  # torn
        files[paths[1]].unlink()  # lost, its hot link is not
        links[paths[2]].unlink()  # not linked any more
        (short_tmp / "temp" / "left").write_bytes(b"x")
        (short_tmp / "bodies" / "ff").mkdir(exist_ok=True)
        (short_tmp / "bodies" / "ff" / f"ff{0:030}").write_bytes(b"x")
        (hot / "v" / "stranger.m4s").write_bytes(b"x")
        async with brain(free_port(), short_tmp) as lab:
            links_left, files_left = {Path(path[1:]) for path in paths[2:]}, {files[path].name for path in paths[2:]}
            await until(
                lambda: (
                    {link.relative_to(hot) for link in files_below(hot, suffix=".m4s")} == links_left
                    and {file.name for file in lab.files} == files_left
                )
            )
            assert list((short_tmp / "temp").iterdir()) == []
            for path in paths:
                lab.origin.scripts[path] = media(pattern(5000))
                assert (await lab.get(path))[1] == pattern(5000)
            assert [lab.origin.seen[path] for path in paths] == [1, 1, 0, 0]

    run(body())
