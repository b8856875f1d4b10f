"""Whom a node asks: order, no rounds, spread; health; proofs; positions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.decide import Fetch, Revalidate, Serve
from edge.core.entry import Exchange, new_entry
from edge.core.health import LONGEST_PAUSE_S, Health
from edge.core.key import Key
from edge.core.parents import Fleet, passed, ring_key, spread
from edge.core.peering import Position, for_peer, heard, told
from edge.core.proof import LIFETIME_S, Prover
from playnet.config import Address
from playnet.http.fields import Fields
from playnet.ring import Node, Ring

NAMES = ("a", "b", "c", "d", "e")
NODES = [Node(name, Address("127.0.0.1", 9000 + index)) for index, name in enumerate(NAMES)]
RING = Ring(NODES)
NOBODY: frozenset[str] = frozenset()


def fleet(me: str, *, ring: bool = True, shields: tuple[str, ...] = ()) -> Fleet:
    return Fleet(me, NODES, uses_ring=ring, shields=shields)


def names(of: Fleet, key: str, *, passed: frozenset[str] = NOBODY, down: frozenset[str] = NOBODY) -> list[str]:
    return [peer.name for peer in of.peers(Key(key), passed=passed, down=down)]


def order(key: str) -> list[str]:
    return [node.name for node in RING.preference(key)]


KEY = "/v/abc/1/720p/7.m4s"


def test_a_node_asks_those_before_it_and_the_owner_nobody() -> None:
    owner, second, third, *_, last = order(KEY)
    assert names(fleet(owner), KEY) == []
    assert names(fleet(second), KEY) == [owner]
    assert names(fleet(third), KEY) == names(fleet(last), KEY) == [owner, second]
    assert names(fleet(second), KEY, down=frozenset({owner})) == [], "it is the owner then"
    assert names(fleet(third), KEY, down=frozenset({owner})) == [second]


def test_a_request_that_passed_a_node_goes_to_a_shield_or_to_origins_only() -> None:
    owner, second, *_, last = order(KEY)
    assert names(fleet(second), KEY, passed=frozenset({last, second})) == []
    assert names(fleet(second), KEY, passed=frozenset({"somebody else's cache", second})) == [owner]
    assert names(fleet(owner, shields=(last,)), KEY, passed=frozenset({second})) == [last]
    assert names(fleet(second, shields=(last,)), KEY) == [owner, last]
    assert names(fleet(last, shields=(last,)), KEY, passed=frozenset({owner})) == [], "a shield never asks itself"
    assert names(fleet(second, ring=False, shields=(last,)), KEY) == [last]
    assert names(fleet(second, ring=False, shields=(last,)), KEY, down=frozenset({last})) == []


@given(
    key=st.text("abc/%?", min_size=1, max_size=8),
    down=st.frozensets(st.sampled_from(NAMES)),
    rounds=st.sampled_from(NAMES),
)
def test_no_way_through_a_fleet_is_longer_than_owner_and_shield(key: str, down: frozenset[str], rounds: str) -> None:
    fleets = {name: fleet(name, shields=("a", "b")) for name in NAMES}
    open_ways = [(rounds,)]
    while open_ways:
        way = open_ways.pop()
        assert len(way) <= 3
        assert len(set(way)) == len(way), "no node twice"
        further = names(fleets[way[-1]], "/" + key, passed=frozenset(way), down=down)
        open_ways += [(*way, name) for name in further]


@pytest.mark.parametrize(
    ("key", "hashed"),
    [
        ("/v/a/1.m4s", "/v/a/1.m4s"),
        ("/v/a/1.m4s?x=1", "/v/a/1.m4s"),
        ("/v/a%20b", "/v/a b"),
        ("/v/%C3%A4#0123", "/v/ä"),
        ("/v/%FF", "/v/\ufffd"),
    ],
    ids=["plain", "query", "escape", "variant", "no-text"],
)
def test_the_ring_hashes_what_the_front_hashes(key: str, hashed: str) -> None:
    assert ring_key(Key(key)) == hashed


def test_origins_share_the_keys_and_stand_in_for_each_other() -> None:
    origins = ["http://o1", "http://o2", "http://o3"]
    firsts = [spread(Key(f"/v/{n}"), origins, down=NOBODY)[0].url for n in range(3000)]
    assert all(900 < firsts.count(origin) < 1100 for origin in origins)
    before = [origin.url for origin in spread(Key(KEY), origins, down=NOBODY)]
    after = [origin.url for origin in spread(Key(KEY), origins, down=frozenset({before[0]}))]
    assert after == [*before[1:], before[0]], "who is down comes last, the others keep their order"
    assert spread(Key(KEY + "?x"), origins, down=NOBODY) == spread(Key(KEY + "#v"), origins, down=NOBODY)


def test_passed_reads_every_cache_that_the_request_was_at() -> None:
    request = Fields.of([("CDN-Loop", "a;v=1, B"), ("cdn-loop", "other")])
    assert passed(request) == {"a", "b", "other"}


def test_a_parent_that_fails_rests_ever_longer_and_is_tried_by_one_at_a_time() -> None:
    health, now, pauses = Health(), 0.0, []
    assert health.failed("a", now), "news"
    assert not health.failed("a", now), "another request that was under way"
    for _ in range(8):
        began = now
        while "a" in health.down(now):
            now += 0.5
        pauses.append(now - began)
        health.tries("a", now)
        assert "a" in health.down(now), "everybody else keeps away from the trial"
        health.failed("a", now)
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == LONGEST_PAUSE_S
    assert health.succeeded("a")
    assert not health.down(now)
    assert not health.succeeded("a"), "no news"


PROVER = {name: Prover(name, b"a secret of the fleet") for name in NAMES}


@pytest.mark.parametrize(
    ("receiver", "target", "later_s", "is_proven"),
    [
        ("b", "/x?y", 0, True),
        ("b", "/x?y", LIFETIME_S + 59, True),
        ("b", "/x?y", LIFETIME_S + 61, False),
        ("b", "/x?y", -61, False),
        ("c", "/x?y", 0, False),
        ("b", "/x", 0, False),
    ],
    ids=["right", "clock-ahead", "too-old", "from-the-future", "other-receiver", "other-target"],
)
def test_a_proof_is_good_for_one_question_to_one_node(
    receiver: str, target: str, later_s: float, is_proven: bool
) -> None:
    proof = PROVER["a"].proof("b", "fill", "/x?y", now=1000)
    proven = PROVER[receiver].proven(proof, target, now=1000 + later_s)
    assert (proven is not None) is is_proven


def test_no_altered_proof_is_believed() -> None:
    proof = PROVER["a"].proof("b", "fill", "/x", now=1000)
    foreign = Prover("a", b"a secret of somebody").proof("b", "fill", "/x", now=1000)
    altered = [
        proof.replace(old, new, 1) for old, new in (("fill", "hint"), (";a;", ";c;"), ("1030", "1060"), ("v1", "v2"))
    ]
    for wrong in (None, "", "v1", foreign, proof[:-1], proof + "0", *altered):
        assert PROVER["b"].proven(wrong, "/x", now=1000) is None, wrong


def test_a_position_demands_what_has_begun_and_tells_what_is_applied() -> None:
    now = 5.0
    position = Position.at(7, lambda: now)
    position.begins(8)
    assert (position.begun, position.applied) == ((8, 0), (7, 0))
    position.ends()
    position.begins(8, 1)
    assert (position.begun, position.applied) == ((8, 1), (8, 0)), "an order that came late at the same place"
    assert position.trusts_peers
    position.begins(3)
    assert not position.trusts_peers, "the log was lost"
    now += 61
    assert position.trusts_peers


def test_what_peers_tell_is_taken_out_of_the_answer() -> None:
    said = told(("t1", "t2"), "Wed, 21 Oct 2015 07:28:00 GMT", (12, 3))
    exchange = Exchange(200, Fields((("date", "Thu, 22 Oct 2015 07:28:00 GMT"), ("age", "9"), *said)), 0, 0)
    position, own = heard(exchange)
    assert position == (12, 3)
    assert own.fields.pairs == (
        ("age", "9"), ("surrogate-key", "t1 t2"), ("date", "Wed, 21 Oct 2015 07:28:00 GMT"),
    )  # fmt: skip
    assert heard(own)[0] is None


@pytest.mark.parametrize("grace", [True, False])
def test_peers_get_nothing_stale(grace: bool) -> None:
    entry = new_entry(Key("/x"), Exchange(200, Fields(), 0, 0), body="", size_bytes=0)
    assert for_peer(Serve(entry, refresh=True)) == Revalidate(entry, may_serve_on_error=False)
    assert for_peer(Revalidate(entry, may_serve_on_error=grace)) == Revalidate(entry, may_serve_on_error=False)
    assert (for_peer(Serve(entry)), for_peer(Fetch())) == (Serve(entry), Fetch())
