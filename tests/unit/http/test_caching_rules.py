"""RFC 9110, 9111, 5861, 9211 as tables and properties. The clock is a number."""

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.http.cache_control import MAX_SECONDS, parse_cache_control
from playnet.http.cache_status import CacheStatus
from playnet.http.conditional import if_range_holds, not_modified, validators
from playnet.http.dates import format_date, parse_date
from playnet.http.fields import Fields
from playnet.http.freshness import fresh_s, initial_age_s, is_storable, lifetime
from playnet.http.ranges import Part, Unsatisfiable, Whole, select

NOW = 1_700_000_000.0


def fields(**pairs: str) -> Fields:
    return Fields.of((name.replace("_", "-"), value) for name, value in pairs.items())


# --- fields


def test_connection_names_more_hop_by_hop_fields() -> None:
    head = Fields.of([("Connection", "close, X-Hop"), ("X-Hop", "1"), ("TE", "trailers"), ("ETag", '"a"')])
    assert head.end_to_end() == Fields((("etag", '"a"'),))


# --- dates, RFC 9110 §5.6.7


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", 784111777, id="imf-fixdate"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", 784111777, id="rfc850"),
        pytest.param("Sun Nov  6 08:49:37 1994", 784111777, id="asctime"),
        pytest.param("Sunday, 06-Nov-70 08:49:37 GMT", 3182489377, id="rfc850-within-50-years"),
        pytest.param("Sunday, 06-Nov-80 08:49:37 GMT", 342348577, id="rfc850-beyond-50-years-is-past"),
        pytest.param("Sun, 06 Nov 1994 08:49:60 GMT", 784111799, id="leap-second"),
        pytest.param("Sun, 31 Feb 1994 08:49:37 GMT", None, id="no-such-day"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 +0000", None, id="not-gmt"),
        pytest.param("0", None, id="zero"),
        pytest.param(None, None, id="absent"),
    ],
)
def test_dates_are_read_in_three_forms(text: str | None, seconds: int | None) -> None:
    assert parse_date(text, now=NOW) == seconds


@given(st.integers(0, 253402300799))
def test_a_written_date_is_read_back(seconds: int) -> None:
    assert parse_date(format_date(seconds)) == seconds
    assert email.utils.parsedate_to_datetime(format_date(seconds)).timestamp() == seconds


@given(st.text())
def test_no_date_raises(text: str) -> None:
    parse_date(text, now=NOW)


# --- Cache-Control, RFC 9111 §5.2


@pytest.mark.parametrize(
    ("lines", "directives"),
    [
        pytest.param(["max-age=60, Public"], {"max-age": "60", "public": None}, id="plain"),
        pytest.param(["max-age=1", "max-age=2"], {"max-age": "1"}, id="first-counts"),
        pytest.param(
            ['no-cache="Set-Cookie, X", public'], {"no-cache": "Set-Cookie, X", "public": None}, id="quoted-list"
        ),
        pytest.param(['a="x\\"y,z", b'], {"a": 'x"y,z', "b": None}, id="escaped-quote"),
        pytest.param([", ,max-age = 5, public"], {"max-age": None, "public": None}, id="space-before-equals"),
        pytest.param(["max-age=60;public, private"], {"max-age": "60", "private": None}, id="wrong-separator"),
        pytest.param(["=5, @, max-age=1"], {"max-age": "1"}, id="garbage-between"),
    ],
)
def test_directives_are_read_tolerantly(lines: list[str], directives: dict[str, str | None]) -> None:
    assert parse_cache_control(lines).directives == directives


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("max-age=60", 60), ('max-age="60"', 60), ("max-age=-1", 0), ("max-age=1.5", 0), ("max-age=x", 0), ("max-age", 0),
     ("max-age=99999999999999999999", MAX_SECONDS), ("max-age=²", 0), ("public", None)],
)  # fmt: skip
def test_what_is_no_number_of_seconds_is_stale(text: str, seconds: int | None) -> None:
    assert parse_cache_control([text]).seconds("max-age") == seconds


