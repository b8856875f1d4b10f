"""Attacks on front, node and cache, with bytes that no client library would send.

Each is refused with the right status or harmless: the origin is asked what it should be asked, and nothing wrong stays
in the cache. RFC 9112 §11.2 (smuggling), RFC 9111 §7.1 (poisoning), RFC 9110 §17.
"""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.integration.attacked import EVIL, Pair, attacked

_paths = count()
DOORS = pytest.mark.parametrize("door", ["front", "node"])


def fresh() -> str:
    """A path that nobody asked for yet, which the front sends to a node."""
    return f"/v/x{next(_paths)}"


def _port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    folder = Path(tempfile.mkdtemp(prefix="pn-", dir="/tmp"))
    folder.chmod(0o755)
    with attacked(folder, _port(), _port()) as started:
        yield started
    shutil.rmtree(folder, ignore_errors=True)


# --- smuggling

_INNER = b"GET /v/smuggled HTTP/1.1\r\nHost: site.test\r\n\r\n"
_CHUNKED_INNER = b"0\r\n\r\n" + _INNER


def _post(fields: bytes, body: bytes = _CHUNKED_INNER, version: bytes = b"1.1") -> bytes:
    return b"POST %s HTTP/" + version + b"\r\nHost: site.test\r\n" + fields + b"\r\n\r\n" + body


def _length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


_LAST = b"GET /v/last HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n"
_CHUNKED = b"Transfer-Encoding: chunked"

SMUGGLED = {
    "cl-te": (_post(_length(_CHUNKED_INNER) + b"\r\n" + _CHUNKED), [400]),
    "te-cl": (_post(_CHUNKED + b"\r\nContent-Length: 3"), [400]),
    "two-lengths": (_post(b"Content-Length: 5\r\n" + _length(_CHUNKED_INNER)), [400]),
    "one-length-twice": (_post(b"Content-Length: 5\r\nContent-Length: 5"), [400]),
    "length-list": (_post(b"Content-Length: 5, 5"), [400]),
    "length-signed": (_post(b"Content-Length: +5"), [400]),
    "length-negative": (_post(b"Content-Length: -1"), [400]),
    "length-hexadecimal": (_post(b"Content-Length: 0x5"), [400]),
    "length-with-a-space": (_post(b"Content-Length: 5 5"), [400]),
    "length-too-long": (_post(b"Content-Length: 99999999999999999999"), [400]),
    "length-empty": (_post(b"Content-Length: "), [400]),
    "te-gzip-chunked": (_post(b"Transfer-Encoding: gzip, chunked"), [501]),
    "te-twice": (_post(_CHUNKED + b"\r\n" + _CHUNKED), [400]),
    "te-chunked-chunked": (_post(b"Transfer-Encoding: chunked, chunked"), [501]),
    "te-identity": (_post(b"Transfer-Encoding: identity"), [501]),
    "te-misspelt": (_post(b"Transfer-Encoding: xchunked"), [501]),
    "te-quoted": (_post(b'Transfer-Encoding: "chunked"'), [501]),
    "te-vertical-tab": (_post(b"Transfer-Encoding: \x0bchunked"), [501]),
    "te-space-before-colon": (_post(b"Transfer-Encoding : chunked"), [400]),
    "te-after-a-fold": (_post(b"X-A: b\r\n Transfer-Encoding: chunked"), [400]),
    "te-in-1.0": (_post(_CHUNKED, version=b"1.0"), [400]),
    "bare-cr": (_post(b"X-A: b\rTransfer-Encoding: chunked"), [400]),
    "nul": (_post(b"X-A: b\0c"), [400]),
    "fold-as-first-line": (b"GET %s HTTP/1.1\r\n X: y\r\nHost: site.test\r\n\r\n" + _INNER, [400]),
    "chunk-size-is-no-number": (_post(_CHUNKED, b"5g\r\nhello\r\n" + _CHUNKED_INNER), [400]),
    "chunk-size-overflows": (_post(_CHUNKED, b"fffffffffffffffff1\r\nhello\r\n" + _CHUNKED_INNER), [400]),
    "chunk-size-negative": (_post(_CHUNKED, b"-1\r\nhello\r\n" + _CHUNKED_INNER), [400]),
    "chunk-without-its-end": (_post(_CHUNKED, b"5\r\nhelloXX" + _CHUNKED_INNER), [400]),
    "rejected-then-more": (b"GET %s HTTP/9.9\r\nHost: site.test\r\n\r\n" + _INNER, [505]),
    "two-hosts": (b"GET %s HTTP/1.1\r\nHost: site.test\r\nHost: evil.test\r\n\r\n" + _INNER, [400]),
    "no-host": (b"GET %s HTTP/1.1\r\n\r\n" + _INNER, [400]),
    "host-with-a-path": (b"GET %s HTTP/1.1\r\nHost: site.test/evil\r\n\r\n" + _INNER, [400]),
    "http-2-preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _INNER, [400]),
    # harmless: read as what they are
    "get-with-a-body": (b"GET %s HTTP/1.1\r\nHost: site.test\r\n" + _length(_INNER) + b"\r\n\r\n" + _INNER + _LAST, [200, 200]),
    "get-with-chunks": (
        b"GET %s HTTP/1.1\r\nHost: site.test\r\n" + _CHUNKED + b"\r\n\r\n%x\r\n" % len(_INNER) + _INNER + b"\r\n0\r\n\r\n" + _LAST,
        [200, 200],
    ),
    "post-with-a-body": (_post(_length(_INNER), _INNER + _LAST), [200, 200]),
    "trailers": (_post(_CHUNKED, b"2\r\nhi\r\n0\r\nX-Evil: 1\r\nContent-Length: 99\r\n\r\n" + _LAST), [200, 200]),
    "bare-lf": (b"GET %s HTTP/1.1\nHost: site.test\nConnection: close\n\n", [200]),
    "upgrade-to-h2c": (
        b"GET %s HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n" + _LAST,
        [200, 200],
    ),
    "expect-100": (_post(b"Expect: 100-continue\r\n" + _length(_INNER), _INNER + _LAST), [200, 200]),
    "expect-something-else": (_post(b"Expect: miracles\r\n" + _length(_INNER), _INNER + _LAST), [200, 200]),
}  # fmt: skip


