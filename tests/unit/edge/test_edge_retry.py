"""What follows a failed try, how a broken body goes on, and who is too slow to be waited for."""

import pytest

from edge.core.entry import Exchange
from edge.core.pace import FLOOR_BYTES, Pace
from edge.core.parents import Origin, Parent, Peer
from edge.core.resume import Rest, rest_of
from edge.core.retry import Broke, Refused, Silent, Step, Trouble, Unusable, after
from playnet.http.fields import Fields

PEER, ORIGIN = Peer("a", "http://a"), Origin("http://o")


@pytest.mark.parametrize(
    ("trouble", "parent", "method", "repeats", "step"),
    [
        pytest.param(Refused(), ORIGIN, "POST", 9, Step.NEXT, id="nothing-was-sent"),
        pytest.param(Broke(False), ORIGIN, "POST", 0, Step.STOP, id="may-have-been-carried-out"),
        pytest.param(Broke(True), ORIGIN, "DELETE", 0, Step.STOP, id="nor-what-is-idempotent-but-unsafe"),
        pytest.param(Broke(True), ORIGIN, "GET", 1, Step.AGAIN, id="an-idle-connection-proves-nothing"),
        pytest.param(Broke(False), ORIGIN, "GET", 0, Step.NEXT, id="once-elsewhere"),
        pytest.param(Broke(False), ORIGIN, "HEAD", 1, Step.STOP, id="but-only-once"),
        pytest.param(Silent(), ORIGIN, "GET", 0, Step.STOP, id="the-time-is-up"),
        pytest.param(Silent(), PEER, "GET", 0, Step.NEXT, id="past-a-silent-peer"),
        pytest.param(Broke(False), PEER, "GET", 1, Step.NEXT, id="past-a-broken-peer"),
        pytest.param(Unusable(), PEER, "GET", 1, Step.NEXT, id="past-a-helpless-peer"),
        pytest.param(Broke(False), PEER, "PUT", 0, Step.STOP, id="peers-are-no-excuse"),
    ],
)
def test_after_a_failure(trouble: Trouble, parent: Parent, method: str, repeats: int, step: Step) -> None:
    assert after(trouble, parent, method, repeats=repeats) is step


def answer(status: int = 200, **fields: str) -> Exchange:
    pairs = [(name.replace("_", "-"), value) for name, value in fields.items()]
    return Exchange(status, Fields.of(pairs), 0, 0)


@pytest.mark.parametrize(
    ("method", "exchange", "size_bytes", "rest"),
    [
        pytest.param("GET", answer(etag='"a"'), 100, Rest(30, 99, '"a"'), id="whole"),
        pytest.param("GET", answer(etag='"a"'), None, Rest(30, None, '"a"'), id="unknown-length"),
        pytest.param(
            "GET", answer(206, etag='"a"', content_range="bytes 50-149/900"), 100, Rest(80, 149, '"a"'), id="window"
        ),
        pytest.param("GET", answer(etag='W/"a"'), 100, None, id="weak"),
        pytest.param("GET", answer(last_modified="x"), 100, None, id="no-etag"),
        pytest.param("GET", answer(etag='"a"', accept_ranges="none"), 100, None, id="no-ranges"),
        pytest.param("GET", answer(206, etag='"a"', content_range="bytes x"), 100, None, id="broken-window"),
        pytest.param("GET", answer(404, etag='"a"'), 100, None, id="error"),
        pytest.param("POST", answer(etag='"a"'), 100, None, id="unsafe"),
    ],
)
def test_the_rest_of_a_broken_body(method: str, exchange: Exchange, size_bytes: int | None, rest: Rest | None) -> None:
    assert rest_of(method, exchange, received_bytes=30, size_bytes=size_bytes) == rest


@pytest.mark.parametrize(
    ("last", "status", "etag", "content_range", "is_it"),
    [
        (99, 206, '"a"', "bytes 30-99/100", True),
        (None, 206, '"a"', "bytes 30-99/100", True),
        (None, 206, '"a"', "bytes 30-98/100", False),
        (None, 206, '"a"', "bytes 30-99/*", False),
        (99, 206, '"b"', "bytes 30-99/100", False),
        (99, 206, '"a"', "bytes 31-99/100", False),
        (99, 206, '"a"', "bytes 30-80/100", False),
        (99, 200, '"a"', "bytes 30-99/100", False),
        (99, 416, '"a"', "bytes */10", False),
    ],
    ids=["exact", "to-the-end", "short-of-it", "unknown-end", "other-etag", "gap", "too-short", "whole", "gone"],
)
def test_only_the_exact_rest_is_taken(
    last: int | None, status: int, etag: str, content_range: str, is_it: bool
) -> None:
    rest = Rest(30, last, '"a"')
    assert rest.is_in(answer(status, etag=etag, content_range=content_range)) is is_it


def test_the_rest_is_asked_for_under_the_condition_that_it_is_the_same() -> None:
    fields = Fields((("range", "bytes=0-99"), ("if-none-match", '"old"'), ("accept", "x")))
    asked = Rest(30, 99, '"a"').asked(fields)
    assert asked.pairs == (("accept", "x"), ("range", "bytes=30-99"), ("if-range", '"a"'))


@pytest.mark.parametrize(
    ("wait_s", "size_bytes", "lasts"),
    [(19.0, 1, 1), (0.001, 2, 40_000), (10.0, FLOOR_BYTES // 3, 30), (10.0, FLOOR_BYTES // 3 - 2, 2)],
    ids=["drips", "small-and-quick", "just-enough", "just-not"],
)
def test_an_upstream_must_keep_a_minimum_pace(wait_s: float, size_bytes: int, lasts: int) -> None:
    pace = Pace()
    held = 0
    while held < lasts and pace.is_held(wait_s, size_bytes):
        held += 1
    assert held == lasts
