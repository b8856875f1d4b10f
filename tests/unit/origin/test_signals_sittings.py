"""Beats become watch time, whatever their order; views are what the rule says."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.core.signals.beats import MAX_AGE_MS, Beat, EpochMs, Refusal, State, Viewer, settle
from origin.core.signals.bots import is_program
from origin.core.signals.heat import MINUTE_S, Minute, histogram, spread
from origin.core.signals.sittings import MAX_SPANS, SLACK_MS, Sitting, fold
from origin.core.signals.spans import closed, holds, read, seconds, total, union, write
from origin.core.signals.view_rule import AGAIN_MS, Reason, judge, needed_ms
from playnet.names import AssetId

_ASSET = AssetId("k3v9m2qx7ahd")
_T0 = EpochMs(1_767_607_200_000)
_NEW = Sitting(viewer=Viewer("~x"), asset=_ASSET, bot=False)

spans = st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=12)


def _beat(sequence: int, position_s: float, played_s: float = 10, **changes: object) -> Beat:
    at = EpochMs(_T0 + 10_000 * (sequence + 1))
    beat = Beat(
        session="s" * 22, sequence=sequence, asset=_ASSET, revision=1, position_ms=round(position_s * 1000),
        played_ms=round(played_s * 1000), rate=1.0, state=State.PLAYING, at=at, acted_at=_T0,
    )  # fmt: skip
    return replace(beat, **changes)  # type: ignore[arg-type]


@given(spans)
def test_spans_are_sets_of_numbers(given_spans: list[tuple[int, int]]) -> None:
    numbers = {number for start, end in given_spans for number in range(start, end)}
    joined = union(given_spans)
    assert total(joined) == len(numbers)
    assert {number for number in range(501) if holds(joined, number)} == numbers
    assert read(write(joined)) == joined == union(reversed(joined))
    assert len(closed(joined, 2)) <= 2
    assert all(holds(closed(joined, 2), number) for number in numbers)


beats = st.lists(
    st.builds(
        lambda sequence, position, played, rate, late: replace(
            _beat(sequence, position, min(played, position)), rate=rate, at=EpochMs(_T0 + 10_000 * sequence + late)
        ),
        st.integers(0, 30),
        st.integers(0, 600),
        st.integers(0, 60),
        st.sampled_from([0.5, 1.0, 2.0]),
        st.integers(0, 4000),
    ),
    max_size=20,
    unique_by=lambda beat: beat.sequence,
)


@given(beats, st.integers(0, 2**32), st.integers(1, 5))
def test_order_repetition_and_batches_change_nothing(given_beats: list[Beat], seed: int, parts: int) -> None:
    whole = fold(_NEW, given_beats, duration_ms=600_000)
    mixed = given_beats + given_beats[: len(given_beats) // 2]
    random.Random(seed).shuffle(mixed)
    sitting, counted = _NEW, 0
    for part in range(parts):
        folded = fold(sitting, mixed[part::parts], duration_ms=600_000)
        sitting, counted = folded.sitting, counted + len(folded.fresh)
    assert sitting == whole.sitting
    assert counted == len(whole.fresh) == len(given_beats)


@given(beats)
def test_nobody_watches_faster_than_the_clock(given_beats: list[Beat]) -> None:
    sitting = fold(_NEW, given_beats, duration_ms=600_000).sitting
    if sitting.began_at is not None and sitting.last_at is not None:
        assert 0 <= sitting.credited_ms <= sitting.last_at - sitting.began_at + SLACK_MS
        assert sitting.played_ms <= total(sitting.covered)


def test_a_forged_batch_gains_the_time_it_spans() -> None:
    at_once = [_beat(number, 100 * (number + 1), 100, at=_T0) for number in range(50)]
    sitting = fold(_NEW, at_once, duration_ms=6_000_000).sitting
    assert sitting.claimed_ms == 5_000_000
    assert sitting.credited_ms == 100_000 + SLACK_MS


def test_a_session_has_one_asset_one_day_and_bounded_gaps() -> None:
    sitting = fold(_NEW, [_beat(0, 10)], duration_ms=600_000).sitting
    other = _beat(1, 20, asset=AssetId("a" * 12))
    tomorrow = _beat(2, 30, at=EpochMs(_T0 + 25 * 3_600_000))
    gaps = [_beat(2 * number, 10, 0, at=_T0) for number in range(1, MAX_SPANS + 5)]
    folded = fold(sitting, [other, tomorrow, *gaps], duration_ms=600_000)
    assert [why for _, why in folded.refused][:2] == [Refusal.OTHER_ASSET, Refusal.IMPOSSIBLE]
    assert {why for _, why in folded.refused[2:]} == {Refusal.SCATTERED}
    assert len(folded.sitting.seen) == MAX_SPANS


@pytest.mark.parametrize(
    ("beat", "sent_late_ms", "expected"),
    [
        pytest.param(_beat(0, 10), 0, _T0 + 10_000, id="clocks-agree"),
        pytest.param(_beat(0, 10), 60_000, _T0 - 50_000, id="offline-for-a-minute"),
        pytest.param(_beat(0, 10, at=EpochMs(_T0 + 10**12)), 0, _T0 + 10_000, id="from-the-future-is-now"),
        pytest.param(_beat(0, 10), MAX_AGE_MS + 1, Refusal.TOO_OLD, id="too-old"),
        pytest.param(_beat(0, 500, 130), 0, Refusal.IMPOSSIBLE, id="longer-than-a-beat"),
        pytest.param(_beat(0, 500, 130, rate=2.0), 0, _T0 + 10_000, id="twice-as-fast"),
        pytest.param(_beat(0, 500, 100, rate=0.0), 0, Refusal.IMPOSSIBLE, id="played-in-no-time"),
        pytest.param(_beat(0, 500, 100, rate=1e-320), 0, Refusal.IMPOSSIBLE, id="played-for-ever"),
        pytest.param(_beat(0, 5, 10), 0, Refusal.IMPOSSIBLE, id="played-more-than-there-is-before"),
    ],
)
@pytest.mark.parametrize("skew_ms", [0, 7_200_000, -86_400_000 * 365])
def test_times_are_put_on_the_intakes_clock(
    beat: Beat, sent_late_ms: int, expected: int | Refusal, skew_ms: int
) -> None:
    received = EpochMs(_T0 + 10_000)
    theirs = replace(beat, at=EpochMs(beat.at + skew_ms), acted_at=EpochMs(beat.acted_at + skew_ms))
    settled = settle(theirs, sent_at=EpochMs(received + skew_ms + sent_late_ms), received_at=received)
    assert (settled.at if isinstance(settled, Beat) else settled) == expected


def _played(played_s: float, *, bot: bool = False, judged: bool = False) -> Sitting:
    """A session that played its first seconds, in beats of ten."""
    whole = [_beat(number, 10 * (number + 1)) for number in range(int(played_s // 10))]
    rest = [_beat(len(whole), played_s, played_s % 10)] if played_s % 10 else []
    return replace(fold(replace(_NEW, bot=bot), whole + rest, duration_ms=10**9).sitting, judged=judged)


@pytest.mark.parametrize(
    ("sitting", "duration_s", "views_ago_ms", "expected"),
    [
        pytest.param(_played(30), 600, [], Reason.VIEW, id="thirty-seconds"),
        pytest.param(_played(29), 600, [], Reason.TOO_SHORT, id="a-second-less"),
        pytest.param(_played(10), 20, [], Reason.VIEW, id="half-of-a-short-one"),
        pytest.param(_played(9), 20, [], Reason.TOO_SHORT, id="less-than-half"),
        pytest.param(_played(0), 20, [], Reason.TOO_SHORT, id="nothing"),
        pytest.param(_played(30), 600, [AGAIN_MS - 1], Reason.AGAIN, id="within-half-an-hour"),
        pytest.param(_played(30), 600, [1 - AGAIN_MS], Reason.AGAIN, id="within-half-an-hour-of-a-later-one"),
        pytest.param(_played(30), 600, [AGAIN_MS], Reason.VIEW, id="half-an-hour-later"),
        pytest.param(_played(30, bot=True), 600, [], Reason.BOT, id="bot"),
        pytest.param(_played(60, judged=True), 600, [], Reason.REPLAY, id="once-for-a-session"),
    ],
)
def test_the_view_rule(sitting: Sitting, duration_s: int, views_ago_ms: list[int], expected: Reason) -> None:
    at = sitting.last_at or _T0
    views = [EpochMs(at - ago) for ago in views_ago_ms]
    verdict = judge(sitting, duration_ms=duration_s * 1000, at=at, views=views)
    assert (verdict.reason, verdict.counts) == (expected, expected is Reason.VIEW)
    assert verdict.final == (expected is not Reason.TOO_SHORT)


def test_the_same_seconds_again_are_no_view() -> None:
    loops = [_beat(number, 10) for number in range(20)]
    sitting = fold(_NEW, loops, duration_ms=600_000).sitting
    assert sitting.credited_ms == 200_000
    assert judge(sitting, duration_ms=600_000, at=_T0, views=()).reason is Reason.TOO_SHORT
    assert needed_ms(3) == 2


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0 Safari/537.36", False),
        ("Mozilla/5.0 (Linux; Android 9; CUBOT_X18) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/143.0 Safari/537.36", True),
        ("curl/8.5.0", True),
        ("", True),
        (None, True),
    ],
)
def test_programs_that_say_so(agent: str | None, expected: bool) -> None:
    assert is_program(agent) is expected


def test_most_replayed_counts_every_second_it_was_played() -> None:
    played = [(_ASSET, 1, (55_000, 65_000), 90_500), (_ASSET, 1, (60_000, 62_000), 90_500), (_ASSET, 1, (0, 400), 400)]
    found = spread(played)
    assert sum(found[Minute(_ASSET, 1, 0)]) == 5
    assert found[Minute(_ASSET, 1, 1)][:6] == [2, 2, 1, 1, 1, 0]
    bins = histogram({minute.number: plays for minute, plays in found.items()}, 90.5)
    assert (len(bins), bins[-1].end_s, bins[60].heat, bins[62].heat, bins[0].heat) == (91, 90.5, 1, 0.5, 0)
    assert histogram({}, 90.5) == []
    assert histogram({0: [3] * MINUTE_S}, 6000)[0].heat == 1


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_pieces_of_a_play_touch_each_second_once(start: int, length: int) -> None:
    cut = start + length // 2
    pieces = seconds(((start, cut), (cut, start + length)), 1000)
    assert pieces == seconds(((start, start + length),), 1000)
