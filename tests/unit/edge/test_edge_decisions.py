"""The decisions of one node: key, entry, action, purge, hot tree, nginx's help, forwarded fields."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.accel import is_accelerable
from edge.core.decide import SOFT_PURGE_GRACE_S, Action, Bypass, Fetch, Marks, Refuse, Revalidate, Serve, decide
from edge.core.entry import Entry, Exchange, freshened, kept, load, new_entry, personal, validated
from edge.core.forget import concerns
from edge.core.forward import forwarded, is_looping
from edge.core.hot import HOT_FIELDS, is_hot, nginx_etag
from edge.core.invalidation import invalidated
from edge.core.key import Key, purged_key, target
from edge.core.nginx import Node, render
from edge.core.variants import MAX_VARIANTS, Variants, primary_of, variant_key
from edge.core.wishes import granted, wishes
from origin.core.caching import object_headers
from playnet.config import Address
from playnet.errors import InvalidInput
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.names import parse_media_key
from playnet.nginx.text import Process
from playnet.purge.order import PurgeOrder
from playnet.store.port import Stat

NOW = 1_700_000_000.0
MODIFIED_S = 1_600_000_000


def fields(**pairs: str) -> Fields:
    return Fields.of((name.replace("_", "-"), value) for name, value in pairs.items())


def entry(control: str = "max-age=60", key: str = "/v/x", **pairs: str) -> Entry:
    head = fields(cache_control=control, date=format_date(NOW), **pairs)
    exchange = Exchange.of(200, head, requested_at=NOW, received_at=NOW)
    return new_entry(Key(key), exchange, body="ab" * 16, size_bytes=7)


# --- key


@pytest.mark.parametrize(
    ("path", "query", "key"),
    [
        pytest.param(b"/v/a", b"", "/v/a", id="plain"),
        pytest.param(b"/v/%61%2d%7E", b"", "/v/a-~", id="unreserved-escapes-undone"),
        pytest.param(b"/v/%c3%bc%2f", b"", "/v/%C3%BC%2F", id="other-escapes-in-upper-case"),
        pytest.param(b"/v/\xc3\xbc", b"", "/v/%C3%BC", id="bytes-escaped"),
        pytest.param(b"/v/a", b"b=%61&c", "/v/a?b=%61&c", id="query-as-given"),
        pytest.param(b"/t/s3cr.et-_~/v/a", b"q", "/v/a?q", id="token-stripped"),
        pytest.param(b"/t/%73/v/a", b"", "/v/a", id="escaped-token-stripped"),
        pytest.param(b"/t/tok", b"", "/t/tok", id="no-token-without-a-path"),
        pytest.param(b"/tt/x/y", b"", "/tt/x/y", id="another-folder"),
        pytest.param(b"//v//a", b"", "//v//a", id="empty-segments-kept"),
        pytest.param(b"/...", b"", "/...", id="three-dots-are-a-name"),
    ],
)
def test_one_key_per_resource(path: bytes, query: bytes, key: str) -> None:
    assert target(path, query).key == key
    assert purged_key(path.decode("utf-8") + ("?" + query.decode() if query else "")) == key


@pytest.mark.parametrize(
    "path",
    [b"/../x", b"/a/..", b"/a/./b", b"/a/%2e%2e/b", b"/%2E", b"/a%00", b"/a%", b"/a%zz", b"/a\0b", b"/a b", b"a", b"", b"*",
     b"/t/x/../y", b"/" + b"a" * 9000],
)  # fmt: skip
def test_what_cannot_be_a_key_is_refused(path: bytes) -> None:
    with pytest.raises(InvalidInput):
        target(path, b"")


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_a_key_is_its_own_key(path: bytes, query: bytes) -> None:
    try:
        first = target(b"/" + path, query)
    except InvalidInput:
        return
    again = target(first.path.encode(), first.key[len(first.path) + 1 :].encode())
    assert again.key == first.key or first.path.startswith("/t/")
    assert first.key.isascii()
    assert not {"\r", "\n", " ", "\0"} & set(first.key)


# --- entry


def test_an_entry_survives_the_index() -> None:
    stored = replace(
        entry(surrogate_key="asset:a rev:a/1 asset:a", age="3", via="1.1 x", connection="x-hop", x_hop="1")
    )
    assert load(stored.dumped()) == stored
    assert stored.tags == ("asset:a", "rev:a/1")
    assert {name for name, _ in stored.fields} == {"cache-control", "date", "via"}
    assert stored.life.initial_age_s == 3


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b'{"v":99}', b'{"v":1,"key":1}', b"\x80\x04N."])
def test_a_foreign_record_is_a_miss(record: bytes) -> None:
    assert load(record) is None


def test_a_variant_survives_the_index() -> None:
    head = fields(cache_control="max-age=60", vary="Foo, Bar")
    exchange = Exchange.of(200, head, requested_at=NOW, received_at=NOW)
    stored = new_entry(Key("/v/x"), exchange, body="ab" * 16, size_bytes=7, asked=fields(foo="1"))
    assert load(stored.dumped()) == stored
    assert stored.selector == (("bar", None), ("foo", "1"))
    assert primary_of(stored.key) == "/v/x" != stored.key


def test_what_is_for_one_viewer_is_not_stored() -> None:
    head = fields(cache_control='max-age=60, no-cache="set-cookie"', set_cookie="a=b", x="1")
    exchange = Exchange.of(200, head, requested_at=NOW, received_at=NOW)
    stored = new_entry(Key("/v/x"), exchange, body="ab" * 16, size_bytes=7)
    assert ("set-cookie" in stored.fields, personal(exchange).pairs) == (False, (("set-cookie", "a=b"),))
    again = validated(stored, Exchange.of(304, fields(set_cookie="a=c"), requested_at=NOW, received_at=NOW))
    assert "set-cookie" not in again.fields


@pytest.mark.parametrize(
    ("head", "status", "fits"),
    [
        pytest.param(fields(etag='"a"', content_length="7", x="new"), 200, True, id="same"),
        pytest.param(fields(x="new"), 200, True, id="says-nothing"),
        pytest.param(fields(etag='"b"'), 200, False, id="other-etag"),
        pytest.param(fields(last_modified=format_date(0)), 200, False, id="other-date"),
        pytest.param(fields(content_length="8"), 200, False, id="other-length"),
        pytest.param(fields(), 404, False, id="gone"),
        pytest.param(fields(etag='"a"', cache_control="private, max-age=60"), 200, False, id="private-now"),
        pytest.param(fields(etag='"a"', cache_control="no-store"), 200, False, id="forbidden-now"),
        pytest.param(fields(etag='"a"', vary="foo"), 200, False, id="varies-now"),
    ],
)
def test_a_head_freshens_only_what_it_describes(head: Fields, status: int, fits: bool) -> None:
    stored = entry("max-age=60", etag='"a"')
    fresh = freshened(stored, Exchange.of(status, head, requested_at=NOW + 100, received_at=NOW + 100))
    assert (fresh is not None) is fits
    assert fresh is None or (fresh.body == stored.body and fresh.life.fresh_until >= NOW + 160)


def test_an_origin_gives_our_nginx_no_orders() -> None:
    head = fields(x_accel_redirect="/.playnet/bodies/ab/c", x_accel_limit_rate="1", x_own="1")
    assert dict(kept(head)) == {"x-own": "1"}


# --- variants


def test_variants_are_found_bounded_and_forgotten() -> None:
    variants = Variants()
    primary = Key("/v/x")
    keys = []
    for number in range(MAX_VARIANTS + 1):
        selected = (("foo", str(number)),)
        keys.append(variant_key(primary, selected))
        surplus = variants.add(keys[-1], selected)
    assert surplus == keys[:1]
    variants.remove(keys[0])
    assert variants.suiting(primary, fields(foo="1", other="2")) == [keys[1]]
    assert variants.suiting(primary, fields(foo="0")) == []
    assert variants.expected(primary, fields(foo="7")) == keys[7]
    assert set(variants.of(primary)) == set(keys[1:])
    variants.add(primary, ())
    assert variants.expected(primary, fields(foo="7")) == primary, "the newest response does not vary"
    for key in keys[1:]:
        variants.remove(key)
    assert primary not in variants


# --- invalidation


@pytest.mark.parametrize(
    ("method", "status", "response", "keys"),
    [
        pytest.param("POST", 201, fields(location="/v/b"), ["/v/a", "/v/b"], id="location"),
        pytest.param("PUT", 204, fields(content_location="c?d"), ["/v/a", "/v/c?d"], id="relative"),
        pytest.param("DELETE", 303, fields(location="http://Host:1/x"), ["/v/a", "/x"], id="same-host"),
        pytest.param("POST", 200, fields(location="http://other/x"), ["/v/a"], id="another-host"),
        pytest.param("POST", 200, fields(location="ftp://host:1/x"), ["/v/a"], id="another-scheme"),
        pytest.param("POST", 200, fields(location="/a/%00"), ["/v/a"], id="not-a-key"),
        pytest.param("POST", 200, fields(location="http://["), ["/v/a"], id="not-a-url"),
        pytest.param("X-OWN", 200, fields(), ["/v/a"], id="unknown-method"),
        pytest.param("POST", 500, fields(location="/v/b"), [], id="failed"),
        pytest.param("POST", 307, fields(location="/v/b"), ["/v/a"], id="not-done-there-yet"),
        pytest.param("OPTIONS", 200, fields(), [], id="safe"),
    ],
)
def test_what_an_unsafe_request_makes_worthless(method: str, status: int, response: Fields, keys: list[str]) -> None:
    assert list(invalidated(Key("/v/a"), method, status, response, authority="host:1")) == keys


# --- wishes of viewers


@pytest.mark.parametrize(
    ("request_", "later_s", "action"),
    [
        pytest.param(fields(cache_control="no-cache"), 1, "revalidate", id="no-cache"),
        pytest.param(fields(pragma="no-cache"), 1, "revalidate", id="pragma"),
        pytest.param(fields(pragma="no-cache", cache_control="x"), 1, "serve", id="cache-control-over-pragma"),
        pytest.param(fields(cache_control="max-age=9"), 10, "revalidate", id="too-old"),
        pytest.param(fields(cache_control="max-age=9"), 9, "serve", id="young-enough"),
        pytest.param(fields(cache_control="min-fresh=10"), 51, "revalidate", id="not-fresh-for-long"),
        pytest.param(fields(cache_control="max-stale=5"), 64, "serve", id="stale-as-allowed"),
        pytest.param(fields(cache_control="max-stale=5"), 66, "revalidate", id="too-stale"),
        pytest.param(fields(cache_control="max-stale"), 999, "serve", id="any-staleness"),
        pytest.param(fields(cache_control="no-store"), 1, "bypass", id="no-store"),
        pytest.param(fields(cache_control="only-if-cached"), 1, "serve", id="only-if-cached-hit"),
        pytest.param(fields(cache_control="only-if-cached"), 61, "refuse", id="only-if-cached-stale"),
    ],
)
def test_wishes_are_granted_where_they_are_honoured(request_: Fields, later_s: float, action: str) -> None:
    stored, now = entry(), NOW + later_s
    expected: dict[str, Action] = {
        "serve": Serve(stored), "revalidate": Revalidate(stored, may_serve_on_error=False), "bypass": Bypass(), "refuse": Refuse(),
    }  # fmt: skip
    plain = decide(stored, marks=Marks(), now=now)
    assert granted(plain, stored, wishes(request_, honoured=True), now=now) == expected[action]
    ignored = Refuse() if action == "refuse" else plain
    assert granted(plain, stored, wishes(request_, honoured=False), now=now) == ignored


def test_a_304_renews_the_clock_but_not_what_describes_the_bytes() -> None:
    stored = entry("max-age=60", etag='"a"', content_type="text/plain", surrogate_key="t", x="old")
    head = fields(cache_control="max-age=90", content_type="text/html", content_length="0", etag='"b"', x="new")
    fresh = validated(stored, Exchange.of(304, head, requested_at=NOW + 100, received_at=NOW + 101))
    assert (fresh.fields.get("etag"), fresh.fields.get("content-type"), fresh.fields.get("x")) == (
        '"a"',
        "text/html",
        "new",
    )
    assert fresh.tags == ("t",)
    assert fresh.life.fresh_until == pytest.approx(NOW + 101 + 90, abs=1.1)


# --- action


@pytest.mark.parametrize(
    ("control", "later_s", "marks", "soft", "action"),
    [
        pytest.param("max-age=60", 59, Marks(), None, "serve", id="fresh"),
        pytest.param("max-age=60", 60, Marks(), None, "revalidate", id="stale"),
        pytest.param("max-age=60, stale-while-revalidate=10", 69, Marks(), None, "refresh", id="within-swr"),
        pytest.param("max-age=60, stale-while-revalidate=10", 70, Marks(), None, "revalidate", id="behind-swr"),
        pytest.param("max-age=60, stale-if-error=10", 69, Marks(), None, "revalidate or stale", id="within-sie"),
        pytest.param("max-age=60, stale-if-error=10", 70, Marks(), None, "revalidate", id="behind-sie"),
        pytest.param("max-age=60", 9, Marks(), 5, "refresh", id="softly-purged"),
        pytest.param("max-age=60", 5 + SOFT_PURGE_GRACE_S, Marks(), 5, "revalidate", id="softly-purged-long-ago"),
        pytest.param("max-age=60, must-revalidate", 9, Marks(), 5, "revalidate", id="soft-purge-obeys-must-revalidate"),
        pytest.param("max-age=60", 9, Marks(stale_before=NOW + 5), None, "refresh", id="all-softly-purged"),
        pytest.param("max-age=60", 9, Marks(stale_before=NOW - 5), None, "serve", id="purged-before"),
        pytest.param("max-age=60, stale-while-revalidate=99", 9, Marks(0, NOW + 5), None, "revalidate", id="orders-missed"),
        pytest.param("max-age=60, stale-if-error=99", 9, Marks(0, NOW + 5), None, "revalidate or stale", id="orders-missed-sie"),
    ],
)  # fmt: skip
def test_decisions(control: str, later_s: float, marks: Marks, soft: float | None, action: str) -> None:
    stored = replace(entry(control), soft_purged_at=None if soft is None else NOW + soft)
    expected: dict[str, Action] = {
        "serve": Serve(stored),
        "refresh": Serve(stored, refresh=True),
        "revalidate": Revalidate(stored, may_serve_on_error=False),
        "revalidate or stale": Revalidate(stored, may_serve_on_error=True),
    }
    assert decide(stored, marks=marks, now=NOW + later_s) == expected[action]


def test_nothing_stored_is_fetched() -> None:
    assert decide(None, marks=Marks(), now=NOW) == Fetch()


# --- purge


@pytest.mark.parametrize(
    ("order", "tags", "meant"),
    [
        (PurgeOrder(kind="all"), (), True),
        (PurgeOrder(kind="url", value="/v/a"), (), True),
        (PurgeOrder(kind="url", value="/v"), (), False),
        (PurgeOrder(kind="url", value="/v/a"), None, True),
        (PurgeOrder(kind="prefix", value="/v/"), (), True),
        (PurgeOrder(kind="prefix", value="/w"), (), False),
        (PurgeOrder(kind="tag", value="asset:a"), ("asset:a",), True),
        (PurgeOrder(kind="tag", value="asset:a"), ("asset:ab",), False),
        (PurgeOrder(kind="tag", value="asset:a"), None, True),
    ],
)
def test_what_an_order_means(order: PurgeOrder, tags: tuple[str, ...] | None, meant: bool) -> None:
    assert concerns(order, Key("/v/a"), tags) is meant


# --- hot tree


def hot_entry(key: str = "/v/a/1/360p/1.m4s", **changes: str | None) -> Entry:
    pairs: dict[str, str | None] = {
        **dict(HOT_FIELDS), "content-type": "video/iso.segment", "last-modified": format_date(MODIFIED_S),
        "etag": nginx_etag(MODIFIED_S, 7), "accept-ranges": "bytes", "surrogate-key": "asset:a", "x-request-id": "r" * 9,
        "server": "uvicorn", "date": format_date(NOW), **{name.replace("_", "-"): value for name, value in changes.items()},
    }  # fmt: skip
    head = Fields.of((name, value) for name, value in pairs.items() if value is not None)
    return new_entry(Key(key), Exchange.of(200, head, requested_at=NOW, received_at=NOW), body="ab" * 16, size_bytes=7)


@pytest.mark.parametrize(
    ("stored", "hot"),
    [
        pytest.param(hot_entry(), True, id="segment"),
        pytest.param(hot_entry(etag=None), True, id="no-etag"),
        pytest.param(hot_entry(etag='"other"'), False, id="etag-nginx-would-not-make"),
        pytest.param(hot_entry(last_modified=None), False, id="no-mtime"),
        pytest.param(hot_entry(last_modified="Sunday, 13-Sep-20 12:26:40 GMT"), False, id="date-nginx-would-not-write"),
        pytest.param(hot_entry(cache_control="public, max-age=60, immutable"), False, id="short-lived"),
        pytest.param(hot_entry(cache_control="public, max-age=31536000"), False, id="not-immutable"),
        pytest.param(hot_entry(set_cookie="a=b"), False, id="cookie"),
        pytest.param(hot_entry(vary="accept-encoding"), False, id="varies"),
        pytest.param(hot_entry(x_other="1"), False, id="field-nginx-would-not-send"),
        pytest.param(hot_entry(timing_allow_origin=None), False, id="field-nginx-would-add"),
        pytest.param(hot_entry(content_type="video/mp4"), False, id="type-nginx-would-not-send"),
        pytest.param(hot_entry("/v/a/1/360p/1.m4s?x"), False, id="query"),
        pytest.param(hot_entry("/v//a.m4s"), False, id="empty-segment"),
        pytest.param(hot_entry("/v/.a/b.m4s"), False, id="hidden-folder"),
        pytest.param(hot_entry("/v/a%2F.m4s"), False, id="escape"),
        pytest.param(hot_entry("/v/" + "a" * 300 + ".m4s"), False, id="long-name"),
        pytest.param(replace(hot_entry(), status=404), False, id="error"),
        pytest.param(replace(hot_entry(), soft_purged_at=NOW - 1), False, id="softly-purged"),
    ],
)
def test_hot_is_what_nginx_can_say_alone(stored: Entry, hot: bool) -> None:
    assert is_hot(stored, marks=Marks(), now=NOW) is hot


@pytest.mark.parametrize("file", ["1.m4s", "init.mp4", "poster.jpg", "storyboard.vtt"])
def test_what_our_origin_says_of_media_is_hot(file: str) -> None:
    key = parse_media_key(f"v/abcdefghijkm/1/360p/{file}")
    assert key is not None
    stat = Stat(key=str(key), size_bytes=7, modified_s=MODIFIED_S)
    head = Fields.of(object_headers(key, stat, last_modified=format_date(MODIFIED_S)).items())
    exchange = Exchange.of(200, head, requested_at=NOW, received_at=NOW)
    stored = new_entry(Key(f"/{key}"), exchange, body="ab" * 16, size_bytes=7)
    assert is_hot(stored, marks=Marks(), now=NOW)
    assert stored.tags == ("asset:abcdefghijkm", "rev:abcdefghijkm/1")


def test_hot_ends_with_a_mark() -> None:
    assert not is_hot(hot_entry(), marks=Marks(validate_before=NOW), now=NOW)


# --- nginx's help


@pytest.mark.parametrize(
    ("stored", "request_", "accelerable"),
    [
        pytest.param(
            entry(content_type="text/plain", vary="accept-encoding"), fields(range="bytes=0-1"), True, id="known"
        ),
        pytest.param(entry(content_type="text/plain", x_mine="1"), fields(), False, id="unknown-field"),
        pytest.param(entry(), fields(), False, id="no-type-nginx-would-add-one"),
        pytest.param(entry(content_type="text/plain"), fields(if_match='"a"'), False, id="if-match"),
    ],
)
def test_what_nginx_can_send(stored: Entry, request_: Fields, accelerable: bool) -> None:
    assert is_accelerable(stored, request_) is accelerable


# --- forwarding


def test_what_is_not_keyed_does_not_reach_the_origin() -> None:
    viewer = fields(
        host="evil", x_forwarded_host="evil", x_original_url="/admin", x_http_method_override="POST", x_playnet_public="",
        range="bytes=0-1", if_none_match='"a"', cache_control="no-cache", accept_encoding="br", connection="x-hop", x_hop="1",
        cookie="c", via="1.0 front", x_request_id="theirs",
    )  # fmt: skip
    asked = forwarded(viewer, node="edge-1", request_id="r1", conditions=False)
    assert dict(asked) == {
        "cookie": "c", "accept-encoding": "identity", "x-request-id": "r1", "via": "1.0 front, 1.1 edge-1", "cdn-loop": "edge-1",
    }  # fmt: skip
    assert forwarded(viewer, node="edge-1", request_id="r1", conditions=True).get("range") == "bytes=0-1"


@pytest.mark.parametrize(
    ("loop", "looping"), [("edge-1", True), ('other, edge-1; a="b"', True), ("edge-11", False), ("", False)]
)
def test_loops_are_seen(loop: str, looping: bool) -> None:
    assert is_looping(fields(cdn_loop=loop), "edge-1") is looping


# --- nginx.conf


def test_paths_cannot_inject_directives() -> None:
    def node(cache: str) -> Node:
        return Node(
            name="e", listen=Address("127.0.0.1", 1), hot=Path(cache) / "hot", bodies=Path(cache) / "bodies",
            brain=Path("/b"), reports=Path("/a"), process=Process(folder=Path("/n")), brain_timeout_s=30,
        )  # fmt: skip

    assert r'root "/c\"; evil;/hot";' in render(node('/c"; evil;'))
    with pytest.raises(ValueError, match=r"\$"):
        render(node("/$host"))
