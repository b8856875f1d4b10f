"""Nodes that ask each other: one origin request for a fleet, and nothing that a purge had ended."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from redis.asyncio import from_url

from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import run, until
from tests.integration.edge_fleet import Nodes, all_settled, brains, processes
from tests.integration.edge_parts import Lab, Script, children, media, pattern

Port = Callable[[], int]
PATH = "/v/abcdefghijkm/1/360p/1.m4s"
WHOLE = pattern(60_000)
VIEWERS = 250


async def viewers(nodes: Nodes, path: str, headers: Callable[[int], dict[str, str]]) -> list[bytes]:
    """A thousand at once, all of whom have begun to read before the origin sends its last byte."""
    begun = 0

    async def watch(lab: Lab, number: int) -> bytes:
        nonlocal begun
        async with nodes.client.get(lab.url + path, headers=headers(number)) as response:
            first = await response.content.read(1)
            begun += 1
            return first + await response.read()

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(watch(lab, number)) for number in range(VIEWERS) for lab in nodes.labs.values()]
        await until(lambda: begun == len(tasks), deadline_s=60)
        nodes.origin.scripts[path].go.set()
    return [task.result() for task in tasks]


def test_a_thousand_viewers_at_four_nodes_cost_the_origin_one_request(
    short_tmp: Path, free_port: Port, redis_url: str
) -> None:
    async def body() -> None:
        async with processes(short_tmp, free_port, redis_url) as nodes:
            for path in (PATH, PATH.replace("1.m4s", "2.m4s")):
                script = nodes.origin.scripts[path] = media(WHOLE)
                script.pause_at = 50_000
            assert set(await viewers(nodes, PATH, lambda _: {})) == {WHOLE}
            assert nodes.origin.seen[PATH] == 1

            path = PATH.replace("1.m4s", "2.m4s")
            got = await viewers(nodes, path, lambda number: {"Range": f"bytes={number}-{number + 999}"})
            assert got == [WHOLE[n : n + 1000] for n in range(VIEWERS) for _ in nodes.labs]
            assert nodes.origin.seen[path] == 1

            response, _ = await nodes.get(nodes.order(PATH)[1], PATH)
            told = {"surrogate-key", "playnet-position", "playnet-date", "playnet-peer"}
            assert not told & {name.lower() for name in response.headers}, "not for viewers"

    run(body(), deadline_s=150)


def test_a_stored_object_reaches_the_next_node_with_its_age_and_its_tags(
    short_tmp: Path, free_port: Port, redis_url: str
) -> None:
    async def body() -> None:
        async with processes(short_tmp, free_port, redis_url, count=2) as nodes, from_url(redis_url) as redis:
            nodes.origin.scripts[PATH] = media(WHOLE, tags="asset:x")
            owner, other = nodes.order(PATH)
            await nodes.get(owner, PATH)
            await nodes.labs[owner].hot(PATH)
            for headers in ({"PlayNet-Peer": "v1;edge-1;fill;1;00"}, {"Surrogate-Key": "x", "Cookie": "a=b"}):
                response, _ = await nodes.get(owner, PATH, **headers)
                assert "surrogate-key" not in {name.lower() for name in response.headers}, "asking for it does not help"
            response, data = await nodes.get(other, PATH)
            assert data == WHOLE
            assert response.headers["Via"] == f"1.1 {owner}, 1.1 {other}"
            assert [member.split(";")[:2] for member in response.headers["Cache-Status"].split(", ")] == [
                [owner, " hit"], [other, " fwd=miss"],
            ]  # fmt: skip
            await nodes.labs[other].hot(PATH)
            await PurgeLog(redis).append([(1, PurgeOrder(kind="tag", value="asset:x"))])
            for lab in nodes.labs.values():
                await until(lambda lab=lab: not (lab.cache / "hot" / PATH.lstrip("/")).exists())  # type: ignore[misc]
            await nodes.get(other, PATH)
            assert nodes.origin.seen[PATH] == 2, "the purge found it at both"

    run(body(), deadline_s=90)


def test_an_answer_from_before_a_purge_is_not_taken(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        async with brains(short_tmp, free_port, redis_urls=(redis_url, None)) as nodes, from_url(redis_url) as redis:
            path = next(path for n in range(99) if nodes.order(path := f"/v/{n}")[0] == "edge-2")
            nodes.origin.scripts[path] = Script(b"old", {"Cache-Control": "max-age=600", "ETag": '"1"'})
            await nodes.get("edge-2", path)
            await all_settled(nodes)
            await nodes.get("edge-1", path)
            assert nodes.origin.seen[path] == 1, "before the purge the owner's copy is good"
            await all_settled(nodes)
            nodes.origin.scripts[path] = Script(b"new", {"Cache-Control": "max-age=600", "ETag": '"2"'})
            await PurgeLog(redis).append([(7, PurgeOrder(kind="url", value=path))])
            await until(lambda: not nodes.labs["edge-1"].files)
            assert (await nodes.get("edge-2", path))[1] == b"old", "the purge has not reached the owner"
            assert (await nodes.get("edge-1", path))[1] == b"new"
            await all_settled(nodes)
            assert (await nodes.get("edge-1", path))[1] == b"new", "and that is what is kept"

    run(body())


def test_a_soft_purge_does_not_let_stale_copies_travel_as_fresh(
    short_tmp: Path, free_port: Port, redis_url: str
) -> None:
    async def body() -> None:
        async with (
            brains(short_tmp, free_port, redis_urls=(redis_url, redis_url)) as nodes,
            from_url(redis_url) as redis,
        ):
            path = next(path for n in range(99) if nodes.order(path := f"/v/{n}")[0] == "edge-2")
            nodes.origin.scripts[path] = Script(b"old", {"Cache-Control": "max-age=600", "ETag": '"1"'})
            await nodes.get("edge-2", path)
            await all_settled(nodes)
            nodes.origin.scripts[path] = Script(b"new", {"Cache-Control": "max-age=600", "ETag": '"2"'})
            await PurgeLog(redis).append([(1, PurgeOrder(kind="all", soft=True))])

            async def marked() -> bool:
                metrics = (await nodes.get("edge-2", "/metrics"))[1].decode()
                return 'playnet_edge_purges_total{kind="all"} 1.0' in metrics

            await until(marked)
            assert (await nodes.get("edge-1", path))[1] == b"new"
            assert nodes.origin.seen[path] == 2

    run(body())


@pytest.mark.parametrize(
    ("trouble", "status", "requests"), [("stranger", 200, 1), ("error", 503, 2), ("absent", 200, 1)]
)
def test_a_peer_that_cannot_help_is_passed_over(
    short_tmp: Path, free_port: Port, trouble: str, status: int, requests: int
) -> None:
    async def body() -> None:
        keys = ["the secret of this fleet", f"the secret of {'another' if trouble == 'stranger' else 'this'} fleet"]
        absent = ("edge-2",) if trouble == "absent" else ()
        async with brains(short_tmp, free_port, keys=keys, absent=absent) as nodes:
            path = next(path for n in range(99) if nodes.order(path := f"/v/{n}")[0] == "edge-2")
            status_of = 503 if trouble == "error" else 200
            nodes.origin.scripts[path] = Script(b"x", {"Cache-Control": "max-age=600"}, status=status_of)
            if trouble == "stranger":
                await nodes.get("edge-2", path)
            response, data = await nodes.get("edge-1", path)
            assert (response.status, data) == (status, b"x")
            assert nodes.origin.seen[path] == requests + (trouble == "stranger")
            await all_settled(nodes)
            assert "surrogate-key" not in {name.lower() for name in response.headers}

    run(body())


def test_all_nodes_ask_through_the_shield(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brains(short_tmp, free_port, redis_urls=(None,) * 3, shields=("edge-3",)) as nodes:
            path = next(path for n in range(99) if nodes.order(path := f"/v/{n}") == ["edge-2", "edge-1", "edge-3"])
            nodes.origin.scripts[path] = Script(b"x", {"Cache-Control": "max-age=600"})
            response, _ = await nodes.get("edge-1", path)
            assert response.headers["Via"] == "1.1 edge-3, 1.1 edge-2, 1.1 edge-1"
            assert [request.headers["CDN-Loop"] for request in nodes.origin.requests] == ["edge-1, edge-2, edge-3"]
            assert "PlayNet-Peer" not in nodes.origin.requests[0].headers

    run(body())


def test_slices_of_a_large_object_come_from_its_owner(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(300_000)
        async with brains(short_tmp, free_port, slice_bytes=65536) as nodes:
            path = next(path for n in range(99) if nodes.order(path := f"/v/{n}.mp4")[0] == "edge-2")
            script = nodes.origin.scripts[path] = media(whole)
            script.ranges = True
            wanted = [(0, 9), (70_000, 140_000), (299_990, 299_999), (0, 299_999)]
            for first, last in wanted:
                response, data = await nodes.get("edge-1", path, Range=f"bytes={first}-{last}")
                assert (response.status, data) == (206, whole[first : last + 1])
            await all_settled(nodes)
            assert script.sent_bytes == len(whole), "each byte left the origin once"
            for name in nodes.labs:
                assert (await nodes.get(name, path))[1] == whole
            assert script.sent_bytes == len(whole)

    run(body())


def test_a_node_killed_within_a_fill_cuts_no_viewer_of_another(
    short_tmp: Path, free_port: Port, redis_url: str
) -> None:
    async def body() -> None:
        async with processes(short_tmp, free_port, redis_url, count=2) as nodes:
            script = nodes.origin.scripts[PATH] = media(WHOLE)
            script.ranges, script.pause_at = True, 30_000
            owner, other = nodes.order(PATH)
            async with nodes.client.get(nodes.labs[other].url + PATH) as response:
                got = await response.content.readexactly(20_000)
                brain = next(pid for pid, line in children(nodes.pids[owner]).items() if "--brain" in line)
                os.kill(brain, signal.SIGKILL)
                script.go.set()
                got += await response.read()
            assert got == WHOLE
            assert nodes.origin.requests[-1].headers["If-Range"] == script.headers["ETag"]

    run(body(), deadline_s=90)


def test_what_an_unsafe_request_changes_is_forgotten_on_its_way(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brains(short_tmp, free_port) as nodes:
            path = next(path for n in range(99) if nodes.order(path := f"/v/{n}")[0] == "edge-2")
            nodes.origin.scripts[path] = Script(b"old", {"Cache-Control": "max-age=600"})
            await nodes.get("edge-1", path)
            await all_settled(nodes)
            nodes.origin.scripts[path] = Script(b"new", {"Cache-Control": "max-age=600"})
            async with nodes.client.post(nodes.labs["edge-1"].url + path, data=b"change") as response:
                assert response.status == 200
            assert [(await nodes.get(name, path))[1] for name in nodes.labs] == [b"new", b"new"]

    run(body())
