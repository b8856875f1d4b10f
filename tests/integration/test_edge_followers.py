"""Those who wait for somebody else's exchange: when they get their first byte, and what an error costs the origin."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import from_url

from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import run, until
from tests.integration.edge_parts import Lab, Script, brain, cache_status, pattern

Port = Callable[[], int]
PATH = "/page"
WHOLE = pattern(300_000)


def page(body: bytes = WHOLE, cache_control: str = "max-age=60", **headers: str) -> Script:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Script(
        body, {"Content-Type": "text/plain", "Cache-Control": cache_control, "ETag": f'"{len(body)}"', **named}
    )


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=50000-250000"}], ids=["whole", "range"])
@pytest.mark.parametrize("is_stale", [False, True], ids=["cold", "revalidated"])
def test_followers_have_what_the_leader_has(
    short_tmp: Path, free_port: Port, headers: dict[str, str], is_stale: bool
) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            if is_stale:
                lab.origin.scripts[PATH] = page(b"old")
                await lab.get(PATH)
                await lab.settled()
                lab.clock.ahead_s += 100
            script = lab.origin.scripts[PATH] = page()
            seen = lab.origin.seen[PATH]
            script.pause_at = 60_000
            viewers = [await _begun(lab, headers) for _ in range(5)]
            assert not script.go.is_set(), "all of them have bytes while the origin holds the rest"
            script.go.set()
            rests = [first + await response.read() for response, first in viewers]
            assert set(rests) == {WHOLE[50_000:250_001] if headers else WHOLE}
            assert lab.origin.seen[PATH] == seen + 1

    run(body())


async def _begun(lab: Lab, headers: dict[str, str]) -> tuple[aiohttp.ClientResponse, bytes]:
    """An answer of which the first bytes are here."""
    response = await lab.client.get(lab.url + PATH, headers=headers)
    return response, await response.content.readexactly(5_000)


@pytest.mark.parametrize(
    ("script", "status", "is_copied"),
    [
        pytest.param(page(b"sorry", "no-cache", Set_Cookie="a=b"), 503, True, id="small"),
        pytest.param(page(b"secret", "private"), 503, False, id="private"),
        pytest.param(page(pattern(200_000), "no-cache"), 500, False, id="large"),
    ],
)
def test_an_error_is_one_for_all_who_wait(
    short_tmp: Path, free_port: Port, script: Script, status: int, is_copied: bool
) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            lab.origin.scripts[PATH] = script
            script.status, script.pause_at, script.go, script.reached = status, -1, asyncio.Event(), asyncio.Event()
            viewers = [asyncio.create_task(lab.get(PATH)) for _ in range(20)]
            await script.reached.wait()
            await _all_wait(lab, PATH, 20)
            script.go.set()
            replies = await asyncio.gather(*viewers)
            assert lab.origin.seen[PATH] == 1
            own = [reply for reply, data in replies if data == script.body]
            assert len(own) == (20 if is_copied else 1)
            assert sum("Set-Cookie" in reply.headers for reply in own) == ("Set-Cookie" in script.headers)
            others = [reply for reply, data in replies if data != script.body]
            assert all((reply.status, reply.content_type) == (502, "application/problem+json") for reply in others)

    run(body())


async def _all_wait(lab: Lab, path: str, number: int) -> None:
    """So many viewers wait for the exchange of a path."""

    async def waiting() -> bool:
        response, told = await lab.get(f"/debug/entry?url={path}")
        assert response.status == 200
        return f'"viewers":{number}'.encode() in told.replace(b" ", b"")

    await until(waiting)


def test_who_waited_for_what_is_private_asks_a_few_at_a_time(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts[PATH] = page(b"yours", "private")
            script.pause_at = -1
            viewers = [asyncio.create_task(lab.get(PATH)) for _ in range(30)]
            await script.reached.wait()
            await _all_wait(lab, PATH, 30)
            script.go, held = asyncio.Event(), script.go
            held.set()
            await until(lambda: lab.origin.seen[PATH] >= 8)
            await lab.get("/metrics")
            assert lab.origin.seen[PATH] <= 9, "the leader's, and eight turns; the others wait for theirs"
            script.go.set()
            assert [data for _, data in await asyncio.gather(*viewers)] == [b"yours"] * 30
            assert lab.origin.seen[PATH] == 30

    run(body())


def test_a_head_request_does_not_undo_a_purge(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, redis_url=redis_url) as lab, from_url(redis_url) as redis:
            lab.origin.scripts[PATH] = page(b"old")
            await lab.get(PATH)
            await lab.settled()
            lab.clock.ahead_s += 100
            script = lab.origin.scripts[PATH]
            script.pause_at = -1
            asking = asyncio.create_task(lab.client.head(lab.url + PATH))
            await script.reached.wait()
            await PurgeLog(redis).append([(1, PurgeOrder(kind="url", value=PATH, soft=True))])

            async def purged() -> bool:
                return b'purges_total{kind="url"} 1.0' in (await lab.get("/metrics"))[1]

            await until(purged)
            script.go.set()
            script.pause_at = None
            assert (await asking).status == 200
            response, _ = await lab.get(PATH)
            assert cache_status(response).startswith("fwd=stale"), "it is not fresh by a HEAD from before the purge"

    run(body())


def test_a_viewer_who_leaves_a_passed_request_ends_it(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts[PATH] = page(pattern(8 << 20))
            script.pause_at = 100_000
            async with lab.client.post(lab.url + PATH, data=b"some words") as response:
                await response.content.readexactly(50_000)
                response.close()
            transport = lab.origin.requests[-1].transport
            await until(lambda: transport is None or transport.is_closing())

    run(body())


def test_errors_of_the_node_are_seen_by_players_of_other_sites(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, origins=("http://127.0.0.1:1",)) as lab:
            async with lab.client.request("TRACE", lab.url + "/x") as refused:
                await refused.read()
            failed, _ = await lab.get("/x")
            invalid, _ = await lab.get("/x%00")
            for response, status in ((refused, 405), (failed, 502), (invalid, 400)):
                assert response.status == status
                said = response.headers
                assert (said["Access-Control-Allow-Origin"], said["Via"]) == ("*", "1.1 edge-t")
                assert "Cache-Status" in said["Access-Control-Expose-Headers"]
                assert "Cache-Status" in said
                assert "Date" in said

    run(body())
