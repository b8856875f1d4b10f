"""What http-cache-tests lacks, and what this node promises beyond it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.aio import run
from tests.integration.edge_parts import Clock, brain

from .scenario import (
    HIT,
    MISS,
    REPLACED,
    UNSTORED,
    VALIDATED,
    Scenario,
    WireOrigin,
    get,
    play,
    reply,
    request,
    wait,
)

EARLY: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nX-Early: 1\r\n\r\n"
PROCESSING: Final = b"HTTP/1.1 102 Processing\r\n\r\n"

TARGETED = [
    Scenario("shared-cache-prefers-s-maxage", "RFC 9111 §5.2.2.10", [
        get("/v", MISS, origin=reply("max-age=1, s-maxage=60")), wait(30), get("/v", HIT)]),
    Scenario("target-over-cache-control", "RFC 9213 §2.2", [
        get("/v", MISS, origin=reply("no-store", CDN_Cache_Control="max-age=60")), wait(30), get("/v", HIT),
        wait(31), get("/v", REPLACED, origin=reply("no-store", CDN_Cache_Control="max-age=60"))]),
    Scenario("target-over-expires", "RFC 9213 §2.2", [
        get("/v", MISS, origin=reply(CDN_Cache_Control="max-age=60", Expires="0")), wait(30), get("/v", HIT)]),
    Scenario("our-target-over-the-common-one", "RFC 9213 §2.2", [
        get("/v", MISS, origin=reply(PlayNet_CDN_Cache_Control="max-age=60", CDN_Cache_Control="no-store")), wait(59), get("/v", HIT)]),
    Scenario("target-forbids", "RFC 9213 §2.2", [
        get("/v", UNSTORED, origin=reply("max-age=60", CDN_Cache_Control="no-store")),
        get("/v", UNSTORED, origin=reply("max-age=60", CDN_Cache_Control="no-store"))]),
    Scenario("target-private", "RFC 9213 §2.2", [
        get("/v", UNSTORED, origin=reply("public, max-age=60", CDN_Cache_Control="private, max-age=60"))]),
    Scenario("malformed-target-is-absent", "RFC 9213 §2.1", [
        get("/v", MISS, origin=reply("max-age=60", CDN_Cache_Control="no-store, max-age=")), wait(30), get("/v", HIT)]),
    Scenario("empty-target-is-absent", "RFC 9213 §2.1", [
        get("/v", MISS, origin=reply("max-age=60", CDN_Cache_Control="")), wait(30), get("/v", HIT)]),
    Scenario("target-parameters-are-ignored", "RFC 9213 §2.1", [
        get("/v", MISS, origin=reply("no-store", CDN_Cache_Control='max-age=60;a="b";c, public;d=1')), wait(59), get("/v", HIT)]),
    Scenario("target-names-are-lower-case", "RFC 9651 §3.1.2", [
        get("/v", MISS, origin=reply("max-age=60", CDN_Cache_Control="Max-Age=1")), wait(30), get("/v", HIT)]),
    Scenario("targets-stay-for-caches-behind-us", "RFC 9213 §3.1", [
        get("/v", MISS, origin=reply("no-cache", CDN_Cache_Control="max-age=60"),
            has={"CDN-Cache-Control": "max-age=60", "Cache-Control": "no-cache"})]),
    Scenario("target-grants-stale-answers", "RFC 9213 §2.2, RFC 5861 §3", [
        get("/v", MISS, origin=reply("max-age=1", CDN_Cache_Control="max-age=10, stale-while-revalidate=60")), wait(20),
        get("/v", "hit; ttl=-10; detail=stale-while-revalidate", origin=reply("max-age=1", CDN_Cache_Control="max-age=10")),
        get("/v", "hit; ttl=9")]),
    Scenario("surrogate-control-means-nothing-and-is-not-shown", "retired", [
        get("/v", MISS, origin=reply("max-age=60", Surrogate_Control="no-store"), lacks=["Surrogate-Control"]), get("/v", HIT)]),
]  # fmt: skip

MESSAGES = [
    Scenario("interim-responses-come-before-the-answer", "RFC 9110 §15.2", [
        get("/v", MISS, origin=reply("max-age=60", before=[EARLY]), body=b"body", lacks=["Link", "X-Early"]),
        get("/v", HIT, body=b"body", lacks=["Link", "X-Early"])]),
    Scenario("several-interim-responses", "RFC 9110 §15.2", [
        get("/v", MISS, origin=reply("max-age=60", before=[PROCESSING, EARLY, EARLY])), get("/v", HIT)]),
    Scenario("interim-response-before-304", "RFC 9110 §15.2", [
        get("/v", MISS, origin=reply("max-age=10", ETag='"a"')), wait(11),
        get("/v", VALIDATED, origin=reply("max-age=10", before=[EARLY], ETag='"a"'), body=b"body"), get("/v", HIT)]),
    Scenario("interim-response-to-an-unsafe-request", "RFC 9110 §15.2", [
        request("POST", "/v", "fwd=method; fwd-status=201", origin=reply(status=201, before=[PROCESSING]), status=201, sends=b"x")]),
    Scenario("no-protocol-is-switched", "RFC 9110 §15.2.2", [
        get("/v", "fwd=miss; detail=upstream-failed", origin=reply(status=101, Upgrade="x", Connection="upgrade"), status=502)]),
    Scenario("a-status-that-is-none", "RFC 9110 §15", [
        get("/v", "fwd=miss; detail=upstream-failed", origin=reply(status=999), status=502)]),
    Scenario("trailers-are-dropped", "RFC 9110 §6.5.1", [
        get("/v", MISS, origin=reply("max-age=60", trailers={"X-Sum": "1"}, Trailer="X-Sum"), body=b"body", lacks=["X-Sum", "Trailer"]),
        get("/v", HIT, body=b"body", lacks=["X-Sum", "Trailer"])]),
    Scenario("fields-of-one-connection", "RFC 9110 §7.6.1", [
        get("/v", MISS, origin=reply("max-age=60", Connection="X-Hop, close", X_Hop="1", X_End="2"), lacks=["X-Hop"],
            has={"X-End": "2"}),
        get("/v", HIT, lacks=["X-Hop"], has={"X-End": "2"})]),
    Scenario("body-of-a-get-goes-nowhere", "RFC 9110 §9.3.1", [
        get("/v", MISS, origin=reply("max-age=60"), sends=b"fat", saw={"Content-Length": None, "Transfer-Encoding": None})]),
    Scenario("age-of-what-is-not-stored", "RFC 9111 §5.1", [
        get("/v", UNSTORED, origin=reply("no-store", Age="30"), has={"Age": "30"})]),
    Scenario("a-missing-date-is-put-in", "RFC 9110 §6.6.1", [
        get("/v", MISS, origin=reply("max-age=60", Date="yesterday")), wait(59), get("/v", HIT)]),
]  # fmt: skip

LOOPS = [
    Scenario("cdn-loop-is-refused", "RFC 8586 §2", [
        get("/v", "detail=loop-detected", status=508, CDN_Loop="edge-t"),
        get("/v", "detail=loop-detected", status=508, CDN_Loop='other, edge-t; v="1"'),
        request("POST", "/v", "detail=loop-detected", status=508, sends=b"x", CDN_Loop="edge-t")]),
    Scenario("cdn-loop-is-extended", "RFC 8586 §2", [
        get("/v", MISS, origin=reply("max-age=60"), CDN_Loop="other; a=1", saw={"CDN-Loop": "other; a=1, edge-t"}),
        get("/v", HIT, CDN_Loop="other")]),
    Scenario("cdn-loop-of-unsafe-requests", "RFC 8586 §2", [
        request("PUT", "/v", "fwd=method; fwd-status=204", origin=reply(status=204), status=204, sends=b"x", saw={"CDN-Loop": "edge-t"})]),
    Scenario("via-names-every-hop", "RFC 9110 §7.6.3", [
        get("/v", MISS, origin=reply("max-age=60", Via="1.0 shield"), Via="1.1 front", saw={"Via": "1.1 front, 1.1 edge-t"},
            has={"Via": "1.0 shield, 1.1 edge-t"})]),
]  # fmt: skip

STATUS = [
    Scenario("cache-status-of-a-life", "RFC 9211 §2", [
        get("/v", MISS, origin=reply("max-age=10", ETag='"a"')), wait(4), get("/v", "hit; ttl=5"), wait(7),
        get("/v", VALIDATED, origin=reply("max-age=10", ETag='"a"')), wait(11),
        get("/v", REPLACED, origin=reply("max-age=10", ETag='"b"'))]),
    Scenario("cache-status-keeps-other-caches", "RFC 9211 §2", [
        get("/v", MISS, origin=reply("max-age=60", Cache_Status="shield; hit"),
            has={"Cache-Status": "shield; hit, edge-t; fwd=miss; fwd-status=200; stored"}),
        get("/v", "hit; ttl=59", has={"Cache-Status": "shield; hit, edge-t; hit; ttl=59"})]),
    Scenario("cache-status-of-variants", "RFC 9211 §2.2", [
        get("/v", MISS, origin=reply("max-age=60", Vary="Foo"), Foo="1"),
        get("/v", "fwd=vary-miss; fwd-status=200; stored", origin=reply("max-age=60", Vary="Foo", body=b"two"), Foo="2"),
        get("/v", HIT, Foo="1", body=b"body"), get("/v", HIT, Foo=" 2 ", body=b"two")]),
    Scenario("cache-status-of-what-is-not-stored", "RFC 9211 §2.3", [
        get("/v", UNSTORED, origin=reply("private")), get("/w", "fwd=miss; fwd-status=404", origin=reply(status=404), status=404)]),
    Scenario("cache-status-of-methods", "RFC 9211 §2.2", [
        request("OPTIONS", "/v", "fwd=method; fwd-status=204", origin=reply(status=204), status=204),
        request("TRACE", "/v", "fwd=method; detail=refused", status=405)]),
    Scenario("cache-status-of-errors", "RFC 9211 §2.8", [
        get("/v", MISS, origin=reply("max-age=10, stale-if-error=60")), wait(20),
        get("/v", "fwd=stale; fwd-status=503; detail=stale-if-error", origin=reply("max-age=60", status=503), body=b"body"),
        wait(61), get("/v", "fwd=stale; fwd-status=503", origin=reply(status=503), status=503)]),
]  # fmt: skip

RULES = [
    Scenario("only-if-cached", "RFC 9111 §5.2.1.7", [
        get("/v", "detail=not-stored", status=504, Cache_Control="only-if-cached"),
        get("/v", MISS, origin=reply("max-age=60")), get("/v", HIT, Cache_Control="only-if-cached")]),
    Scenario("viewers-do-not-steer-the-cache", "RFC 9111 §5.2.1", [
        get("/v", MISS, origin=reply("max-age=60"), Cache_Control="no-store"), get("/v", HIT, Cache_Control="no-cache"),
        get("/v", HIT, Cache_Control="max-age=0"), get("/v", HIT, Pragma="no-cache")]),
    Scenario("cookie-for-one-viewer-alone", "RFC 9111 §5.2.2.4", [
        get("/v", MISS, origin=reply('max-age=60, no-cache="Set-Cookie"', Set_Cookie="a=b"), has={"Set-Cookie": "a=b"}),
        get("/v", HIT, lacks=["Set-Cookie"])]),
    Scenario("cookies-are-not-shared", "RFC 9111 §7.3", [
        get("/v", UNSTORED, origin=reply("public, max-age=60", Set_Cookie="a=b")),
        get("/v", UNSTORED, origin=reply("public, max-age=60", Set_Cookie="a=c"), has={"Set-Cookie": "a=c"})]),
    Scenario("cookie-in-a-304-is-not-shared", "RFC 9111 §3.2", [
        get("/v", MISS, origin=reply("max-age=10", ETag='"a"')), wait(11),
        get("/v", VALIDATED, origin=reply("max-age=10", ETag='"a"', Set_Cookie="a=b"), has={"Set-Cookie": "a=b"}),
        get("/v", HIT, lacks=["Set-Cookie"])]),
    Scenario("no-content-has-no-length", "RFC 9110 §8.6", [
        get("/v", "fwd=miss; fwd-status=204; stored", origin=reply("max-age=60", status=204), status=204, lacks=["Content-Length"]),
        get("/v", HIT, status=204, lacks=["Content-Length", "Transfer-Encoding"])]),
    Scenario("storable-again-after-a-private-answer", "RFC 9111 §3", [
        get("/v", UNSTORED, origin=reply("private")), get("/v", MISS, origin=reply("max-age=60")), get("/v", HIT)]),
    Scenario("a-304-can-forbid-to-keep-it", "RFC 9111 §3.2", [
        get("/v", MISS, origin=reply("max-age=10", ETag='"a"')), wait(11),
        get("/v", VALIDATED, origin=reply("no-store", ETag='"a"')), get("/v", UNSTORED, origin=reply("no-store", ETag='"a"'))]),
    Scenario("trouble-of-one-asker-replaces-nothing", "RFC 6585 §4", [
        get("/v", MISS, origin=reply("max-age=10", ETag='"a"')), wait(11),
        get("/v", "fwd=stale; fwd-status=429", origin=reply(status=429), status=429),
        get("/v", VALIDATED, origin=reply("max-age=10", ETag='"a"'))]),
    Scenario("unsafe-requests-invalidate-all-variants", "RFC 9111 §4.4", [
        get("/v", MISS, origin=reply("max-age=60", Vary="Foo"), Foo="1"),
        get("/v", "fwd=vary-miss; fwd-status=200; stored", origin=reply("max-age=60", Vary="Foo"), Foo="2"),
        request("PATCH", "/v", "fwd=method; fwd-status=200", origin=reply(), sends=b"change", If_Match='"a"', saw={"If-Match": '"a"'}),
        get("/v", MISS, origin=reply("max-age=60", Vary="Foo"), Foo="1"),
        get("/v", "fwd=vary-miss; fwd-status=200; stored", origin=reply("max-age=60", Vary="Foo"), Foo="2")]),
    Scenario("a-variant-is-refreshed-as-itself", "RFC 9111 §4.1", [
        get("/v", MISS, origin=reply("max-age=10, stale-while-revalidate=60", Vary="Accept-Language"), Accept_Language="DE, en;q=0.5"),
        wait(20),
        get("/v", "hit; ttl=-10; detail=stale-while-revalidate", Accept_Language="de,en;q=0.5", saw={"Accept-Language": "de,en;q=0.5"},
            origin=reply("max-age=10", Vary="Accept-Language", body=b"neu")),
        get("/v", "hit; ttl=9", Accept_Language="de,en;q=0.5", body=b"neu")]),
    Scenario("accept-encoding-needs-no-variants", "RFC 9110 §12.5.3", [
        get("/v", MISS, origin=reply("max-age=60", Vary="Accept-Encoding"), Accept_Encoding="br", saw={"Accept-Encoding": "identity"}),
        get("/v", HIT, Accept_Encoding="gzip, zstd"),
        get("/w", MISS, origin=reply("max-age=60", Vary="Accept-Encoding, Foo"), Accept_Encoding="br", Foo="1"),
        get("/w", HIT, Foo="1")]),
    Scenario("head-freshens", "RFC 9111 §4.3.5", [
        get("/v", MISS, origin=reply("max-age=10", ETag='"a"', X="1")), wait(11),
        request("HEAD", "/v", "fwd=stale; fwd-status=200; stored", origin=reply("max-age=10", ETag='"a"', X="2"), saw={"If-None-Match": None}),
        get("/v", "hit; ttl=9", has={"X": "2"}, body=b"body")]),
    Scenario("head-of-something-else-does-not", "RFC 9111 §4.3.5", [
        get("/v", MISS, origin=reply("max-age=10", ETag='"a"')), wait(11),
        request("HEAD", "/v", "fwd=stale; fwd-status=200", origin=reply("max-age=10", ETag='"b"'), has={"ETag": '"b"'}),
        get("/v", REPLACED, origin=reply("max-age=10", ETag='"b"', body=b"new"), body=b"new")]),
    Scenario("range-of-a-complete-entry", "RFC 9111 §3.3", [
        get("/v", MISS, origin=reply("max-age=60", body=b"0123456789"), Range="bytes=2-3", status=206, body=b"23", saw={"Range": "bytes=0-8388607"}),
        get("/v", HIT, Range="bytes=-1", status=206, body=b"9", has={"Content-Range": "bytes 9-9/10"}),
        get("/v", HIT, body=b"0123456789")]),
    Scenario("partial-answers-are-not-kept", "RFC 9111 §3.3", [
        get("/v", "fwd=miss; fwd-status=206", origin=reply("max-age=60", status=206, Content_Range="bytes 0-3/9"), status=206),
        get("/v", MISS, origin=reply("max-age=60"))]),
    Scenario("immutable-is-still-bounded-by-its-lifetime", "RFC 8246 §2", [
        get("/v", MISS, origin=reply("max-age=10, immutable", ETag='"a"')), get("/v", HIT, Cache_Control="max-age=0"), wait(11),
        get("/v", VALIDATED, origin=reply("max-age=10, immutable", ETag='"a"'))]),
]  # fmt: skip

WISHES = [
    Scenario("viewers-demand-validation", "RFC 9111 §5.2.1.4", [
        get("/v", MISS, origin=reply("max-age=60", ETag='"a"')),
        get("/v", VALIDATED, origin=reply("max-age=60", ETag='"a"'), Cache_Control="no-cache"),
        get("/v", VALIDATED, origin=reply("max-age=60", ETag='"a"'), Pragma="no-cache"),
        wait(10), get("/v", VALIDATED, origin=reply("max-age=60", ETag='"a"'), Cache_Control="max-age=9"),
        get("/v", HIT, Cache_Control="max-age=9"),
        get("/v", VALIDATED, origin=reply("max-age=60", ETag='"a"'), Cache_Control="min-fresh=99")]),
    Scenario("viewers-take-what-is-stale", "RFC 9111 §5.2.1.2", [
        get("/v", MISS, origin=reply("max-age=10")), wait(20), get("/v", "hit; ttl=-10", Cache_Control="max-stale=15"),
        get("/v", REPLACED, origin=reply("max-age=10, must-revalidate"), Cache_Control="max-stale=5"), wait(20),
        get("/v", REPLACED, origin=reply("max-age=10"), Cache_Control="max-stale")]),
    Scenario("viewers-leave-nothing-behind", "RFC 9111 §5.2.1.5", [
        get("/v", "fwd=request; fwd-status=200", origin=reply("max-age=60"), Cache_Control="no-store"),
        get("/v", MISS, origin=reply("max-age=60"))]),
]  # fmt: skip

GROUPS: Final = {
    "targeted": TARGETED, "messages": MESSAGES, "loops": LOOPS, "status": STATUS, "rules": RULES, "wishes": WISHES,
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_scenarios(name: str, short_tmp: Path, free_port: Callable[[], int]) -> None:
    """One node for a group: its scenarios have paths of their own and only share the clock."""

    async def body() -> None:
        clock = Clock()
        origin = WireOrigin(clock)
        failures = []
        async with origin.running():
            honours = name == "wishes"
            node = brain(free_port(), short_tmp, origins=(origin.url,), clock=clock, honour_request_directives=honours)
            async with node as lab:
                for scenario in GROUPS[name]:
                    try:
                        await play(scenario, lab, origin, clock)
                    except AssertionError as exc:
                        failures.append(f"{scenario.id} ({scenario.spec}): {exc}")
        assert not failures, "\n" + "\n".join(failures)

    run(body())


def test_every_scenario_has_a_name_of_its_own() -> None:
    scenarios = [scenario for group in GROUPS.values() for scenario in group]
    assert len({scenario.id for scenario in scenarios}) == len(scenarios)
