"""A whole node as operators run it: supervisor, brain and nginx as processes, a scripted origin, Redis."""

import asyncio
import io
import os
import signal
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import yaml
from redis.asyncio import from_url

from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from tests.aio import run, until
from tests.integration.edge_parts import (
    MODIFIED,
    Lab,
    Origin,
    Script,
    cache_status,
    children,
    media,
    node,
    pattern,
    standalone,
)

Port = Callable[[], int]
PATH = "/v/a/1/360p/1.m4s"
HOT = "hit; detail=hot"


async def _raw(lab: Lab, request: bytes) -> bytes:
    """What nginx answers to bytes that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(lab.url.rpartition(":")[2]))
    writer.write(request)
    reply = await reader.read(4096)
    writer.close()
    return reply


async def _metric(folder: Path, name: str) -> float:
    """One number from the brain's socket, where only this host reads it."""
    reader, writer = await asyncio.open_unix_connection(str(folder / "c" / "run" / "brain.sock"))
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    text = (await reader.read(-1)).decode()
    writer.close()
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_a_miss_becomes_a_hit_that_costs_neither_brain_nor_origin(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(300_000)
        async with standalone(short_tmp, free_port()) as (lab, _):
            lab.origin.scripts[PATH] = media(whole)
            missed, first = await lab.get(PATH)
            await lab.hot(PATH)
            hit, second = await lab.get(PATH)
            assert (cache_status(missed), cache_status(hit)) == ("fwd=miss; fwd-status=200; stored", HOT)
            assert first == second == whole
            differing = {"Cache-Status", "Age", "X-Request-ID", "Date", "Surrogate-Key"}
            assert {k: v for k, v in missed.headers.items() if k not in differing} == {
                k: v for k, v in hit.headers.items() if k not in differing
            }, "viewers cannot tell who answered"
            assert "Surrogate-Key" not in missed.headers
            for _ in range(2):
                response, part = await lab.get(PATH, Range="bytes=-7", If_Range=hit.headers["ETag"])
                assert (response.status, part, cache_status(response)) == (206, whole[-7:], HOT)
            assert (await lab.get(PATH, If_None_Match=hit.headers["ETag"]))[0].status == 304
            assert (await lab.get(PATH, If_Modified_Since=MODIFIED))[0].status == 304
            assert (await lab.get(PATH, Range="bytes=300000-"))[0].status == 416

            async def reported() -> bool:
                return await _metric(short_tmp, 'playnet_edge_requests_total{result="hot"}') == 6

            await until(reported)
            assert lab.origin.seen[PATH] == 1

    run(body())


def test_what_is_not_hot_leaves_by_nginx_after_the_brain_decided(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with standalone(short_tmp, free_port()) as (lab, _):
            headers = {
                "Content-Type": "text/plain",
                "Cache-Control": "max-age=60",
                "ETag": '"a"',
                "Link": "</y>; rel=next",
            }
            lab.origin.scripts["/x?y=1"] = Script(pattern(70_000), headers)
            lab.origin.scripts["/odd"] = Script(pattern(70_000), {**headers, "X-Odd": "1"})
            for path in ("/x?y=1", "/odd"):
                await lab.get(path)
                await lab.settled()
                for wanted, status, data in (
                    ({}, 200, pattern(70_000)),
                    ({"Range": "bytes=4-7"}, 206, pattern(70_000)[4:8]),
                    ({"Range": "bytes=4-7", "If-Range": '"a"'}, 206, pattern(70_000)[4:8]),
                    ({"Range": "bytes=4-7", "If-Range": '"b"'}, 200, pattern(70_000)),
                    ({"If-None-Match": '"a"'}, 304, b""),
                    ({"Range": "bytes=99999-"}, 416, None),
                ):
                    response, got = await lab.get(path, **wanted)
                    assert (response.status, got if data is not None else None) == (status, data), wanted
                    assert cache_status(response).startswith("hit; ttl=")
                    if status in {200, 206}:
                        assert (response.headers["ETag"], response.headers["Link"]) == ('"a"', "</y>; rel=next")
                        assert int(response.headers["Age"]) < 60
                        assert "Last-Modified" not in response.headers, "the file's own mtime says nothing"
            (bodies := lab.files).sort()
            for file in bodies:
                file.unlink()
            response, data = await lab.get("/x?y=1")
            assert (response.status, data, cache_status(response)) == (
                200,
                pattern(70_000),
                "fwd=miss; fwd-status=200; stored",
            )
            assert lab.origin.seen == {"/x?y=1": 2, "/odd": 1}

    run(body())


def test_a_hundred_cold_viewers_through_nginx_cost_one_fetch(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(400_000)
        async with standalone(short_tmp, free_port()) as (lab, _):
            script = lab.origin.scripts[PATH] = media(whole)
            script.pause_at = 200_000

            async def watch(begun: asyncio.Semaphore) -> bytes:
                async with lab.client.get(lab.url + PATH) as response:
                    first = await response.content.readexactly(100_000)
                    begun.release()
                    return first + await response.read()

            begun = asyncio.Semaphore(0)
            async with asyncio.TaskGroup() as group:
                viewers = [group.create_task(watch(begun)) for _ in range(100)]
                for _ in viewers:
                    await begun.acquire()
                script.go.set()
            assert all(viewer.result() == whole for viewer in viewers)
            assert lab.origin.seen[PATH] == 1

    run(body())


def test_hostile_requests_get_a_clear_refusal(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with standalone(short_tmp, free_port()) as (lab, _):
            secret = short_tmp / "c" / "secret.m4s"
            secret.write_bytes(b"secret")
            cases = [
                (b"/v/../../secret.m4s", b"400"),
                (b"/v/../secret.m4s", b"400"),
                (b"/%2e%2e/secret.m4s", b"400"),
                (b"/v/%2e%2e/secret.m4s", b"400"),
                (b"/v/%00.m4s", b"400"),
                (b"/v/\0.m4s", b"400"),
                (b"/.playnet/bodies/ab/x", b"404"),
                (b"/v/" + b"a" * 20_000, b"414"),
                (b"/metrics", b"404"),
                (b"/%6detrics", b"404"),
                (b"/debug/entry?url=/", b"404"),
            ]
            for path, status in cases:
                reply = await _raw(lab, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert reply.split()[1] == status, path[:40]
                assert b"secret" not in reply
            long = b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (64 << 10) + b"\r\n\r\n"
            assert (await _raw(lab, long)).split()[1] == b"431"
            trace = await _raw(lab, b"TRACE /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert trace.split()[1] == b"405"
            assert (await lab.get("/readyz"))[0].status == 200

    run(body())


def test_unsafe_requests_pass_whole_and_end_hot_hits(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with standalone(short_tmp, free_port()) as (lab, _):
            lab.origin.scripts[PATH] = media(pattern(1000))
            lab.origin.scripts["/x"] = Script(b"done", {"Content-Location": PATH}, status=201)
            await lab.get(PATH)
            await lab.hot(PATH)
            assert cache_status((await lab.get(PATH))[0]) == HOT
            sent = pattern(3 << 20)
            async with lab.client.post(lab.url + "/x", data=io.BytesIO(sent)) as response:
                assert (response.status, await response.read()) == (201, b"done")
                assert cache_status(response) == "fwd=method; fwd-status=201"
            assert lab.origin.bodies == [sent]
            assert cache_status((await lab.get(PATH))[0]) == "fwd=miss; fwd-status=200; stored"
            async with lab.client.get(lab.url + "/x", data=b"fat") as response:
                assert (await response.read(), lab.origin.bodies) == (b"done", [sent]), "a GET's body goes nowhere"

    run(body())


def test_hot_hits_outlive_the_brain_and_a_new_one_agrees(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with standalone(short_tmp, free_port()) as (lab, pid):
            lab.origin.scripts[PATH] = media(pattern(1000))
            lab.origin.scripts["/v/a/1/360p/2.m4s"] = slow = media(pattern(300_000))
            await lab.get(PATH)
            await lab.hot(PATH)
            slow.pause_at = 100_000
            async with lab.client.get(lab.url + "/v/a/1/360p/2.m4s") as cut:
                await cut.content.readexactly(50_000)
                (brain,) = [child for child, command in children(pid).items() if command.rstrip().endswith("--brain")]
                os.kill(brain, signal.SIGKILL)
                response, data = await lab.get(PATH)
                assert (cache_status(response), data) == (HOT, pattern(1000)), "nginx serves on alone"
                with pytest.raises(aiohttp.ClientPayloadError):
                    await cut.read()

            async def back() -> bool:
                return (await lab.get("/readyz"))[0].status == 200

            await until(back)
            slow.go.set()
            slow.pause_at = None
            assert (await lab.get("/v/a/1/360p/2.m4s"))[1] == slow.body
            await lab.settled()
            assert len(lab.files) == 2, "what the killed brain was writing is swept"
            response, _ = await lab.get(PATH)
            assert cache_status(response) == HOT

            async def heard() -> bool:
                await lab.get(PATH)  # each worker of nginx notices with one lost report that the old socket is dead
                return await _metric(short_tmp, 'playnet_edge_requests_total{result="hot"}') >= 1

            await until(heard)

    run(body())


def test_a_purge_by_tag_reaches_nginx(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        port = free_port()
        async with Origin().running() as origin:
            (short_tmp / "redis").write_text(redis_url)
            config = {
                "data_dir": str(short_tmp / "d"),
                "redis": {"url_file": str(short_tmp / "redis")},
                "origin": {"listen": origin.url.removeprefix("http://")},
                "edges": [{"name": "edge-1", "listen": f"127.0.0.1:{port}", "size": "64MiB"}],
            }
            (short_tmp / "playnet.yaml").write_text(yaml.safe_dump(config))
            argv = ["--config", str(short_tmp / "playnet.yaml"), "--name", "edge-1"]
            async with node(port, short_tmp, argv, short_tmp / "d" / "edges" / "edge-1", origin) as (lab, _):
                for asset in "ab":
                    origin.scripts[f"/v/{asset}/1/360p/1.m4s"] = media(pattern(1000), tags=f"asset:{asset}")
                    await lab.get(f"/v/{asset}/1/360p/1.m4s")
                    await lab.hot(f"/v/{asset}/1/360p/1.m4s")
                redis = from_url(redis_url)
                await PurgeLog(redis).append([(1, PurgeOrder(kind="tag", value="asset:a"))])
                await redis.aclose()
                await until(lambda: not (lab.cache / "hot/v/a").exists())
                origin.scripts["/v/a/1/360p/1.m4s"] = Script(status=404)
                assert (await lab.get("/v/a/1/360p/1.m4s"))[0].status == 404
                assert cache_status((await lab.get("/v/b/1/360p/1.m4s"))[0]) == HOT

    run(body())
