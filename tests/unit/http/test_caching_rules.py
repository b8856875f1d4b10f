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
from playnet.http.freshness import explicit_fresh_s, heuristic_fresh_s, initial_age_s, lifetime
from playnet.http.storability import is_storable, unshared
from playnet.http.structured import Token, parse_dictionary
from playnet.http.targeted import targeted
from playnet.http.vary import normal, selector, suits

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
        pytest.param(fields(), 200, fields(last_modified=format_date(0)), True, id="heuristic"),
        pytest.param(fields(), 403, fields(last_modified=format_date(0)), False, id="no-heuristic-for-this-status"),
        pytest.param(fields(), 599, fields(last_modified=format_date(0), cache_control="public"), True, id="heuristic-public"),
        pytest.param(fields(), 200, fields(etag='"a"'), True, id="only-a-validator"),
        pytest.param(fields(), 404, fields(etag='"a"'), False, id="a-validator-of-an-error"),
        pytest.param(fields(), 200, fields(), False, id="nothing-said"),
        pytest.param(fields(), 200, fields(cache_control="no-cache", etag='"a"'), True, id="no-cache"),
        pytest.param(fields(), 200, fields(cache_control="no-store, must-understand, max-age=9"), True, id="must-understand"),
        pytest.param(fields(), 599, fields(cache_control="must-understand, max-age=9"), False, id="not-understood"),
        pytest.param(fields(), 200, fields(cache_control="no-store", cdn_cache_control="max-age=9"), True, id="targeted"),
        pytest.param(fields(), 200, fields(cache_control="max-age=9", cdn_cache_control="no-store"), False, id="targeted-no"),
        pytest.param(fields(), 200, fields(cache_control="max-age=9", cdn_cache_control="no-store;"), True, id="malformed"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60, no-store"), False, id="no-store"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60, private"), False, id="private"),
        pytest.param(fields(), 200, fields(cache_control='max-age=60, private="x"'), True, id="private-fields"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60", set_cookie="a=b"), False, id="cookie"),
        pytest.param(
            fields(), 200, fields(cache_control='max-age=60, no-cache="Set-Cookie"', set_cookie="a=b"), True,
            id="stored-without-the-cookie",
        ),
        pytest.param(fields(), 206, fields(cache_control="max-age=60", content_range="bytes 0-1/9"), False, id="partial"),
        pytest.param(fields(), 416, fields(cache_control="max-age=60"), False, id="of-one-range"),
        pytest.param(fields(), 302, fields(cache_control="max-age=60"), True, id="any-final-status-with-lifetime"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60", vary="accept-language"), True, id="varies"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60", vary="foo, *"), False, id="varies-by-anything"),
        pytest.param(fields(), 200, fields(cache_control="max-age=60", vary="Cookie"), False, id="varies-by-viewer"),
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
    assert explicit_fresh_s(response, now=NOW) == seconds


@pytest.mark.parametrize(
    ("status", "response", "seconds"),
    [
        pytest.param(200, fields(last_modified=format_date(NOW - 1000), date=format_date(NOW)), 100, id="a-tenth"),
        pytest.param(200, fields(last_modified=format_date(0), date=format_date(NOW)), 86_400, id="a-day-at-most"),
        pytest.param(200, fields(last_modified=format_date(NOW + 9), date=format_date(NOW)), 0, id="from-the-future"),
        pytest.param(200, fields(date=format_date(NOW)), None, id="no-last-modified"),
        pytest.param(302, fields(last_modified=format_date(0)), None, id="status-without-heuristic"),
    ],
)
def test_heuristic_freshness(status: int, response: Fields, seconds: float | None) -> None:
    assert heuristic_fresh_s(status, response, now=NOW) == seconds


@pytest.mark.parametrize(
    ("status", "seconds"), [(404, 5), (410, 5), (200, None), (301, None), (403, None), (503, None)]
)
def test_only_errors_that_may_be_guessed_at_are_kept_for_a_moment(status: int, seconds: float | None) -> None:
    assert heuristic_fresh_s(status, fields(), negative_s=5) == seconds
    assert is_storable(fields(), status, fields(), negative_s=5) is (seconds is not None)
    assert not is_storable(fields(), status, fields(cache_control="no-store"), negative_s=5)


@pytest.mark.parametrize(
    ("response", "age_s"),
    [
        pytest.param(fields(date=format_date(NOW)), 2, id="delay-of-the-answer"),
        pytest.param(fields(date=format_date(NOW - 10)), 12, id="apparent-age"),
        pytest.param(fields(date=format_date(NOW), age="30"), 32, id="told-age-and-delay"),
        pytest.param(fields(date=format_date(NOW + 99)), 2, id="clock-of-the-origin-ahead"),
        pytest.param(fields(age="5"), 7, id="told-age"),
        pytest.param(fields(age="-3"), 2, id="broken-age"),
    ],
)
def test_initial_age(response: Fields, age_s: float) -> None:
    assert initial_age_s(response, requested_at=NOW, received_at=NOW + 2) == age_s


