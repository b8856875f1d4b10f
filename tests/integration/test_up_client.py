"""The API client against a server that restarts, refuses and breaks off."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from playnet.client import Client, check_source
from playnet.errors import Conflict, InvalidInput, PlayNetError, Rejected, StorageFull, Unauthorized, Unavailable
from tests.aio import run

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def _server(port: int, answers: list[Answer]) -> AsyncIterator[Client]:
    """Each request gets the next answer."""
    left = iter(answers)

    async def handle(request: web.Request) -> web.StreamResponse:
        return await next(left)(request)

    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with Client(f"http://127.0.0.1:{port}/", "secret") as client:
            yield client
    finally:
        await runner.cleanup()


def _json(status: int, document: dict[str, Any]) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.json_response(document, status=status)

    return answer


def _problem(status: int, code: str) -> Answer:
    return _json(status, {"type": "/docs/errors", "status": status, "detail": "in words", "code": code})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(_problem(401, "unauthorized"), Unauthorized, id="named"),
        pytest.param(_problem(409, "conflict"), Conflict, id="conflict"),
        pytest.param(_problem(507, "storage-full"), StorageFull, id="full"),
        pytest.param(_problem(418, "of a later version"), Rejected, id="unknown code"),
        pytest.param(_json(502, {}), Unavailable, id="not a problem document"),
        pytest.param(_json(413, {}), Rejected, id="the front's own refusal"),
    ],
)
def test_refusals_become_errors_of_the_tree(
    answer: Answer, kind: type[PlayNetError], free_port: Callable[[], int]
) -> None:
    async def scenario() -> None:
        async with _server(free_port(), [answer]) as client:
            with pytest.raises(kind):
                await client.create("t")

    run(scenario())


def test_an_upload_streams_whole_with_its_length_and_again_after_a_503(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    file = tmp_path / "holiday ü.mov"
    file.write_bytes(bytes(range(256)) * 10_000)
    seen: list[tuple[str, int | None, str, bytes]] = []
    sent: list[int] = []

    async def take(request: web.Request) -> web.StreamResponse:
        body = b"".join([chunk async for chunk in request.content.iter_any()])
        seen.append((request.query["name"], request.content_length, request.headers["Authorization"], body))
        return web.json_response({"id": "a", "state": "queued"})

    async def scenario() -> dict[str, Any]:
        async with _server(free_port(), [_problem(503, "unavailable"), take]) as client:
            return await client.upload("a", file, sent.append)

    assert run(scenario())["state"] == "queued"
    assert seen == [(file.name, 2_560_000, "Bearer secret", file.read_bytes())]
    assert sent.count(0) == 2
    assert sent[-1] == 2_560_000


@pytest.mark.parametrize(
    ("shown", "outcome"),
    [
        pytest.param([{"state": "processing", "source_bytes": 5}], "processing", id="it was acknowledged"),
        pytest.param(
            [{"state": "uploading"}, {"state": "queued", "source_bytes": 5}], "queued", id="its lease runs, then ends"
        ),
        pytest.param([{"state": "processing", "source_bytes": 6}], Conflict, id="somebody else's"),
    ],
)
def test_a_conflict_after_a_503_is_looked_into(
    shown: list[dict[str, Any]], outcome: str | type[PlayNetError], tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """The answer to an upload says 503 when the commit's own answer got lost: the source may be there."""
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"video")
    answers = [_problem(503, "unavailable")]
    for asset in shown:
        answers += [_problem(409, "conflict"), _json(200, asset)]

    async def scenario() -> str:
        async with _server(free_port(), answers) as client:
            return str((await client.upload("a", file, lambda _: None))["state"])

    if isinstance(outcome, str):
        assert run(scenario()) == outcome
    else:
        with pytest.raises(outcome):
            run(scenario())


def test_waiting_survives_a_restart_of_the_appliance(free_port: Callable[[], int]) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    states: list[str] = []
    answers = [_json(200, {"state": "processing"}), _json(502, {}), break_off, _json(200, {"state": "ready"})]

    async def scenario() -> dict[str, Any]:
        async with _server(free_port(), answers) as client:
            return await client.processed("a", lambda asset: states.append(asset["state"]))

    assert run(scenario()) == {"state": "ready"}
    assert states == ["processing", "ready"]


def test_nobody_there_names_the_remedy(free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        async with Client(f"http://127.0.0.1:{free_port()}") as client:
            with pytest.raises(Unavailable, match=r"nothing answers at .*is the appliance up\? `playnet status`"):
                await client.create("t")

    run(scenario())


@pytest.mark.parametrize("name", ["missing.mp4", "empty.mp4", "folder", "pipe"])
def test_what_cannot_be_a_video_is_refused_before_anything_is_sent(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match=name):
        check_source(tmp_path / name)