@DOORS
@pytest.mark.parametrize("name", SMUGGLED)
def test_one_request_is_one_request(pair: Pair, door: str, name: str) -> None:
    request, statuses = SMUGGLED[name]
    path = fresh()
    heard = pair.send(door, request.replace(b"%s", path.encode(), 1))
    assert [answer.status for answer in heard] == statuses
    assert not pair.origin.asked("/v/smuggled"), "a hidden request reached the origin"
    assert all("x-evil" not in seen.names() and "expect" not in seen.names() for seen in pair.origin.seen)
    clean = pair.ask("node", path)
    assert (clean.status, clean.echo["target"], clean.echo["body"]) == (200, path, "")


# --- poisoning

POISON = [
    *(
        f"{name}: {value}"
        for value, names in {
            EVIL: "X-Forwarded-Host X-Forwarded-Server X-Forwarded-For X-Host X-Original-Host X-HTTP-Host-Override X-Backend-Host "
            "X-Real-IP X-Client-IP Client-IP True-Client-IP CF-Connecting-IP Fastly-Client-IP X-Cluster-Client-IP "
            "X-Remote-IP X-Remote-Addr X-Originating-IP X-ProxyUser-IP X-Playnet-Public X-Playnet-No-Accel Proxy "
            "X-Accel-Redirect X-Sendfile-Type X-Requested-Host Base-Url",
            f"https-{EVIL}": "X-Forwarded-Proto X-Forwarded-Protocol X-Forwarded-Scheme X-Forwarded-Ssl X-Scheme X-Url-Scheme "
            "X-Proto Front-End-Https",
            "666": "X-Forwarded-Port X-Original-Port",
            f"/{EVIL}": "X-Original-URL X-Rewrite-URL X-Override-URL X-Forwarded-Prefix X-Forwarded-Path X-Forwarded-Uri "
            "X-Original-URI Request-Uri X-Script-Name X-Middleware-Rewrite X-Invoke-Path",
            f"PUT-{EVIL}": "X-HTTP-Method-Override X-HTTP-Method X-Method-Override",
            f"middleware-{EVIL}": "X-Middleware-Subrequest X-Middleware-Prefetch X-Nextjs-Data",
        }.items()
        for name in names.split()
    ),
    f"Forwarded: for=1.2.3.4;host={EVIL};proto=https",
    f"Expect: {EVIL}",
    f"Upgrade: {EVIL}",
    f"TE: {EVIL}",
    f"If-Match: {EVIL}",
    f"If-None-Match: {EVIL}",
    f"Cache-Control: {EVIL}",
    f"Via: 1.1 {EVIL}",
    f"CDN-Loop: {EVIL}",
    f"X-Request-Id: {EVIL}-and-more",
    f"Accept-Encoding: {EVIL}",
    "Range: bytes=0-0",
]  # fmt: skip