@pytest.mark.parametrize("age", ["5, 7", "0, 0", "-3", "1.0", "abc", "7;a=b", "99999999999999", ""])
def test_what_says_a_broken_age_is_stale_at_once(age: str) -> None:
    life = lifetime(fields(cache_control="max-age=60", age=age), requested_at=NOW, received_at=NOW)
    assert life.fresh_until <= NOW


def test_no_cache_is_always_validated() -> None:
    life = lifetime(fields(cache_control="max-age=60, no-cache"), requested_at=NOW, received_at=NOW)
    assert (life.fresh_s, life.must_revalidate, life.is_ever_served_alone) == (0, True, False)
    life = lifetime(fields(cache_control='max-age=60, no-cache="x"'), requested_at=NOW, received_at=NOW)
    assert (life.fresh_s, life.must_revalidate) == (60, False)


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


# --- targeted fields, RFC 9213 and RFC 9651


@pytest.mark.parametrize(
    ("text", "members"),
    [
        pytest.param("max-age=60, public", {"max-age": 60, "public": True}, id="numbers-and-flags"),
        pytest.param('a="x\\"y", b=tok/en:1;p=1;q, c=?0', {"a": 'x"y', "b": Token("tok/en:1"), "c": False}, id="items"),
        pytest.param("a=1.5, c=:aGk=:, d=@5", {"a": None, "c": None, "d": None}, id="without-meaning"),
        pytest.param('a=(1 "x";y=2), b=()', {"a": (1, "x"), "b": ()}, id="inner-lists"),
        pytest.param("a=1,  a=2", {"a": 2}, id="the-last-counts"),
        pytest.param("", {}, id="empty"),
        *((pytest.param(text, None, id=f"malformed-{index}") for index, text in enumerate(
            ["A=1", "a=", "a=1,", ",a", "a b", 'a="x', "a=-", "a=1234567890123456", "a=1.2345", "a=(1", "a=é", "a;", "a=1;;"]
        ))),
    ],
)  # fmt: skip
def test_dictionaries_are_read_strictly(text: str, members: dict[str, object] | None) -> None:
    assert parse_dictionary([text]) == members


@given(st.lists(st.text(alphabet='ab=",;()?:@ .-1\\é', max_size=30), max_size=3))
def test_no_dictionary_raises(lines: list[str]) -> None:
    parse_dictionary(lines)


def test_the_most_specific_target_governs_alone() -> None:
    both = fields(
        playnet_cdn_cache_control="max-age=1", cdn_cache_control="max-age=2", cache_control="max-age=3, private"
    )
    assert explicit_fresh_s(both) == 1
    assert explicit_fresh_s(both.without(["playnet-cdn-cache-control"])) == 2
    assert explicit_fresh_s(fields(cdn_cache_control="public", expires=format_date(NOW + 9)), now=NOW) is None
    broken = fields(cdn_cache_control='max-age="5"', cache_control="max-age=3")
    assert explicit_fresh_s(broken) == 5, "a string of digits counts as in Cache-Control"
    assert targeted(fields(cdn_cache_control="", cache_control="max-age=3")) is None


# --- Vary, RFC 9111 §4.1


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        pytest.param("foo", "1, 2", " 1,2 ", True, id="blanks"),
        pytest.param("foo", "a", "A", False, id="case-of-what-we-dont-know"),
        pytest.param("foo", '"a, b"', '"a,b"', False, id="quoted"),
        pytest.param("foo", None, "", False, id="absent-is-not-empty"),
        pytest.param("accept-language", "en, de", "De , eN", True, id="languages-in-any-order"),
        pytest.param("accept-language", "en;q=1.0, de; q=0.5", "de;q=0.5,en", True, id="weights"),
        pytest.param("accept-language", "en;q=0.5, de", "en, de;q=0.5", False, id="other-weights"),
        pytest.param("accept-language", "en;q=x", "en", False, id="broken-weight"),
    ],
)
def test_normal_form_of_selecting_fields(name: str, one: str | None, other: str | None, same: bool) -> None:
    assert (normal(name, one) == normal(name, other)) is same


def test_a_selector_suits_its_own_request() -> None:
    request = Fields.of([("A", "1"), ("A", "2"), ("B", "x")])
    found = selector(fields(vary="B, a, c"), request)
    assert found == (("a", "1,2"), ("b", "x"), ("c", None))
    assert suits(found, Fields.of([("a", "1,2"), ("b", "x"), ("z", "9")]))
    assert not suits(found, request.plus(("c", "")))
    assert selector(fields(vary="a, *"), request) is None
    assert selector(fields(), request) == ()


def test_listed_fields_are_not_shared() -> None:
    assert unshared(fields(cache_control='no-cache="A, b", private="C"')) == {"a", "b", "c"}


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
