"""`/debug/entry` and `/debug/node`: a node says of one URL, and of itself, what an operator asks at 3 a.m."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.core.nginx import PUBLIC_HEADER
from tests.aio import run, until
from tests.integration.edge_parts import Lab, Script, brain, media, pattern

Port = Callable[[], int]


async def _told(lab: Lab, url: str) -> Any:
    async with lab.client.get(lab.url + "/debug/entry", params={"url": url}) as response:
        assert response.status == 200
        return await response.json()


def test_a_node_says_whether_a_url_is_cached_and_why_not(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        async with brain(free_port(), short_tmp) as lab:
            scripts = lab.origin.scripts
            scripts["/v/a/1/v/1.m4s"] = media(pattern(1000))
            scripts["/page"] = Script(b"page", {"ETag": '"1"', "Vary": "Accept-Language"}).saying("max-age=60")
            scripts["/own"] = Script(b"own").saying("private")
            for path in ("/v/a/1/v/1.m4s", "/page", "/own"):
                await lab.get(path, Accept_Language="de")
            await lab.get("/page", Accept_Language="fr")
            await lab.settled()
            await lab.hot("v/a/1/v/1.m4s")

            segment = await _told(lab, "/t/v1.k.p.m/v/a/1/v/1.m4s")
            assert (segment["key"], segment["cached"], segment["cause"]) == ("/v/a/1/v/1.m4s", True, None)
            (entry,) = segment["entries"]
            assert (entry["tier"], entry["size_bytes"], entry["tags"]) == ("hot", 1000, ["asset:a", "rev:a/1"])
            assert entry["not_hot_because"] is None
            assert "hot tree" in segment["verdict"]

            page = await _told(lab, "/page")
            assert sorted(entry["varies_by"]["accept-language"] for entry in page["entries"]) == ["de", "fr"]
            assert {entry["kind"] for entry in page["entries"]} == {"variant"}
            assert all("brain" in entry["not_hot_because"] for entry in page["entries"])
            assert page["verdict"].startswith("cached, as 2 variants")

            own = await _told(lab, "/own")
            assert (own["cached"], own["cause"]) == (False, "uncacheable")
            assert "private (RFC 9111 §5.2.2.7)" in own["verdict"]
            assert (await _told(lab, "/never"))["cause"] == "cold"

            lab.clock.ahead_s += 61
            assert (await _told(lab, "/page"))["entries"][0]["next_use"] == "revalidated first (expired)"

    run(scenario())


def test_a_fill_under_way_shows(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts["/slow"] = Script(pattern(1000), pause_at=400).saying("max-age=60")
            async with asyncio.TaskGroup() as group:
                group.create_task(lab.get("/slow"))
                await until(lambda: lab.origin.seen["/slow"] == 1)
                await script.reached.wait()

                async def some_came() -> bool:
                    return bool((await _told(lab, "/slow"))["fills"][0]["received_bytes"])

                await until(some_came)
                told = await _told(lab, "/slow")
                script.go.set()
            assert told["fills"] == [{"place": "/slow", "received_bytes": 400, "total_bytes": 1000, "viewers": 1}]
            assert told["verdict"] == "not cached yet: it is being fetched now"

    run(scenario())


def test_a_node_tells_of_itself_but_nobody_behind_nginx(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        async with brain(free_port(), short_tmp) as lab:
            lab.origin.scripts["/a"] = Script(b"12345678").saying("max-age=60")
            for _ in range(4):
                await lab.get("/a")
                await lab.settled()
            async with lab.client.get(lab.url + "/debug/node") as response:
                told = await response.json()
            assert (told["hit_ratio"], told["byte_hit_ratio"], told["misses"]) == (0.75, 0.75, {"cold": 1})
            assert (told["entries"], told["stored_bytes"], told["alarms"]) == (1, 8, [])
            for path in ("/debug/node", "/debug/entry?url=/a"):
                assert (await lab.get(path, **{PUBLIC_HEADER: "1"}))[0].status == 404
            for bad in ("", "x", "/%00", "/../x"):
                async with lab.client.get(lab.url + "/debug/entry", params={"url": bad}) as response:
                    assert response.status == 400

    run(scenario())


def test_an_object_in_slices_says_which_are_here(short_tmp: Path, free_port: Port) -> None:
    async def scenario() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=64 << 10) as lab:
            lab.origin.scripts["/big"] = Script(
                pattern(300 << 10), {"ETag": '"1"', "Accept-Ranges": "bytes", "Surrogate-Key": "big"}
            ).saying("max-age=60")
            await lab.get("/big")
            await lab.settled()
            told = await _told(lab, "/big")
            assert sorted(entry["kind"] for entry in told["entries"]) == ["head", *["slice"] * 5]
            assert "5 of 5 are here" in told["verdict"]
            assert {tuple(entry["tags"]) for entry in told["entries"]} == {("big",)}

    run(scenario())
