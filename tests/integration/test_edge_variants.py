"""Responses that vary: each viewer gets the own one."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.aio import run, until
from tests.integration.edge_parts import Clock, Script, brain, cache_status

Port = Callable[[], int]
TEXT = {"Content-Type": "text/plain", "Cache-Control": "max-age=60", "ETag": '"a"'}


def text(body: bytes = b"hello", **headers: str) -> Script:
    return Script(body, {**TEXT, **{name.replace("_", "-"): value for name, value in headers.items()}})


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
