"""Bounded bodies and heads, lingering answers and request ids, without a socket."""

from collections.abc import Iterable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playnet.asgi import problems
from playnet.asgi.bodies import LimitedBody, Linger
from playnet.asgi.heads import MAX_HEAD_BYTES, BoundedHead
from playnet.asgi.requests import RequestId
from playnet.errors import Unavailable
from tests.aio import run


def _call(app: ASGIApp, events: Iterable[Message], **headers: str) -> list[Message]:
    """Send one request of these events through `app`; after them the client is silent until it disconnects."""
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Scope = {
        "type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "headers": fields, "app": None,
    }  # fmt: skip
    waiting = iter(events)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(waiting, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    async def scenario() -> None:
        await app(scope, receive, send)

    run(scenario())
    return sent


def _body(data: bytes, *, more: bool) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


async def _reads_all(request: Request) -> JSONResponse:
    return JSONResponse({"size": len(await request.body())})


async def _reads_nothing(_: Request) -> JSONResponse:
    raise Unavailable("later")


def _app(endpoint: Any) -> Starlette:
    app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
    problems.install(app)
    return app


@pytest.mark.parametrize(
    ("headers", "parts", "status"),
    [
        ({"content_length": "10"}, [b"x" * 10], 200),
        ({"content_length": "11"}, [b"x" * 11], 413),
        ({"transfer_encoding": "chunked"}, [b"x" * 5, b"x" * 5], 200),
        ({"transfer_encoding": "chunked"}, [b"x" * 5, b"x" * 6], 413),
    ],
    ids=["announced", "announced-too-large", "counted", "counted-too-large"],
)
def test_bodies_are_bounded(headers: dict[str, str], parts: list[bytes], status: int) -> None:
    app = LimitedBody(_app(_reads_all), 10, unlimited=lambda scope: False)
    events = [_body(part, more=part is not parts[-1]) for part in parts]
    assert _call(app, events, **headers)[0]["status"] == status
    free = LimitedBody(_app(_reads_all), 10, unlimited=lambda scope: True)
    assert _call(free, events, **headers)[0]["status"] == 200


def test_an_early_answer_lets_the_client_finish_and_then_closes() -> None:
    consumed: list[int] = []

    def events() -> Iterable[Message]:
        for number in range(5):
            consumed.append(number)
            yield _body(b"x", more=number < 4)

    sent = _call(Linger(_app(_reads_nothing)), events(), content_length="5")
    assert (b"connection", b"close") in sent[0]["headers"]
    assert [bool(message.get("more_body")) for message in sent[1:]] == [True, False]
    assert sent[1]["body"].startswith(b"{")
    assert consumed == [0, 1, 2, 3, 4]


def test_an_answer_after_the_whole_request_is_left_alone() -> None:
    sent = _call(Linger(_app(_reads_all)), [_body(b"x" * 5, more=False)], content_length="5")
    assert len(sent) == 2
    assert b"connection" not in dict(sent[0]["headers"])


def test_heads_are_bounded() -> None:
    app = BoundedHead(_app(_reads_all))
    assert _call(app, [_body(b"", more=False)], x="y" * (MAX_HEAD_BYTES - 100))[0]["status"] == 200
    assert _call(app, [_body(b"", more=False)], x="y" * MAX_HEAD_BYTES)[0]["status"] == 431


@pytest.mark.parametrize(
    ("given", "kept"), [("abcdef-123", True), ("short", False), ("with space", False), ("x" * 65, False)]
)
def test_request_ids_are_taken_when_well_formed(given: str, kept: bool) -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["state"]["request_id"])
        await JSONResponse({})(scope, receive, send)

    sent = _call(RequestId(RequestId(app)), [], x_request_id=given)
    answered = dict(sent[0]["headers"])[b"x-request-id"].decode()
    assert answered == seen[0]
    assert (answered == given) is kept
