"""What comes next, and when a node leaves it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.key import Key
from edge.core.prefetch import Load, Outcome, Plan, is_strained, wishes
from playnet.cmcd import argument, next_objects
from playnet.names import parse_media_key

ASSET = "/v/abcdefghijkm"
PLAYED = Key(f"{ASSET}/3/720p/7.m4s")


@pytest.mark.parametrize(
    ("key", "cmcd", "expected"),
    [
        (PLAYED, "", ["720p/8.m4s"]),
        (f"{ASSET}/3/720p/init.mp4", "", []),
        (f"{ASSET}/3/thumbs/7.jpg", "", []),
        (f"{ASSET}/master.m3u8", "", []),
        ("/other/7.m4s", "", []),
        (PLAYED, 'bl=21300,nor="8.m4s",su', ["720p/8.m4s"]),
        (PLAYED, 'nor="..%2F360p%2F8.m4s"', ["360p/8.m4s"]),
        (PLAYED, f'nor="{ASSET}/3/360p/8.m4s",nrr="0-99"', ["360p/8.m4s"]),
        (PLAYED, 'nor=("8.m4s" "9.m4s";r="0-9" "10.m4s")', ["720p/8.m4s", "720p/9.m4s"]),
        (PLAYED, 'nor="7.m4s"', []),
    ],
    ids=[
        "next",
        "init",
        "thumbnail",
        "manifest",
        "foreign",
        "named",
        "other-rendition",
        "whole-path",
        "list",
        "itself",
    ],
)
def test_what_comes_next(key: str, cmcd: str, expected: list[str]) -> None:
    assert wishes(Key(key), cmcd) == tuple(f"{ASSET}/3/{path}" for path in expected)


@pytest.mark.parametrize(
    "reference",
    [
        "http://evil/v/abcdefghijkm/3/720p/8.m4s", "//evil/8.m4s", "/api/v1/assets", "../../4/720p/8.m4s",
        "/v/abcdefghijkn/3/720p/8.m4s", "/v/abcdefghijkm/4/720p/8.m4s", "../../../x", "8.m4s?x=1",
        "/v/abcdefghijkm/3/720p/../../8.m4s", "8.m4s#", "8.m4s\\r\\nX: y", "/t/token/v/abcdefghijkm/3/720p/8.m4s", "",
        "/v/abcdefghijkm/3/720p/8.exe", "..%252F360p%252F8.m4s", "\x00",
    ],
)  # fmt: skip
def test_a_hostile_reference_fetches_nothing(reference: str) -> None:
    assert wishes(PLAYED, f'nor="{reference}"') in {(), (f"{ASSET}/3/720p/8.m4s",)}
    assert not [wish for wish in wishes(PLAYED, f'nor="{reference}"') if wish != f"{ASSET}/3/720p/8.m4s"]


@given(st.text(alphabet='nor="()/. %2Fe;,\\8m4svabcdefghijk', max_size=60))
def test_whatever_is_told_only_the_revision_that_plays_is_fetched(text: str) -> None:
    for wish in wishes(PLAYED, f'nor="{text}') + wishes(PLAYED, text):
        named = parse_media_key(wish[1:])
        assert named is not None
        assert (named.asset, named.revision) == ("abcdefghijkm", 3)


def test_cmcd_comes_in_a_query_too() -> None:
    query = "a=1&CMCD=bl%3D100%2Cnor%3D%22..%252F360p%252F8.m4s%22&b=2"
    assert next_objects(argument(query)) == ("../360p/8.m4s",)
    assert (argument("cmcd=x&a"), next_objects("nor="), next_objects("nor=8.m4s")) == ("", (), ())


def test_a_wish_is_thought_about_once() -> None:
    plan = Plan()
    assert [plan.is_first(PLAYED, cmcd, now) for cmcd, now in [
        ("", 0), ("", 1), ("bl=1,nor=\"8.m4s\"", 2), ("bl=2,nor=\"8.m4s\"", 3), ("nor=\"9.m4s\"", 4), ("", 31),
    ]] == [True, False, True, False, True, True]  # fmt: skip
    assert [plan.is_news(PLAYED, now) for now in (0, 29, 31)] == [True, False, True]
    plan.put_off(PLAYED)
    assert plan.is_news(PLAYED, 32), "for want of time"


def test_behind_the_end_nothing_is_asked_for_until_it_may_have_moved() -> None:
    plan = Plan()
    plan.ended(Key(f"{ASSET}/3/720p/9.m4s"), 0)
    assert [plan.refusal(Key(f"{ASSET}/3/{path}.m4s"), now) for path, now in [
        ("720p/8", 1), ("720p/9", 1), ("720p/10", 1), ("360p/9", 1), ("720p/9", 61),
    ]] == [None, Outcome.ENDED, Outcome.ENDED, None, None]  # fmt: skip


def test_one_asset_gets_a_bounded_rate() -> None:
    plan, asked = Plan(), [0.0] * 30 + [1.0] * 30
    refusals = [plan.refusal(Key(f"{ASSET}/3/720p/{n}.m4s"), now) for n, now in enumerate(asked, 1)]
    assert (refusals[:30].count(None), refusals[30:].count(None)) == (20, 10)
    assert plan.refusal(Key("/v/abcdefghijkn/3/720p/1.m4s"), 1.0) is None


def test_what_was_fetched_turns_out_useful_or_overdue() -> None:
    plan = Plan()
    plan.fetched(PLAYED, 0)
    plan.fetched(Key("/v/b"), 1)
    assert [plan.asked(PLAYED), plan.asked(PLAYED)] == [True, False]
    assert (plan.overdue(600), plan.overdue(602), plan.overdue(602)) == ([], ["/v/b"], [])


@pytest.mark.parametrize(
    ("load", "expected"),
    [(Load(0, 0, 0), False), (Load(65, 0, 0), True), (Load(0, 0.2, 0), True), (Load(0, 0, 3), True)],
    ids=["idle", "fills", "lag", "upstream"],
)
def test_a_busy_node_leaves_it(load: Load, expected: bool) -> None:
    assert is_strained(load) is expected