@given(st.lists(st.text(alphabet='abc=",\\ ;\t-0159', max_size=40), max_size=3))
def test_no_cache_control_raises(lines: list[str]) -> None:
    control = parse_cache_control(lines)
    for name in control.directives:
        control.seconds(name)
        control.names(name)


# --- storability, RFC 9111 §3


@pytest.mark.parametrize(
    ("request_", "status", "response", "storable"),
    [
        pytest.param(fields(), 200, fields(cache_control="max-age=60"), True, id="max-age"),
        pytest.param(fields(), 404, fields(cache_control="max-age=60"), True, id="error-with-lifetime"),
        pytest.param(fields(), 200, fields(expires=format_date(NOW)), True, id="expires"),
        pytest.param(fields(), 200, fields(last_modified=format_date(0)), False, id="no-heuristics"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60, no-store"), False, id="no-store"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60, private"), False, id="private"),
        pytest.param(fields(), 200, fields(cache_control='max-age=60, private="x"'), False, id="private-fields"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60", set_cookie="a=b"), False, id="cookie"),
        pytest.param(fields(), 206, fields(cache_control="max-age=60", content_range="bytes 0-1/9"), False, id="partial"),
        pytest.param(fields(), 302, fields(cache_control="max-age=60"), False, id="status-not-understood"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60", vary="accept-language"), False, id="varies"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60", vary="Accept-Encoding"), True, id="identity-suits-all"),
        pytest.param(
            fields(), 200, fields(cache_control="max-age=60", vary="Accept-Encoding", content_encoding="gzip"), False,
            id="encoded-variant",
        ),
        pytest.param(fields(authorization="x"), 200, fields(cache_control="max-age=60"), False, id="authorized"),
        pytest.param(fields(authorization="x"), 200, fields(cache_control="public, max-age=60"), True, id="authorized-public"),
        pytest.param(fields(authorization="x"), 200, fields(cache_control="s-maxage=60"), True, id="authorized-s-maxage"),
    ],
)  # fmt: skip
def test_what_may_be_stored(request_: Fields, status: int, response: Fields, storable: bool) -> None:
    assert is_storable(request_, status, response) is storable


# --- freshness and age, RFC 9111 §4.2


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        pytest.param(
            fields(cache_control="max-age=1, s-maxage=2", expires=format_date(NOW + 3)), 2, id="s-maxage-first"
        ),
        pytest.param(fields(cache_control="max-age=1", expires=format_date(NOW + 3)), 1, id="max-age-over-expires"),
        pytest.param(fields(expires=format_date(NOW + 3), date=format_date(NOW)), 3, id="expires-minus-date"),
        pytest.param(fields(expires=format_date(NOW + 3)), 3, id="expires-without-date"),
        pytest.param(fields(expires="0"), 0, id="broken-expires-is-past"),
        pytest.param(fields(), None, id="nothing-said"),
    ],
)
def test_freshness_lifetime(response: Fields, seconds: float | None) -> None:
    assert fresh_s(response, now=NOW) == seconds


@pytest.mark.parametrize(
    ("response", "age_s"),
    [
        pytest.param(fields(date=format_date(NOW)), 2, id="delay-of-the-answer"),
        pytest.param(fields(date=format_date(NOW - 10)), 12, id="apparent-age"),
        pytest.param(fields(date=format_date(NOW), age="30"), 32, id="told-age-and-delay"),
        pytest.param(fields(date=format_date(NOW + 99)), 2, id="clock-of-the-origin-ahead"),
        pytest.param(fields(age="5, 7"), 7, id="first-age-counts"),
        pytest.param(fields(age="-3"), 2, id="broken-age"),
    ],
)
def test_initial_age(response: Fields, age_s: float) -> None:
    assert initial_age_s(response, requested_at=NOW, received_at=NOW + 2) == age_s


def test_stale_windows_need_a_grant() -> None:
    def windows(control: str) -> tuple[float, float]:
        life = lifetime(fields(cache_control=control), requested_at=NOW, received_at=NOW)
        return life.swr_s, life.sie_s

    assert windows("max-age=1") == (0, 0)
    assert windows("s-maxage=1, stale-while-revalidate=5, stale-if-error=9") == (5, 9)
    assert windows("max-age=1, must-revalidate, stale-while-revalidate=5, stale-if-error=9") == (0, 0)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1e6))
