"""What a Range field selects, and the frame of several parts. nginx itself is asked in test_edge_ranges.py."""

from email import message_from_bytes
from email.policy import HTTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.http.ranges import MAX_RANGES, Multipart, Part, Parts, Spec, Unsatisfiable, Whole, asked, select

MANY = ",".join(f"{at}-{at}" for at in range(MAX_RANGES))


@pytest.mark.parametrize(
    ("value", "size", "selected"),
    [
        pytest.param(None, 10, Whole(), id="none"),
        pytest.param("bytes=0-4", 10, Part(0, 4), id="first-five"),
        pytest.param("bytes=5-", 10, Part(5, 9), id="open"),
        pytest.param("bytes=-3", 10, Part(7, 9), id="suffix"),
        pytest.param("bytes=-30", 10, Part(0, 9), id="long-suffix"),
        pytest.param("bytes=8-99", 10, Part(8, 9), id="beyond-the-end"),
        pytest.param("BYTES=0-0", 10, Part(0, 0), id="unit-in-any-case"),
        pytest.param("bytes=10-", 10, Unsatisfiable(), id="at-the-end"),
        pytest.param("bytes=-0", 10, Unsatisfiable(), id="empty-suffix"),
        pytest.param("bytes=0-", 0, Whole(), id="empty-file"),
        pytest.param("bytes=5-", 0, Unsatisfiable(), id="beyond-an-empty-file"),
        pytest.param("bytes=-5", 0, Whole(), id="suffix-of-empty-file"),
        pytest.param("bytes=4-2", 10, Unsatisfiable(), id="backwards"),
        pytest.param("bytes=4-2,1-2", 10, Part(1, 2), id="one-of-two-is-backwards"),
        pytest.param("bytes=0-1,3-4", 10, Parts((Part(0, 1), Part(3, 4))), id="several"),
        pytest.param("bytes=3-4,0-1", 10, Parts((Part(3, 4), Part(0, 1))), id="order-is-kept"),
        pytest.param("bytes=0-1,99-", 10, Part(0, 1), id="one-of-two-is-beyond"),
        pytest.param("bytes=0-6,3-9", 10, Whole(), id="more-than-the-whole"),
        pytest.param("bytes=" + MANY, 100, Parts(tuple(Part(at, at) for at in range(MAX_RANGES))), id="many"),
        pytest.param("bytes=50-50," + MANY, 100, Whole(), id="too-many"),
        pytest.param("items=0-1", 10, Whole(), id="other-unit"),
        pytest.param("bytes=", 10, Whole(), id="unit-alone"),
        pytest.param("bytes=-", 10, Unsatisfiable(), id="nothing"),
        pytest.param("bytes=0-1,", 10, Unsatisfiable(), id="comma-at-the-end"),
        pytest.param("bytes=0--1", 10, Unsatisfiable(), id="two-dashes"),
        pytest.param("bytes=1" + "0" * 5000 + "-", 10, Unsatisfiable(), id="absurd-number"),
        pytest.param("bytes=" + "0" * 5000 + "-1", 10, Part(0, 1), id="absurd-zero"),
    ],
)  # fmt: skip
def test_ranges(value: str | None, size: int, selected: object) -> None:
    assert select(value, size) == selected


@given(st.integers(0, 200), st.integers(0, 200), st.binary(min_size=1, max_size=100))
def test_a_part_is_the_slice_that_was_asked_for(first: int, length: int, body: bytes) -> None:
    selected = select(f"bytes={first}-{first + length}", len(body))
    if first >= len(body):
        assert selected == Unsatisfiable()
    else:
        assert isinstance(selected, Part)
        assert body[selected.first : selected.last + 1] == body[first : first + length + 1]
        assert selected.content_range(len(body)) == f"bytes {first}-{selected.last}/{len(body)}"


@given(st.text("0123456789-, x\t", max_size=30) | st.text(max_size=30), st.integers(0, 100))
def test_no_range_raises_or_leaves_the_body(text: str, size: int) -> None:
    selected = select("bytes=" + text, size)
    parts = selected.parts if isinstance(selected, Parts) else (selected,) if isinstance(selected, Part) else ()
    assert all(0 <= part.first <= part.last < size for part in parts)
    assert sum(part.size_bytes for part in parts) <= size
    if parts:
        assert len(asked("bytes=" + text)) >= 1


def test_plans_see_what_was_asked_for() -> None:
    assert asked("bytes=1-2, 3-,-4") == (Spec(1, 2), Spec(3), Spec(suffix=4))
    assert [spec.needs_size for spec in asked("bytes=1-2, 3-,-4")] == [False, True, True]
    assert asked("bytes=1-2,x") == asked(None) == asked("items=1-2") == ()


def test_parts_are_framed_as_a_mime_reader_expects() -> None:
    body = bytes(range(48, 58))
    frame = Multipart((Part(0, 1), Part(7, 9)), len(body), "video/mp4", "b0undary")
    sent = b"".join(frame.head(part) + body[part.first : part.last + 1] for part in frame.parts) + frame.tail
    assert len(sent) == frame.length_bytes
    message = message_from_bytes(f"Content-Type: {frame.media_type}\r\n\r\n".encode() + sent, policy=HTTP)
    read = [
        (part["Content-Type"], part["Content-Range"], part.get_payload(decode=True)) for part in message.iter_parts()
    ]
    assert read == [("video/mp4", "bytes 0-1/10", b"01"), ("video/mp4", "bytes 7-9/10", b"789")]
    assert b"bytes 0-1/*" in Multipart((Part(0, 1),), None, None, "b").head(Part(0, 1))
