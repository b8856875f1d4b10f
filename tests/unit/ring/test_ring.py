"""Laws of the ring; that it is nginx's ring is proven in tests/integration/test_ring_nginx.py."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playnet.config import Address, Config
from playnet.errors import ConfigError
from playnet.ring import POINTS_PER_WEIGHT, Node, Ring, moved, moved_keys, ring_of

KEYS = [f"/v/asset{n}/1/720p/{n}.m4s" for n in range(300)]


def node(index: int, weight: int = 1) -> Node:
    return Node(f"edge-{index}", Address("10.0.0.1", 8000 + index), weight)


fleets = st.lists(st.integers(1, 4), min_size=2, max_size=6).map(
    lambda weights: tuple(node(index, weight) for index, weight in enumerate(weights))
)


@given(fleets)
@settings(max_examples=20, deadline=None)
def test_shares_cover_the_circle_and_follow_the_weights(fleet: tuple[Node, ...]) -> None:
    share = Ring(fleet).share()
    assert sum(share.values()) == 1
    total = sum(member.weight for member in fleet)
    for member in fleet:
        # 160 points give a relative spread of about 1/sqrt(160) = 8 %; five of that is never seen by chance.
        assert abs(float(share[member.name]) / (member.weight / total) - 1) < 5 * (POINTS_PER_WEIGHT**-0.5)


@given(fleets, st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_a_new_node_only_takes(fleet: tuple[Node, ...], weight: int) -> None:
    before, after = Ring(fleet), Ring((*fleet, node(99, weight)))
    change = moved(before, after)
    assert {move.target for move in change.moves} == {"edge-99"}
    assert change.share == after.share()["edge-99"]
    assert {target for _, _, target in moved_keys(before, after, KEYS)} <= {after.nodes[-1]}


@given(fleets)
@settings(max_examples=20, deadline=None)
def test_losing_a_node_is_the_reverse_of_adding_it(fleet: tuple[Node, ...]) -> None:
    before, after = Ring(fleet), Ring(fleet[1:])
    there, back = moved(before, after), moved(after, before)
    assert there.share == back.share == before.share()["edge-0"]
    assert {(m.source, m.target, m.share) for m in there.moves} == {(m.target, m.source, m.share) for m in back.moves}


@given(fleets, st.text(min_size=1, max_size=40), st.data())
@settings(max_examples=60, deadline=None)
def test_the_next_node_in_preference_takes_over(fleet: tuple[Node, ...], key: str, data: st.DataObject) -> None:
    ring = Ring(fleet)
    order = ring.preference(key)
    down = data.draw(st.sets(st.sampled_from([member.name for member in fleet])))
    expected = next((member for member in order if member.name not in down), None)
    assert ring.locate(key, down) == expected


@given(fleets)
@settings(max_examples=10, deadline=None)
def test_a_node_that_is_down_moves_only_its_own_keys(fleet: tuple[Node, ...]) -> None:
    ring = Ring(fleet)
    for key in KEYS:
        if (owner := ring.locate(key)) != fleet[0]:
            assert ring.locate(key, {"edge-0"}) == owner


def test_the_order_of_the_fleet_does_not_matter() -> None:
    fleet = [node(index, 1 + index % 3) for index in range(8)]
    forward, backward = Ring(fleet), Ring(fleet[::-1])
    assert [forward.locate(key) for key in KEYS] == [backward.locate(key) for key in KEYS]
    assert moved(forward, backward).share == 0


def test_nothing_is_left_when_too_many_points_in_a_row_are_down() -> None:
    ring = Ring([node(index) for index in range(40)])
    reached = ring.preference(KEYS[0])
    assert len(reached) <= 21
    assert ring.locate(KEYS[0], {member.name for member in reached}) is None


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        pytest.param([], [], Fraction(0), id="nothing-to-nothing"),
        pytest.param([], [node(0)], Fraction(1), id="first-node"),
        pytest.param([node(0)], [], Fraction(1), id="last-node"),
        pytest.param([node(0)], [node(1)], Fraction(1), id="replaced"),
        pytest.param([node(0)], [node(0, 7)], Fraction(0), id="alone-with-more-weight"),
    ],
)
def test_fleets_at_the_edge_of_existence(before: list[Node], after: list[Node], share: Fraction) -> None:
    assert moved(Ring(before), Ring(after)).share == share


def test_a_lone_node_takes_everything_while_it_is_up() -> None:
    ring = Ring([node(0)])
    assert ring.locate("/x") == node(0)
    assert ring.locate("/x", {"edge-0"}) is None
    assert Ring([]).locate("/x") is None


@pytest.mark.parametrize(
    ("fleet", "message"),
    [
        pytest.param([node(0), node(0)], "of its own", id="twice"),
        pytest.param([node(0), Node("other", node(0).address)], "of its own", id="same-address"),
        pytest.param([node(index, 1000) for index in range(27)], "at most 26214", id="too-many-points"),
    ],
)
def test_rings_that_nginx_could_not_carry_are_refused(fleet: list[Node], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ring(fleet)


def test_the_configured_fleet_is_hashed_as_the_front_dials_it() -> None:
    edges = [{"name": f"e{n}", "listen": "0.0.0.0:80", "address": f"10.0.0.{n}:80", "weight": n} for n in (1, 2)]
    ring = ring_of(Config.model_validate({"edges": edges}))
    assert ring.nodes == (Node("e1", Address("10.0.0.1", 80), 1), Node("e2", Address("10.0.0.2", 80), 2))
    with pytest.raises(ConfigError, match=r"edges: .*address of its own"):
        ring_of(Config.model_validate({"edges": [{**edge, "address": "10.0.0.1:80"} for edge in edges]}))