def test_age_reaches_the_lifetime_when_freshness_ends(max_age: int, age: int, later: float) -> None:
    head = fields(cache_control=f"max-age={max_age}", age=str(age), date=format_date(NOW))
    life = lifetime(head, requested_at=NOW, received_at=NOW)
    assert life.age_s(life.fresh_until) == pytest.approx(max(max_age, age))
    assert life.age_s(NOW + later) >= life.age_s(NOW)


# --- ranges, RFC 9110 §14


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
        pytest.param("bytes=0-", 0, Unsatisfiable(), id="empty-file"),
        pytest.param("bytes=-5", 0, Whole(), id="suffix-of-empty-file"),
        pytest.param("bytes=4-2", 10, Whole(), id="backwards-is-ignored"),
        pytest.param("bytes=0-1,3-4", 10, Whole(), id="several-are-ignored"),
        pytest.param("items=0-1", 10, Whole(), id="other-unit"),
        pytest.param("bytes=-", 10, Whole(), id="nothing"),
        pytest.param("bytes=1" + "0" * 5000 + "-", 10, Unsatisfiable(), id="absurd-number"),
    ],
)
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


@given(st.text(max_size=30), st.integers(0, 100))
def test_no_range_raises(text: str, size: int) -> None:
    selected = select("bytes=" + text, size)
    assert not isinstance(selected, Part) or 0 <= selected.first <= selected.last < size


# --- preconditions, RFC 9110 §13

STORED = fields(etag='"a"', last_modified=format_date(NOW - 100), date=format_date(NOW))


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        pytest.param(fields(if_none_match='"a"'), True, id="same-etag"),
        pytest.param(fields(if_none_match='W/"a"'), True, id="weak-comparison"),
        pytest.param(fields(if_none_match='"x", "a"'), True, id="one-of-several"),
        pytest.param(fields(if_none_match="*"), True, id="any"),
        pytest.param(fields(if_none_match='"b"', if_modified_since=format_date(NOW)), False, id="etag-rules-out-date"),
        pytest.param(fields(if_modified_since=format_date(NOW - 100)), True, id="not-modified-since"),
        pytest.param(fields(if_modified_since=format_date(NOW - 101)), False, id="modified-since"),
        pytest.param(fields(if_modified_since="yesterday"), False, id="broken-date"),
        pytest.param(fields(), False, id="unconditional"),
    ],
)
def test_not_modified(request_: Fields, answer: bool) -> None:
    assert not_modified(request_, STORED, now=NOW) is answer


@pytest.mark.parametrize(
    ("condition", "holds"),
    [('"a"', True), ('W/"a"', False), ('"b"', False), (format_date(NOW - 100), True), (format_date(NOW - 99), False), ("x", False)],
)  # fmt: skip
def test_if_range_wants_a_strong_match(condition: str, holds: bool) -> None:
    assert if_range_holds(fields(if_range=condition), STORED, now=NOW) is holds


def test_a_date_within_the_second_of_the_answer_is_weak() -> None:
    stored = fields(last_modified=format_date(NOW), date=format_date(NOW))
    assert not if_range_holds(fields(if_range=format_date(NOW)), stored, now=NOW)


def test_validation_uses_every_validator() -> None:
    assert validators(STORED) == (("if-none-match", '"a"'), ("if-modified-since", format_date(NOW - 100)))


# --- Cache-Status, RFC 9211


@pytest.mark.parametrize(
    ("status", "cache", "text"),
    [
        (CacheStatus(hit=True, ttl_s=-3, detail="swr"), "edge-1", "edge-1; hit; ttl=-3; detail=swr"),
        (
            CacheStatus(fwd="stale", fwd_status=304, stored=True, collapsed=True), "e",
            "e; fwd=stale; fwd-status=304; stored; collapsed",
        ),
        (CacheStatus(fwd="miss", detail='two "words"'), "1st", '"1st"; fwd=miss; detail="two \\"words\\""'),
    ],
)  # fmt: skip
def test_cache_status_is_a_structured_field(status: CacheStatus, cache: str, text: str) -> None:
    assert status.written(cache) == text
