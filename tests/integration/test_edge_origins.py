"""Origins that die, fall silent or are not there, and what viewers get all the same."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.aio import run, until
from tests.integration.edge_parts import Script, brain, cache_status, media, pattern

Port = Callable[[], int]
TEXT = {"Content-Type": "text/plain", "Cache-Control": "max-age=60", "ETag": '"a"'}
PATH = "/v/a/1/360p/1.m4s"


def text(body: bytes = b"hello", **headers: str) -> Script:
    return Script(body, {**TEXT, **{name.replace("_", "-"): value for name, value in headers.items()}})


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
