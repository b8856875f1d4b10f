"""Which slices there are, which a request needs, and what is asked for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.entry import Exchange, load, new_entry
from edge.core.forget import concerns
from edge.core.key import Key
from edge.core.offer import Keeping, form_of, offered, why_not_kept
from edge.core.slices import (
    WINDOW_SLICES,
    Sliced,
    Window,
    answered,
    first_window,
    is_slice,
    missing_run,
    sliced,
    takes_ranges,
    validator,
)  # fmt: skip
from edge.core.variants import Variants, primary_of
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.http.ranges import ContentRange, asked, content_range
from playnet.purge.order import PurgeOrder

NOW = 1_700_000_000.0
KEEPING = Keeping(10_000, slice_bytes=100)


def fields(**pairs: str) -> Fields:
    return Fields.of((name.replace("_", "-"), value) for name, value in pairs.items())


LARGE = fields(etag='"a"', accept_ranges="bytes", cache_control="max-age=60", date=format_date(NOW))


@given(st.integers(101, 5000), st.integers(100, 300), st.data())
def test_slices_cover_an_object_without_overlap(total: int, slice_bytes: int, data: st.DataObject) -> None:
    form = Sliced(total, slice_bytes, "id")
    parts = [form.part(number) for number in range(form.count)]
    assert [part.first for part in parts] == [0, *(part.last + 1 for part in parts[:-1])]
    assert parts[-1].last == total - 1
    position = data.draw(st.integers(0, total - 1))
    assert parts[form.number(position)].first <= position <= parts[form.number(position)].last


@pytest.mark.parametrize(
    ("response", "strong"),
    [
        pytest.param(fields(etag='"a"'), '"a"', id="etag"),
        pytest.param(fields(etag='W/"a"', last_modified=format_date(NOW - 9), date=format_date(NOW)), None, id="weak"),
        pytest.param(fields(etag='""'), None, id="empty"),
        pytest.param(
            fields(last_modified=format_date(NOW - 9), date=format_date(NOW)), format_date(NOW - 9), id="old-date"
        ),
        pytest.param(fields(last_modified=format_date(NOW), date=format_date(NOW)), None, id="date-of-now"),
        pytest.param(fields(), None, id="nothing"),
    ],
)
def test_what_holds_slices_together(response: Fields, strong: str | None) -> None:
    assert validator(response, now=NOW) == strong
    assert (sliced(response, total_bytes=101, slice_bytes=100, now=NOW) is not None) == (strong is not None)
    assert sliced(response, total_bytes=100, slice_bytes=100, now=NOW) is None


def test_slices_of_different_bytes_never_meet() -> None:
    names = {
        sliced(fields(etag=etag), total_bytes=total, slice_bytes=size, now=NOW).key(Key("/v"), 0)  # type: ignore[union-attr]
        for etag in ('"a"', '"b"')
        for total in (300, 301)
        for size in (100, 200)
    }
    assert len(names) == 8
    assert all(is_slice(name) and primary_of(name) == "/v" for name in names)
    assert not is_slice(Key("/v#0123"))


def test_a_head_survives_the_index_and_knows_its_slices() -> None:
    exchange = Exchange(200, LARGE, NOW, NOW)
    offer = offered(exchange, 250, None)
    form = form_of(offer, None, KEEPING, now=NOW)
    head = new_entry(Key("/v"), exchange, body="b", size_bytes=0)
    object.__setattr__(head, "sliced", form)
    again = load(head.dumped())
    assert again == head
    assert again is not None
    assert (again.length_bytes, len(again.slice_keys)) == (250, 3)
    for order in ("/v", "/"):
        kind = "url" if order == "/v" else "prefix"
        assert all(concerns(PurgeOrder(kind=kind, value=order), key, ()) for key in again.slice_keys)
    variants = Variants()
    variants.learn(Key("/v"), (("foo", "1"),))
    assert variants.add(again.slice_keys[0], ()) == []
    assert variants.expected(Key("/v"), fields(foo="2")) != "/v", "a slice says nothing about Vary"


@pytest.mark.parametrize(
    ("value", "window"),
    [
        pytest.param(None, None, id="no-range"),
        pytest.param("bytes=0-0", Window(0, 99), id="first-byte"),
        pytest.param("bytes=150-199", Window(100, 199), id="within-one"),
        pytest.param("bytes=150-200", Window(100, 299), id="over-two"),
        pytest.param("bytes=150-", Window(100, 100 + WINDOW_SLICES * 100 - 1), id="open"),
        pytest.param("bytes=0-99999", Window(0, WINDOW_SLICES * 100 - 1), id="bounded"),
        pytest.param("bytes=-1", Window(0, 99), id="suffix"),
        pytest.param("bytes=300-200", Window(300, 399), id="backwards"),
        pytest.param("bytes=250-260,0-1", Window(200, 299), id="the-first-of-several"),
        pytest.param("bytes=x", None, id="malformed"),
    ],
)
def test_what_is_asked_of_an_unknown_object(value: str | None, window: Window | None) -> None:
    assert first_window(asked(value), 100) == window


@given(st.sets(st.integers(0, 20)), st.integers(0, 20), st.integers(0, 20))
def test_a_run_is_of_missing_neighbours(there: set[int], number: int, upto: int) -> None:
    last = missing_run(number, upto, there.__contains__)
    assert number <= last < number + WINDOW_SLICES
    assert not there & set(range(number + 1, last + 1))
    assert last >= upto or last + 1 in there or last == number + WINDOW_SLICES - 1


@pytest.mark.parametrize(
    ("status", "value", "size", "brought"),
    [
        pytest.param(206, "bytes 100-199/900", 100, ContentRange(100, 199, 900), id="as-asked"),
        pytest.param(206, "bytes 100-149/150", 50, ContentRange(100, 149, 150), id="up-to-the-end"),
        pytest.param(206, "bytes 100-199/900", None, ContentRange(100, 199, 900), id="chunked"),
        pytest.param(206, "bytes 100-199/900", 99, None, id="another-length"),
        pytest.param(206, "bytes 100-149/900", 50, None, id="less"),
        pytest.param(206, "bytes 0-199/900", 200, None, id="more"),
        pytest.param(206, "bytes 100-199/*", 100, None, id="unknown-size"),
        pytest.param(206, "bytes 100-199/150", 100, None, id="impossible"),
        pytest.param(206, None, 100, None, id="no-content-range"),
        pytest.param(200, None, 900, None, id="whole"),
    ],
)
def test_what_an_answer_brings(status: int, value: str | None, size: int | None, brought: ContentRange | None) -> None:
    response = fields(content_range=value) if value else fields()
    assert answered(Window(100, 199), status, response, size) == brought
    assert content_range(value) is not None or brought is None


def kept(response: Fields, status: int, size: int | None, window: Window | None) -> str:
    """The form in which an answer is kept, or why it is not."""
    exchange = Exchange(status, response, NOW, NOW)
    offer = offered(exchange, size, window)
    form = form_of(offer, window, KEEPING, now=NOW)
    draft = new_entry(Key("/v"), offer.exchange, body="", size_bytes=offer.total_bytes or 0)
    object.__setattr__(draft, "sliced", form)
    refusal = why_not_kept(offer, draft, asked=fields(), stored=None, keeping=KEEPING)
    return refusal or ("slices" if form is not None else "whole")


@pytest.mark.parametrize(
    ("response", "status", "size", "window", "form"),
    [
        pytest.param(LARGE, 200, 101, None, "slices", id="large"),
        pytest.param(LARGE, 200, 100, None, "whole", id="of-one-slice"),
        pytest.param(LARGE, 200, None, None, "whole", id="unknown-length"),
        pytest.param(LARGE.without(["accept-ranges"]), 200, 101, None, "whole", id="no-ranges"),
        pytest.param(LARGE.without(["etag"]), 200, 101, None, "whole", id="no-validator"),
        pytest.param(LARGE, 404, 101, None, "whole", id="an-error"),
        pytest.param(LARGE, 200, 101, Window(0, 99), "whole", id="range-ignored"),
        pytest.param(LARGE.plus(("content-range", "bytes 0-99/300")), 206, 100, Window(0, 99), "slices", id="a-part"),
        pytest.param(LARGE.plus(("content-range", "bytes 0-90/91")), 206, 91, Window(0, 99), "whole", id="all-as-a-part"),
        pytest.param(LARGE.plus(("content-range", "bytes 0-299/300")), 206, 300, Window(0, 399), "whole", id="all-of-several"),
    ],
)  # fmt: skip
def test_the_form_of_what_is_kept(
    response: Fields, status: int, size: int | None, window: Window | None, form: str
) -> None:
    assert kept(response, status, size, window) == form
    assert takes_ranges(LARGE)


def test_what_is_not_kept_in_slices_says_why() -> None:
    part = LARGE.plus(("content-range", "bytes 0-99/300"))
    assert "no strong validator" in kept(part.without(["etag"]), 206, 100, Window(0, 99))
    assert "206" in kept(part, 206, 100, Window(100, 199)) or "status" in kept(part, 206, 100, Window(100, 199))
    assert "more than the node keeps" in kept(
        LARGE.plus(("content-range", "bytes 0-99/20000")), 206, 100, Window(0, 99)
    )