@DOORS
@pytest.mark.parametrize("poison", POISON, ids=lambda poison: poison.partition(":")[0].lower())
def test_what_is_not_in_the_key_does_not_steer_what_is_cached(pair: Pair, door: str, poison: str) -> None:
    path = fresh()
    pair.ask(door, path, poison)
    clean = pair.ask(door, path)
    assert clean.status == 200
    assert EVIL not in clean.body.decode()
    assert (clean.echo["method"], clean.echo["target"]) == ("GET", path)
    assert "666" not in str(clean.echo["told"])


@pytest.mark.parametrize("host", [EVIL, f"{EVIL}:666", f"site.test:666@{EVIL}", "SITE.TEST", "site.test.", "[::1]:666"])
def test_the_origin_is_asked_by_its_own_name(pair: Pair, host: str) -> None:
    path = fresh()
    answers = [pair.ask("node", path, host=host), pair.ask("node", path)]
    asked = [seen.get("host") for seen in pair.origin.asked(path)]
    assert set(asked) <= {pair.origin.url.removeprefix("http://")}
    assert answers[1].status == 200
    assert EVIL not in answers[1].body.decode()


def test_the_host_of_the_target_does_not_steer_either(pair: Pair) -> None:
    path = fresh()
    pair.ask("node", f"http://{EVIL}{path}")
    assert EVIL not in str(pair.origin.asked(path))
    assert pair.ask("node", path).status == 200


def test_the_front_keeps_cookies_and_credentials_from_media(pair: Pair) -> None:
    path = fresh()
    pair.ask("front", path, f"Cookie: session={EVIL}", f"Authorization: Bearer {EVIL}")
    (seen,) = pair.origin.asked(path)
    assert EVIL not in str(seen.fields)
    assert "hit" in pair.ask("front", path).get("cache-status")


def test_an_answer_to_credentials_is_nobody_else_s(pair: Pair) -> None:
    path = fresh()
    pair.ask("node", path, f"Authorization: Bearer {EVIL}")
    assert EVIL not in pair.ask("node", path).body.decode()


