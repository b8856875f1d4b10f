"""The merge rule: its laws for any marks, its table for those that people make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.core.signals.beats import EpochMs
from origin.core.signals.pace import Pace, take
from origin.core.signals.resume import NO_TRAIL, Mark, is_finished, merge, place, start_ms

_MINUTE = 60_000


def _mark(session: str, minute: float, *, acted: float, position_s: float, ended: bool = False) -> Mark:
    at, acted_at = EpochMs(round(minute * _MINUTE)), EpochMs(round(acted * _MINUTE))
    return Mark(
        acted_at=acted_at, at=at, session=session, sequence=round(minute * 6), position_ms=round(position_s * 1000),
        ended=ended,
    )  # fmt: skip


marks = st.builds(
    _mark,
    st.sampled_from("abcd"),
    st.integers(0, 8),
    acted=st.integers(0, 8),
    position_s=st.integers(0, 100),
    ended=st.booleans(),
)
trails = st.lists(marks, max_size=6)


@given(trails, trails, trails)
def test_merge_is_a_join(a: list[Mark], b: list[Mark], c: list[Mark]) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c)) == merge(a, b, c)
    assert merge(merge(a), merge(a)) == merge(a) == merge(merge(a))
    assert merge(a, NO_TRAIL) == merge(a)


_TV = [_mark("tv", minute, acted=0, position_s=minute * 60) for minute in range(1, 31)]


@pytest.mark.parametrize(
    ("history", "expected_s"),
    [
        pytest.param(_TV, 1800, id="one-device"),
        pytest.param([*_TV, _mark("phone", 40, acted=39, position_s=300)], 300, id="later-playback-wins"),
        pytest.param([*_TV, _mark("tv", 30.5, acted=30.4, position_s=60)], 60, id="a-rewind-is-respected"),
        pytest.param([*_TV, _mark("phone", 25, acted=25, position_s=7)], 1800, id="a-look-on-the-phone-is-over"),
        pytest.param([*_TV, _mark("phone", 29, acted=28, position_s=7)], 7, id="both-play-the-one-acted-on-last"),
        pytest.param(
            [*_TV, _mark("phone", 29, acted=28, position_s=7), _mark("tv", 31.5, acted=0, position_s=1890)],
            1890,
            id="the-other-stopped-two-minutes-ago",
        ),
    ],
)
def test_where_to_go_on(history: list[Mark], expected_s: int) -> None:
    for order in (history, history[::-1]):
        step = NO_TRAIL
        for mark in order:
            step = merge(step, [mark])
        found = place(step)
        assert found is not None
        assert found.position_ms == expected_s * 1000


@pytest.mark.parametrize(
    ("position_s", "ended", "duration_s", "finished", "start_s"),
    [
        pytest.param(100, False, 600, False, 100, id="in-the-middle"),
        pytest.param(4, False, 600, False, 0, id="hardly-begun"),
        pytest.param(569, False, 600, False, 569, id="before-the-credits"),
        pytest.param(571, False, 600, True, 0, id="credits"),
        pytest.param(600, True, 600, True, 0, id="ended"),
        pytest.param(18, False, 20, False, 18, id="a-short-one"),
        pytest.param(19, False, 20, True, 0, id="the-end-of-a-short-one"),
        pytest.param(30, False, 0, False, 30, id="duration-unknown"),
    ],
)
def test_the_end_resets(position_s: int, ended: bool, duration_s: int, finished: bool, start_s: int) -> None:
    mark = _mark("s", 10, acted=0, position_s=position_s, ended=ended)
    assert is_finished(mark, duration_s * 1000) is finished
    assert start_ms(mark, duration_s * 1000) == start_s * 1000


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_a_pace_is_kept_over_any_time(pauses_s: list[float]) -> None:
    pace, bucket, now_s, passed = Pace(per_s=2, burst=5), None, 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        bucket, wait_s = take(bucket, pace, now_s=now_s)
        passed += wait_s == 0
        assert 0 <= wait_s <= 1 / pace.per_s
    assert passed <= pace.burst + now_s * pace.per_s
