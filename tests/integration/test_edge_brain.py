"""The brain over real sockets and a real disk, with a scripted origin and a clock that the test moves."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp

from tests.aio import run, until
from tests.integration.edge_parts import Script, brain, cache_status, media, pattern

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