@DOORS
def test_the_body_of_a_get_steers_nothing(pair: Pair, door: str) -> None:
    path = fresh()
    body = f"q={EVIL}"
    request = (
        f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    )
    pair.send(door, f"{request}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    assert pair.ask(door, path).echo["body"] == ""


@DOORS
@pytest.mark.parametrize(
    "query", ["a=1", "a=1;b=2", "a=1&b=2", "a=1&a=2", "a=2&a=1", "a=1%26b=2", "a=1&%61=2", "a[]=1", "A=1", ""]
)
def test_each_spelling_of_a_query_is_a_key_of_its_own(pair: Pair, door: str, query: str) -> None:
    target = f"/v/cloaked?{query}" if query else "/v/cloaked"
    for _ in range(2):
        assert pair.ask(door, target).echo["target"] == target


# --- deception


@pytest.mark.parametrize(
    "suffix",
    ["/x.css", "%2fx.css", ";x.css", "%3bx.css", "%23x.css", "%3fx.css", "/.css", "%0ax.css", "%09.css", "\\x.css", "%5cx.css",
     "/x.m4s", "/1/v/1.m4s", "//x.css", "?x.css", "%20.css", "/%e2%80%ae.css"],
)  # fmt: skip
def test_a_suffix_makes_nothing_cacheable(pair: Pair, suffix: str) -> None:
    target = f"/account{next(_paths)}{suffix}"
    answers = [pair.ask("node", target, "Cookie: session=victim"), pair.ask("node", target)]
    assert all("hit" not in answer.get("cache-status") for answer in answers)
    assert "victim" not in answers[1].body.decode()
    assert all(answer.status in {200, 400} for answer in answers)
    if answers[1].status == 200:
        assert str(answers[1].echo["target"]).lower() == target.lower(), "an escaped delimiter stays one"


@pytest.mark.parametrize(
    "target",
    ["/static/../account/x.css", "/static/%2e%2e/account/x.css", "/static/.%2e/account/x.css", "/account/%00.css", "/account/%2",
     "/account/%zz.css", "/./account.css", "/static/..", "/v/a/1/v/../../../account/1.m4s"],
)  # fmt: skip
def test_paths_that_say_something_else_than_they_mean_are_refused(pair: Pair, target: str) -> None:
    before = len(pair.origin.seen)
    assert pair.ask("node", target).status == 400
    assert len(pair.origin.seen) == before


# --- splitting: what an origin, or who steers it, puts into its answers

SPLIT = {
    "cr-in-a-value": (b"X-A: b\rSet-Cookie: evil=1\r\n", b"ok", {502}),
    "lf-in-a-value": (b"X-A: b\nX-Evil: 1\r\n", b"ok", {200, 502}),  # a bare LF ends a line (RFC 9112 §2.2)
    "nul-in-a-value": (b"X-A: b\0c\r\n", b"ok", {502}),
    "fold": (b"X-A: b\r\n evil: 1\r\n", b"ok", {200, 502}),
    "no-name": (b": evil\r\n", b"ok", {502}),
    "space-before-colon": (b"X-A : evil\r\n", b"ok", {502}),
    "two-lengths": (b"Content-Length: 1\r\n", b"ok", {502}),
    "length-and-chunks": (b"Transfer-Encoding: chunked\r\n", b"2\r\nok\r\n0\r\n\r\n", {502}),
    "length-list": (b"Content-Length: 2, 3\r\n", b"ok", {502}),
    "accel": (b"X-Accel-Redirect: /.playnet/bodies/x\r\nX-Accel-Buffering: yes\r\n", b"ok", {200}),
}


@pytest.mark.parametrize("name", SPLIT)
def test_an_origin_cannot_split_an_answer(pair: Pair, name: str) -> None:
    path = fresh()
    fields, body, statuses = SPLIT[name]
    head = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\nConnection: close\r\n"
    pair.origin.answers[path] = head + fields + b"\r\n" + body
    for _ in range(2):
        answer = pair.ask("node", path)
        assert answer.status in statuses
        assert "set-cookie" not in answer.fields
        assert not any(name.startswith("x-accel") for name in answer.fields)
        assert answer.status != 200 or answer.body == b"ok"


# --- traversal

INSIDE = [
    "/.playnet/bodies/", "/%2eplaynet/bodies/x", "/.playnet%2fbodies%2fx", "/.playnet/problem/400", "/./.playnet/bodies/x",
    "/v/../.playnet/bodies/x", "/v/%2e%2e/.playnet/bodies/x", "/..%2f..%2fetc%2fpasswd", "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..\\..\\etc\\passwd", "/..%5c..%5cetc%5cpasswd", "/v/..;/..;/etc/passwd", "/metrics",
    "/%6detrics", "/metrics/", "//metrics", "/t/x/metrics", "/t/x/%6detrics", "/debug", "/debug/node", "/%64ebug/node",
    "/t/x/debug/entry?url=/v/a", "//debug/node", "/debug/entry?url=/v/a", "/t/x/.playnet/bodies/x", "/t/../debug/node",
]  # fmt: skip


@DOORS
@pytest.mark.parametrize("target", INSIDE)
def test_nothing_of_the_inside_shows(pair: Pair, door: str, target: str) -> None:
    answer = pair.ask(door, target)
    assert b"playnet_edge_" not in answer.body
    assert b"root:" not in answer.body
    assert b'"purge_position"' not in answer.body
    assert b'"verdict"' not in answer.body
    if answer.status == 200:  # then the origin said it, of exactly this target
        assert answer.echo["method"] == "GET"
    else:
        assert answer.status in {400, 404}


@DOORS
def test_stored_files_cannot_be_named(pair: Pair, door: str) -> None:
    path = fresh()
    pair.ask("node", path)
    assert "hit" in pair.ask("node", path).get("cache-status")
    for file in (file for file in pair.cache.rglob("*") if file.is_file() and "nginx" not in file.parts):
        for target in (f"/.playnet/bodies/{file.name}", f"/.playnet/{file.relative_to(pair.cache)}"):
            assert pair.ask(door, target).status == 404 or "target" in pair.ask(door, target).echo


# --- too much

CHUNKED = b"POST %s HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


@DOORS
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(b"GET /v/" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414, id="target"),
        pytest.param(b"GET %s HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431, id="field"),
        pytest.param(
            b"GET %s HTTP/1.1\r\nHost: h\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(90)) + b"\r\n", 431,
            id="fields",
        ),
        pytest.param(b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", 413, id="body"),
        pytest.param(CHUNKED + b"4000000000\r\n" + b"x" * 1000, 413, id="chunk"),
        pytest.param(CHUNKED + b"ZZZ\r\n", 400, id="no-chunk"),
    ],
)  # fmt: skip
def test_too_much_is_said_to_be_too_much(pair: Pair, door: str, request_: bytes, status: int) -> None:
    (answer,) = pair.send(door, request_.replace(b"%s", fresh().encode(), 1))
    assert answer.status == status
    assert answer.get("content-type") == "application/problem+json"
    assert answer.get("cache-control") == "no-store"


@pytest.mark.parametrize("count_", [7, 1000])
def test_a_flood_of_ranges_costs_no_more_than_the_whole(pair: Pair, count_: int) -> None:
    path = fresh()
    whole = pair.ask("node", path)
    for ranges in (",".join(["0-"] * count_), ",".join(f"{n}-{n}" for n in range(0, 2 * count_, 2))):
        answer = pair.ask("node", path, f"Range: bytes={ranges}")
        assert answer.status in {200, 206, 416, 431}
        assert len(answer.body) <= 2 * len(whole.body) + 2000


# --- hop by hop


@DOORS
@pytest.mark.parametrize(
    "named", ["X-Secret", "x-secret, Host, Via, CDN-Loop, X-Request-Id", "X-Secret, X-Playnet-Public, Cookie"]
)
def test_fields_that_connection_names_stay_on_their_hop(pair: Pair, door: str, named: str) -> None:
    path = fresh()
    request = f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close, {named}\r\nX-Secret: {EVIL}\r\n\r\n"
    (answer,) = pair.send(door, request.encode())
    assert answer.status == 200
    (seen,) = pair.origin.asked(path)
    assert "x-secret" not in seen.names()
    assert {"host", "via", "cdn-loop", "x-request-id"} <= seen.names()
    assert pair.ask(door, "/metrics").status == 404
