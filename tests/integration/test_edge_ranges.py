"""nginx and the brain answer the same ranges alike: from the hot tree, by X-Accel-Redirect, and from the brain's hands."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from edge.core.nginx import NO_ACCEL_HEADER
from playnet.http.ranges import MAX_RANGES
from tests.aio import run
from tests.integration.edge_parts import MODIFIED, Script, brain, media, pattern, standalone

Port = Callable[[], int]
SIZE = 5000
WHOLE = pattern(SIZE)
HOT = "/v/a/1/360p/1.m4s"
ETAG = media(WHOLE).headers["ETag"]
Case = tuple[dict[str, str], int]

ONE = [
    "bytes=0-0", "bytes=0-", "bytes=1-2", "bytes=4999-", "bytes=4999-4999", "bytes=4999-9999", "bytes=-1", "bytes=-5000",
    "bytes=-9999", "bytes=0-4999", "bytes=0-99999999999", "BYTES=3-4", "bytes= 3-4 ", "bytes=3 - 4", "bytes= -7",
]  # fmt: skip
NONE = [
    "bytes=5000-", "bytes=5000-5001", "bytes=-0", "bytes=4-2", "bytes=x-1", "bytes=1-x", "bytes=--1", "bytes=1", "bytes=-",
    "bytes=0-1,", "bytes=,0-1", "bytes=0-1;2-3", "bytes=99999999999999999999-", "bytes=0-99999999999999999999",
    "bytes=6000-7000,-0",
]  # fmt: skip
ALL = ["bytes=", "items=0-1", "bytes 0-1", "0-1", "bytes=0-4000,1000-4999", "bytes=0-,0-", "bytes =0-1"]
SEVERAL = ["bytes=0-0,-1", "bytes=10-19,0-9, 4000-4999", "bytes=0-1,0-1", "bytes=0-1,5000-,7-8", "bytes=-1,4-2,-2"]
MANY = ",".join(f"{at * 9}-{at * 9 + 1}" for at in range(MAX_RANGES))
CASES: list[Case] = [
    *(({"Range": value}, 206) for value in (*ONE, *SEVERAL, f"bytes={MANY}")),
    *(({"Range": value}, 416) for value in NONE),
    *(({"Range": value}, 200) for value in (*ALL, f"bytes={MANY},4990-4991")),
    ({"Range": "bytes=4-7", "If-Range": ETAG}, 206),
    ({"Range": "bytes=4-7", "If-Range": f"W/{ETAG}"}, 200),
    ({"Range": "bytes=4-7", "If-Range": '"x"'}, 200),
    ({"Range": "bytes=4-7", "If-Range": MODIFIED}, 206),
    ({"Range": "bytes=4-7", "If-Range": "Wed, 21 Oct 2015 07:28:01 GMT"}, 200),
    ({"Range": "bytes=9999-", "If-Range": '"x"'}, 200),
    ({"Range": "bytes=4-7", "If-None-Match": ETAG}, 304),
    ({"Range": "bytes=9999-", "If-None-Match": ETAG}, 304),
]


def said(response: aiohttp.ClientResponse, body: bytes) -> tuple[object, ...]:
    """What a viewer makes of an answer; the boundary is nobody's business."""
    fields = {
        name: response.headers.get(name) for name in ("Content-Type", "Content-Length", "Content-Range", "ETag", "Via")
    }
    fields["Access-Control-Allow-Origin"] = response.headers.get("Access-Control-Allow-Origin")
    boundary = re.search("boundary=(.*)", fields["Content-Type"] or "")
    if boundary is not None:
        assert len(boundary[1]) >= 16
        assert body.endswith(f"\r\n--{boundary[1]}--\r\n".encode())
        assert int(fields.pop("Content-Length") or 0) == len(body)
        fields["Content-Type"] = "multipart/byteranges"
        body = body.replace(boundary[1].encode(), b"-")
    if response.status in {304, 416}:  # nginx says a little more of an error than we do; neither is of use to anybody
        body = b""
        del fields["Content-Type"], fields["Content-Length"], fields["ETag"]
    return response.status, fields, body


def test_nginx_and_the_brain_answer_ranges_alike(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with standalone(short_tmp, free_port()) as (lab, _):
            script = lab.origin.scripts[HOT] = media(WHOLE)
            lab.origin.scripts["/x.m4s"] = Script(WHOLE, {**script.headers, "Cache-Control": "max-age=600"})
            for path in (HOT, "/x.m4s"):
                await lab.get(path)
            await lab.hot(HOT)
            await lab.settled()
            socket = aiohttp.UnixConnector(str(short_tmp / "c" / "run" / "brain.sock"))
            async with aiohttp.ClientSession(connector=socket) as client:

                async def by_brain(**headers: str) -> tuple[object, ...]:
                    headers = {name.replace("_", "-"): value for name, value in headers.items()} | {
                        NO_ACCEL_HEADER: "1"
                    }
                    async with client.get(URL("http://brain/x.m4s", encoded=True), headers=headers) as response:
                        assert "Cache-Status" in response.headers
                        return said(response, await response.read())

                for headers, status in CASES:
                    wanted = {name.replace("-", "_"): value for name, value in headers.items()}
                    hot, accel = await lab.get(HOT, **wanted), await lab.get("/x.m4s", **wanted)
                    assert "detail=hot" in hot[0].headers["Cache-Status"], headers
                    assert "detail=hot" not in accel[0].headers["Cache-Status"], headers
                    brain = await by_brain(**wanted)
                    assert (status, brain, brain) == (brain[0], said(*hot), said(*accel)), headers
            for path in (HOT, "/x.m4s"):
                async with lab.client.head(lab.url + path, headers={"Range": "bytes=0-1"}) as response:
                    assert (response.status, response.headers["Content-Length"]) == (200, "5000")
            assert lab.origin.seen.total() == 2

    run(body())


@pytest.mark.parametrize("chunked", [False, True], ids=["known-length", "unknown-length"])
def test_ranges_of_a_body_that_arrives(short_tmp: Path, free_port: Port, chunked: bool) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            script = lab.origin.scripts[HOT] = media(WHOLE)
            script.pause_at, script.chunked = 3000, chunked
            total = "*" if chunked else "5000"
            async with lab.client.get(lab.url + HOT) as leader:
                await leader.content.readexactly(3000)
                response, part = await lab.get(HOT, Range="bytes=10-19")
                assert (response.status, part) == (206, WHOLE[10:20])
                assert response.headers["Content-Range"] == f"bytes 10-19/{total}"
                response, parts = await lab.get(HOT, Range="bytes=10-19,0-0")
                assert response.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
                assert f"Content-Range: bytes 0-0/{total}\r\n\r\n".encode() + WHOLE[:1] in parts
                ahead = [asyncio.create_task(lab.get(HOT, Range=f"bytes=4990-{last}")) for last in (4999, 9999)]
                response, part = await lab.get(HOT, Range="bytes=20-29")  # and back: those before are on their way
                assert (part, [task.done() for task in ahead]) == (WHOLE[20:30], [False, False])
                script.go.set()
                assert await leader.read() == WHOLE[3000:]
            for response, part in await asyncio.gather(*ahead):
                assert (response.status, part) == (206, WHOLE[4990:])
                assert response.headers["Content-Range"] == "bytes 4990-4999/5000"
            assert lab.origin.seen[HOT] == 1

    run(body())
