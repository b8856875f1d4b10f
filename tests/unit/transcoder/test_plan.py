"""Grid, ladder, segments, storyboard, task graph: the decisions before anything is encoded."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.config import Rung, Transcoder
from playnet.errors import MediaRejected
from playnet.jobs import QueuedTask, TaskKind
from transcoder.core.graph import TaskSpec, linear_task, retry_delay_s, tasks_after_probe
from transcoder.core.ladder import ladder
from transcoder.core.packets import Span
from transcoder.core.plan import Plan, Window
from transcoder.core.planning import STANDARD_RATES, grid_rate, make_plan, video_timescale
from transcoder.core.source import AudioStream, Source, VideoStream
from transcoder.core.storyboard import tiling, webvtt

RUNGS = Transcoder().ladder
VIDEO = VideoStream(0, "h264", 1920, 1080, Fraction(1), 0, Fraction(1, 12800), Fraction(25), 0, Fraction(10))
AUDIO = AudioStream(1, "aac", 2, Fraction(1, 48000), -1024, Fraction(11), "en")


def source(video: VideoStream | None = VIDEO, audio: AudioStream | None = AUDIO) -> Source:
    return Source("mov,mp4", video, () if audio is None else (audio,), Fraction(11))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param((1920, 1080), ["256x144", "640x360", "1280x720", "1920x1080"], id="full-hd"),
        pytest.param((1080, 1920), ["144x256", "360x640", "720x1280", "1080x1920"], id="portrait"),
        pytest.param((3840, 2160), ["256x144", "640x360", "1280x720", "1920x1080"], id="beyond-the-ladder"),
        pytest.param((1920, 800), ["346x144", "864x360", "1728x720"], id="scope"),
        pytest.param((640, 360), ["256x144", "640x360"], id="exact"),
        pytest.param((480, 359), ["192x144"], id="one-pixel-short"),
        pytest.param((101, 77), ["100x76"], id="below-the-smallest"),
        pytest.param((144, 144), ["144x144"], id="square"),
    ],
)
def test_the_ladder(size: tuple[int, int], expected: list[str]) -> None:
    assert [f"{one.width}x{one.height}" for one in ladder(*size, RUNGS)] == expected


@given(st.integers(16, 8000), st.integers(16, 8000))
def test_renditions_are_even_never_larger_and_keep_the_shape(width: int, height: int) -> None:
    made = ladder(width, height, RUNGS)
    assert made
    assert len({one.name for one in made}) == len(made)
    for one in made:
        assert one.width % 2 == one.height % 2 == 0
        assert one.width <= width + 1
        assert one.height <= height + 1
        assert one.name == f"{min(one.width, one.height)}p"
        short, long_side = sorted((one.width, one.height))
        assert (
            abs(long_side - Fraction(max(width, height) * short, min(width, height)))
            <= Fraction(max(width, height), min(width, height)) + 1
        )


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        pytest.param("29.97", Fraction(30000, 1001), id="ntsc"),
        pytest.param("30", Fraction(30), id="thirty"),
        pytest.param("24", Fraction(24), id="film"),
        pytest.param("23.98", Fraction(24000, 1001), id="film-on-tv"),
        pytest.param("12.5", Fraction(25, 2), id="half-pal"),
        pytest.param("27.1", Fraction(25), id="between"),
        pytest.param("120", Fraction(60), id="too-many"),
        pytest.param("0.2", Fraction(5), id="slides"),
    ],
)
def test_the_grid_has_a_standard_rate(rate: str, expected: Fraction) -> None:
    assert grid_rate(Fraction(rate)) == expected


@pytest.mark.parametrize("fps", STANDARD_RATES, ids=str)
def test_a_frame_is_whole_in_the_timescale(fps: Fraction) -> None:
    assert (video_timescale(fps) / fps).denominator == 1
    assert 12_800 <= video_timescale(fps) < 90_000


def test_a_plan_survives_json() -> None:
    plan = make_plan(source(), Span(512, 512 + 249 * 512, 250, Fraction(512)), Transcoder())
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan
    assert plan.video is not None
    (audio,) = plan.audio
    assert (plan.video.frames, plan.video.gop_frames, plan.video.segment_frames) == (250, 50, 100)
    assert (plan.video.origin_s, audio.origin_s) == (Fraction(512, 12800), Fraction(512, 12800))
    assert (plan.video.duration_s, audio.duration_s) == (10, 10)
    assert [plan.video.window(part) for part in range(plan.video.chunks)] == [Window(n0=0, n1=250)]


def test_sound_alone_keeps_its_own_time() -> None:
    (audio,) = make_plan(source(video=None), None, Transcoder()).audio
    assert (audio.origin_s, audio.duration_s, audio.expected_s, audio.segment_s) == (
        Fraction(-1024, 48000),
        None,
        11,
        4,
    )


@pytest.mark.parametrize(
    ("video", "span", "reason"),
    [
        pytest.param(VIDEO, None, "no picture at all", id="empty-track"),
        pytest.param(VIDEO, Span(0, 12800 * 100_000, 10**6, Fraction(512)), "clock jumps", id="more-than-a-day"),
        pytest.param(VIDEO, Span(0, 12800 * 3600, 50, Fraction(512)), "Nearly all pictures", id="an-hour-of-nothing"),
    ],
)
def test_impossible_timelines_are_refused(video: VideoStream, span: Span | None, reason: str) -> None:
    with pytest.raises(MediaRejected, match=reason):
        make_plan(source(video, audio=None), span, Transcoder())


@pytest.mark.parametrize(
    ("frames", "chunk_s", "expected"),
    [
        pytest.param(250, 12, [250], id="shorter-than-a-chunk"),
        pytest.param(349, 12, [349], id="a-rest-below-one-gop-joins"),
        pytest.param(350, 12, [300, 50], id="a-rest-of-one-gop-does-not"),
        pytest.param(930, 12, [300, 300, 330], id="the-last-one-is-longer"),
        pytest.param(250, 4, [100, 100, 50], id="one-segment-each"),
        pytest.param(250, 0.1, [100, 100, 50], id="never-less-than-a-segment"),
        pytest.param(250, inf, [250], id="in-one-piece"),
        pytest.param(1, inf, [1], id="one-picture"),
    ],
)
def test_chunks_are_whole_segments(frames: int, chunk_s: float, expected: list[int]) -> None:
    span = Span(0, (frames - 1) * 512, frames, Fraction(512))
    plan = make_plan(source(), span, Transcoder(), chunk_s=chunk_s).video
    assert plan is not None
    assert [plan.window(part).frames for part in range(plan.chunks)] == expected


@pytest.mark.parametrize(
    ("container", "key_gap_s", "preroll_s", "chunks"),
    [
        pytest.param("mov,mp4", 10, 2, 3, id="an-index-leads-to-key-frames"),
        pytest.param("mpegts", 0, 2, 3, id="every-picture-is-a-key-frame"),
        pytest.param("mpegts", 10, 11, 3, id="the-next-key-frame-must-come-before-the-window"),
        pytest.param("mpegts", 30, 31, 1, id="chunks-would-read-more-than-they-make"),
    ],
)
def test_reading_begins_early_enough_for_a_key_frame(
    container: str, key_gap_s: int, preroll_s: int, chunks: int
) -> None:
    span = Span(0, 899 * 512, 900, Fraction(512), key_gap=key_gap_s * 12800)
    plan = make_plan(replace(source(), container=container), span, Transcoder()).video
    assert plan is not None
    assert (plan.preroll_s, plan.chunks) == (preroll_s, chunks)


@given(st.integers(1, 300_000), st.sampled_from(STANDARD_RATES), st.floats(0.1, 600))
def test_chunks_cover_the_grid_without_gap_or_overlap(frames: int, fps: Fraction, chunk_s: float) -> None:
    step = round(600_000 / fps)
    video = VideoStream(0, "h264", 640, 360, Fraction(1), 0, Fraction(1, 600_000), fps, 0, None)
    span = Span(0, (frames - 1) * step, frames, Fraction(step))
    plan = make_plan(source(video, None), span, Transcoder(), chunk_s=chunk_s).video
    assert plan is not None
    windows = [plan.window(part) for part in range(plan.chunks)]
    assert (windows[0].n0, windows[-1].n1) == (0, plan.frames)
    assert all(before.n1 == after.n0 for before, after in pairwise(windows))
    assert all(window.n0 % plan.segment_frames == 0 for window in windows)
    assert all(window.frames >= plan.gop_frames for window in windows[1:])
    assert plan.window(plan.chunks) == Window(n0=0, n1=plan.frames)
    assert plan.is_whole(0) == (plan.chunks == 1)


@pytest.mark.parametrize(
    ("video", "audio", "expected"),
    [
        pytest.param(
            True, True,
            {("audio", 0): (), ("video", 0): (), ("video", 1): (), ("thumbs", 0): ("video",), ("publish", 0): ("audio", "video", "thumbs")},
            id="both",
        ),
        pytest.param(
            True, False,
            {("video", 0): (), ("video", 1): (), ("thumbs", 0): ("video",), ("publish", 0): ("video", "thumbs")},
            id="silent",
        ),
        pytest.param(False, True, {("audio", 0): (), ("thumbs", 0): ("audio",), ("publish", 0): ("audio", "thumbs")}, id="sound-only"),
    ],
)  # fmt: skip
def test_the_task_graph(video: bool, audio: bool, expected: dict[tuple[str, int], tuple[str, ...]]) -> None:
    span = Span(0, 399 * 512, 400, Fraction(512)) if video else None
    plan = make_plan(source(VIDEO if video else None, AUDIO if audio else None), span, Transcoder())
    specs = tasks_after_probe(plan)
    assert {(spec.kind, spec.part): spec.needs for spec in specs} == expected
    assert [spec.cost for spec in specs if spec.kind == "video"] == ([300, 100] if video else [])
    seen: set[str] = set()
    for spec in specs:
        assert set(spec.needs) <= seen
        seen.add(spec.kind)
    if plan.video is not None:
        assert linear_task(plan.video) == TaskSpec("video", part=2, cost=400)


def test_what_was_begun_ends_first_and_beginnings_go_before_the_rest() -> None:
    kinds: list[TaskKind] = ["publish", "thumbs", "audio", "probe", "video"]
    ends = [QueuedTask(1, kind).priority for kind in kinds]
    chunks = [QueuedTask(1, "video", part).priority for part in range(10_000)]
    assert ends == sorted(ends, reverse=True)
    assert chunks == sorted(chunks, reverse=True)
    assert chunks[0] > chunks[1] > chunks[2] > chunks[4] > chunks[8]
    assert chunks[-1] > 0


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_retries_wait_longer_each_time_but_not_for_ever(attempt: int, jitter: float) -> None:
    assert 3.75 <= retry_delay_s(attempt, jitter=jitter) <= 750
    assert retry_delay_s(attempt + 1, jitter=jitter) >= retry_delay_s(attempt, jitter=jitter)


@given(st.integers(1, 2_000_000), st.sampled_from(STANDARD_RATES))
def test_a_storyboard_covers_the_timeline_once(frames: int, fps: Fraction) -> None:
    rung = Rung.model_validate({"short_side": 144, "max_bitrate": "200kbps"})
    settings = Transcoder(ladder=(rung,))
    step = round(12800 / fps)
    video = VideoStream(0, "h264", 1920, 1080, Fraction(1), 0, Fraction(1, 12800), fps, 0, None)
    plan = make_plan(source(video, None), Span(0, 0, 1, Fraction(step)), settings).video
    assert plan is not None
    shape = tiling(plan, frames)
    assert shape.tiles <= 1000
    assert shape.columns * shape.rows * shape.sheets >= shape.tiles
    assert (shape.tile_width, shape.tile_height) == (160, 90)
    cues = [line.split(" --> ") for line in webvtt(shape, frames / plan.fps).splitlines() if "-->" in line]
    assert len(cues) == shape.tiles
    assert cues[0][0] == "00:00:00.000"
    assert all(before[1] == after[0] for before, after in pairwise(cues))
