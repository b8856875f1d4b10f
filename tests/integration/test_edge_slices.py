"""Large objects in slices: what a part costs the origin, who shares it, and what happens when the object changes."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.adapters.fill import growing
from tests.aio import run, until
from tests.integration.edge_parts import Lab, Script, brain, cache_status, media, pattern

Port = Callable[[], int]
PATH = "/film.mp4"
HOT = "/v/a/film.m4s"
SLICE = 1000
WHOLE = pattern(9_500)
ETAG = media(WHOLE).headers["ETag"]


def film(body: bytes = WHOLE, **headers: str) -> Script:
    """An object that its origin sends in parts."""
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    script = media(body)
    script.headers = {name: value for name, value in script.headers.items() if name.lower() not in named}
    script.headers |= {"Content-Type": "video/mp4", **named}
    script.ranges = True
    return script


def asked(lab: Lab) -> list[str]:
    """The ranges that the origin saw, in order; the whole is empty."""
    return [request.headers.get("Range", "") for request in lab.origin.requests]


def test_a_part_costs_its_slices_once(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            script = lab.origin.scripts[PATH] = film()
            said = []
            for first, last in ((1200, 1300), (1900, 2100), (1100, 2999), (0, 0), (9400, 9999)):
                response, part = await lab.get(PATH, Range=f"bytes={first}-{last}")
                assert (response.status, part) == (206, WHOLE[first : last + 1])
                assert response.headers["Content-Range"] == f"bytes {first}-{min(last, 9499)}/9500"
                assert response.headers["ETag"] == ETAG
                await lab.settled()
                said.append(cache_status(response).partition(";")[0])
            assert said == ["fwd=miss", "fwd=partial", "hit", "fwd=partial", "fwd=partial"]
            assert asked(lab) == ["bytes=1000-1999", "bytes=2000-2999", "bytes=0-999", "bytes=9000-9499"]
            assert {request.headers.get("If-Range") for request in lab.origin.requests} == {
                None,
                ETAG,
            }
            whole, data = await lab.get(PATH)
            assert (data, whole.headers["Content-Length"]) == (WHOLE, "9500")
            assert asked(lab)[4:] == ["bytes=3000-6999", "bytes=7000-8999"], "what was there was not fetched again"
            assert script.sent_bytes == 9500
            await lab.settled()
            seen = len(lab.origin.requests)
            for headers, status in (({"If-None-Match": ETAG}, 304), ({"Range": "bytes=9500-"}, 416)):
                assert (await lab.get(PATH, **{k.replace("-", "_"): v for k, v in headers.items()}))[0].status == status
            async with lab.client.head(lab.url + PATH) as response:
                assert response.headers["Content-Length"] == "9500"
            response, parts = await lab.get(PATH, Range="bytes=5-6,3998-4001,-1")
            assert response.headers["Content-Type"].startswith("multipart/byteranges")
            assert WHOLE[3998:4002] in parts
            assert len(lab.origin.requests) == seen

    run(body())


def test_slices_outlive_the_brain_and_go_with_their_object(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            lab.origin.scripts[PATH] = film()
            await lab.get(PATH)
            await lab.settled()
            assert len(lab.files) == 11, "ten slices and a head"
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            lab.origin.scripts[PATH] = film()
            response, data = await lab.get(PATH)
            assert (data, cache_status(response).partition(";")[0]) == (WHOLE, "hit")
            async with lab.client.put(lab.url + PATH, data=b"new") as response:
                assert response.status == 200
            await until(lambda: lab.files == [])

    run(body())


def test_a_small_object_is_one_body_whatever_was_asked_for(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=10_000) as lab:
            script = lab.origin.scripts[PATH] = film()
            script.pause_at = -1
            wanted = [f"bytes={at}-{at + 9}" for at in range(0, 9000, 300)] + ["bytes=-10", "bytes=9000-"]
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
                asyncio.TaskGroup() as group,
            ):
                tasks = [group.create_task(_part(client, lab, value)) for value in wanted]
                await script.reached.wait()
                script.go.set()
            parts = [task.result() for task in tasks]
            assert parts[-2:] == [WHOLE[-10:], WHOLE[9000:]]
            assert parts[:-2] == [WHOLE[at : at + 10] for at in range(0, 9000, 300)]
            await lab.settled()
            assert (lab.origin.seen[PATH], len(lab.files)) == (1, 1)
            response, data = await lab.get(PATH)
            assert (data, cache_status(response).partition(";")[0]) == (WHOLE, "hit")

    run(body())


async def _part(client: aiohttp.ClientSession, lab: Lab, value: str) -> bytes:
    async with client.get(lab.url + PATH, headers={"Range": value}) as response:
        assert response.status == 206
        return await response.read()


def test_many_viewers_of_parts_share_each_slice(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            script = lab.origin.scripts[PATH] = film()
            await lab.get(PATH, Range="bytes=0-0")
            await lab.settled()
            script.pause_at = 100
            async with (
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client,
                asyncio.TaskGroup() as group,
            ):
                tasks = [group.create_task(_part(client, lab, f"bytes={4000 + at}-{5900 + at}")) for at in range(50)]
                await script.reached.wait()
                script.go.set()
            assert [task.result() for task in tasks] == [WHOLE[4000 + at : 5901 + at] for at in range(50)]
            assert asked(lab)[1:] == ["bytes=4000-5999"]

    run(body())


def test_bytes_come_as_they_arrive_and_others_join(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            script = lab.origin.scripts[PATH] = film()
            script.pause_at = 2500
            async with lab.client.get(lab.url + PATH) as leader:
                await leader.content.readexactly(2500)
                response, part = await lab.get(PATH, Range="bytes=500-1500")
                assert (part, cache_status(response).partition(";")[0]) == (WHOLE[500:1501], "hit")
                async with lab.client.get(lab.url + PATH) as follower:
                    assert await follower.content.readexactly(2500) == WHOLE[:2500]
                    response, part = await lab.get(PATH, Range="bytes=8100-8200")
                    assert part == WHOLE[8100:8201], "far ahead is asked for apart"
                    script.go.set()
                    assert await follower.read() == WHOLE[2500:]
                assert await leader.read() == WHOLE[2500:]
            assert asked(lab)[:2] == ["", "bytes=8000-8999"]
            assert set(asked(lab)[2:]) <= {"bytes=9000-9499"}

    run(body())


@pytest.mark.parametrize("is_copied", [True, False], ids=["by-the-kernel", "by-hand"])
def test_what_is_read_again_becomes_one_body(
    short_tmp: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch, is_copied: bool
) -> None:
    def refusing(*_: int) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    async def body() -> None:
        whole = pattern(3 << 20)
        async with brain(free_port(), short_tmp, slice_bytes=64 << 10) as lab:
            if not is_copied:
                monkeypatch.setattr(os, "copy_file_range", refusing)
            lab.origin.scripts[HOT] = film(whole)
            lab.origin.scripts[HOT].headers["Content-Type"] = "video/iso.segment"
            await lab.get(HOT)
            await lab.settled()
            assert len(lab.files) == 49
            async with lab.client.get(lab.url + HOT) as slow:
                first = await slow.content.readexactly(100)
                assert (await lab.get(HOT))[1] == whole
                await until(lambda: len(lab.files) == 1)
                await lab.hot(HOT)
                assert first + await slow.read() == whole, "who reads slices goes on in the whole"
            response, data = await lab.get(HOT, Range="bytes=-70000")
            assert (data, cache_status(response).partition(";")[0]) == (whole[-70000:], "hit")
            assert lab.origin.seen[HOT] == 1
        async with brain(free_port(), short_tmp, slice_bytes=64 << 10) as lab:
            assert (await lab.get(HOT))[1] == whole

    run(body())


def test_what_nobody_reads_is_not_fetched_to_its_end(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(8 << 20)
        async with brain(free_port(), short_tmp, slice_bytes=64 << 10) as lab:
            script = lab.origin.scripts[PATH] = film(whole)
            script.pause_at = 100_000
            async with lab.client.get(lab.url + PATH) as response:
                await response.content.readexactly(90_000)
                response.close()
            await lab.get(PATH, Range="bytes=0-9")
            script.go.set()
            await lab.settled()
            assert script.sent_bytes < len(whole)
            assert len(lab.files) < 40

    run(body())


@pytest.mark.parametrize("has_begun", [False, True], ids=["before-the-head", "after-the-head"])
def test_another_object_under_the_same_name(short_tmp: Path, free_port: Port, has_begun: bool) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            lab.origin.scripts[PATH] = film()
            await lab.get(PATH, Range="bytes=0-1999")
            await lab.settled()
            other = pattern(9_500, seed=2)
            lab.origin.scripts[PATH] = film(other, ETag='"other"')
            if has_begun:
                with pytest.raises(aiohttp.ClientPayloadError):
                    await lab.get(PATH, Range="bytes=1900-2100")
            else:
                response, part = await lab.get(PATH, Range="bytes=2000-2100")
                assert (part, response.headers["ETag"]) == (other[2000:2101], '"other"')
            await lab.settled()
            response, part = await lab.get(PATH)
            assert (part, response.headers["ETag"]) == (other, '"other"')
            await lab.settled()
            await until(lambda: len(lab.files) == 11)  # nothing of the old one is left

    run(body())


def test_a_dead_origin_costs_one_more_try_and_no_more(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            script = lab.origin.scripts[PATH] = film()
            await lab.get(PATH, Range="bytes=0-0")
            await lab.settled()
            script.status = 503
            response, _ = await lab.get(PATH, Range="bytes=5000-5001")
            assert response.status == 502
            assert asked(lab)[1:] == ["bytes=5000-5999"] * 2
            script.status, script.die_at = 200, 300
            with pytest.raises(aiohttp.ClientPayloadError):
                await lab.get(PATH, Range="bytes=5000-5999")
            script.die_at = None
            assert (await lab.get(PATH, Range="bytes=5000-5999"))[1] == WHOLE[5000:6000]

    run(body())


def test_a_disk_that_refuses_costs_no_viewer_anything(
    short_tmp: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(fd: int, data: bytes, position: int, checksum: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            lab.origin.scripts[PATH] = film()
            monkeypatch.setattr(growing, "_write_all", refusing)
            replies = await asyncio.gather(*(lab.get(PATH) for _ in range(3)), lab.get(PATH, Range="bytes=4000-4999"))
            assert [data for _, data in replies] == [WHOLE, WHOLE, WHOLE, WHOLE[4000:5000]]
            await lab.settled()
            assert [file.stat().st_size for file in lab.files] == [0], "a head at most"

    run(body())


def test_what_cannot_be_sliced_goes_on_as_before(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            weak = lab.origin.scripts["/weak"] = film(ETag='W/"a"')
            lab.origin.scripts["/plain"] = film()
            lab.origin.scripts["/plain"].ranges = False
            private = lab.origin.scripts["/private"] = film(Cache_Control="private")
            for path in ("/weak", "/plain", "/private"):
                for _ in range(2):
                    response, part = await lab.get(path, Range="bytes=5-9")
                    assert (response.status, part) == (206, WHOLE[5:10]), path
                    await lab.settled()
            assert lab.origin.seen["/plain"] == 1, "kept whole"
            assert [r.headers.get("Range") for r in lab.origin.requests if r.path == "/private"][1:] == [
                "bytes=5-9"
            ] * 2
            assert weak.sent_bytes + private.sent_bytes < 2 * 4000 + 4 * 5 + 1
            assert len(lab.files) == 1
            response, _ = await lab.get("/late", Range="bytes=99999-")
            assert response.status == 404

    run(body())


def test_a_revalidated_head_keeps_its_slices(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp, slice_bytes=SLICE) as lab:
            lab.origin.scripts[PATH] = film(Cache_Control="max-age=60")
            await lab.get(PATH, Range="bytes=0-1999")
            await lab.settled()
            lab.clock.ahead_s += 100
            response, part = await lab.get(PATH, Range="bytes=900-1100")
            assert (part, cache_status(response)) == (WHOLE[900:1101], "fwd=stale; fwd-status=304; stored")
            lab.origin.scripts[PATH] = film(pattern(9_500, seed=3), Cache_Control="max-age=60", ETag='"b"')
            lab.clock.ahead_s += 100
            response, part = await lab.get(PATH, Range="bytes=3900-4100")
            assert part == pattern(9_500, seed=3)[3900:4101]
            assert asked(lab)[-1] == "bytes=3000-4999", "a changed object costs no more than what is wanted of it"
            await until(lambda: len(lab.files) == 3)

    run(body())


Step = tuple[str, int, int]
STEPS = st.lists(
    st.tuples(st.sampled_from(["range", "range", "range", "whole", "evict", "change", "together"]), st.integers(0, 9999), st.integers(0, 4000)),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 6000), STEPS)
def test_bytes_are_the_origins_and_cost_what_was_missing(
    short_tmp: Path, free_port: Port, size: int, steps: list[Step]
) -> None:
    async def body() -> None:
        whole, version = pattern(size), 1
        folder = short_tmp / f"{len(list(short_tmp.iterdir()))}"
        async with brain(free_port(), folder, slice_bytes=512) as lab:
            script = lab.origin.scripts[PATH] = film(whole)
            for kind, at, length in steps:
                missing, before = _missing_bytes(lab, size), script.sent_bytes
                first, last = at % size, min(at % size + length, size - 1)
                match kind:
                    case "whole":
                        assert (await lab.get(PATH))[1] == whole
                    case "range":
                        await _same(lab, first, last, whole)
                    case "together":
                        await asyncio.gather(
                            *(_same(lab, first + n, size - 1, whole) for n in range(min(3, size - first)))
                        )
                    case "evict":
                        for file in sorted(lab.files)[:: 1 + at % 3]:
                            file.unlink()
                    case "change":
                        version += 1
                        whole = pattern(size, seed=version)
                        script = lab.origin.scripts[PATH] = film(whole, ETag=f'"v{version}"')
                        async with lab.client.put(lab.url + PATH, data=b"") as response:
                            await response.read()
                await lab.settled()
                await until(lambda: _is_swept(lab))
                if kind in {"whole", "range", "together"}:
                    assert script.sent_bytes - before <= missing

    run(body())


def _missing_bytes(lab: Lab, size: int) -> int:
    """What the node has not; the origin should never be asked for more."""
    return size - sum(file.stat().st_size for file in lab.files)


async def _is_swept(lab: Lab) -> bool:
    """What was dropped or replaced has left the disk, and nothing is being joined."""
    told = (await lab.get("/metrics"))[1]
    return all(b'playnet_edge_queue_depth{queue="%b"} 0.0' % queue in told for queue in (b"sweep", b"join", b"store"))


async def _same(lab: Lab, first: int, last: int, whole: bytes) -> None:
    response, part = await lab.get(PATH, Range=f"bytes={first}-{last}")
    assert (response.status, part) == (206, whole[first : last + 1])
