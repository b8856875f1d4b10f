"""Command lines, progress, and the judgement of what came out."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.config import Transcoder
from playnet.errors import MediaRejected, StorageFull, ToolFailed
from playnet.media.cmaf import Movie, index_bytes
from tests.unit.media.fragmented import Track, fragment, init, mp4a
from tests.unit.transcoder.test_plan import AUDIO, VIDEO, source
from transcoder.core import argv, segments
from transcoder.core.blame import blame, crashed
from transcoder.core.packets import Span
from transcoder.core.plan import VideoPlan, Window
from transcoder.core.planning import make_plan
from transcoder.core.progress import ProgressReader, share
from transcoder.core.sound import AudioPlan
from transcoder.core.verify import Verdict, check_audio, check_video

HOSTILE = Path("/w/concat:a|b'[0:v];exit.mp4")


def plan(frames: int = 250, *, size: tuple[int, int] = (640, 360), start: int = 0) -> VideoPlan:
    video = VIDEO.__class__(0, "h264", *size, Fraction(1), 0, Fraction(1, 12800), Fraction(25), 0, None)
    span = Span(start, start + (frames - 1) * 512, frames, Fraction(512))
    made = make_plan(source(video, AUDIO), span, Transcoder()).video
    assert made is not None
    return made


def _after(words: tuple[str, ...], option: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words) if word == option]


def test_sources_are_opened_by_real_demuxers_from_files_only() -> None:
    encode = argv.video(HOSTILE, plan(), Window(n0=0, n1=250), Path("/w"), preset="veryfast").argv
    for words in (encode, argv.probe(HOSTILE), argv.packet_times(HOSTILE, 0)):
        assert _after(words, "-protocol_whitelist") == ["file,pipe,fd"]
        formats = _after(words, "-format_whitelist")[0].split(",")
        assert {"mov", "matroska", "mpegts"} <= set(formats)
        assert not {"hls", "concat", "dash", "sdp", "rtsp", "lavfi", "image2", "tty", "ffmetadata"} & set(formats)
        assert int(_after(words, "-max_alloc")[0]) == 512 << 20
        assert f"file:{HOSTILE}" in words


def test_every_rendition_shares_one_decode_and_one_grid() -> None:
    made = argv.video(Path("/w/in"), plan(), Window(n0=0, n1=250), Path("/w/out"), preset="slow")
    words = made.argv
    (graph,) = _after(words, "-filter_complex")
    assert graph.count("setpts") == graph.count("fps=fps=25:round=near:start_time=0") == graph.count("trim") == 1
    assert "split=2" in graph
    assert "trim=end_pts=250:start_pts=0" in graph
    assert [path.name for path in made.outputs] == ["144p.mp4", "360p.mp4"]
    assert _after(words, "-g") == _after(words, "-keyint_min") == ["50", "50"]
    assert _after(words, "-min_frag_duration") == ["3980000"] * 2
    assert _after(words, "-maxrate") == ["200000", "900000"]
    assert _after(words, "-preset") == ["slow"] * 2
    assert "-ss" not in words


def test_a_later_window_seeks_and_continues_the_numbering() -> None:
    words = argv.video(Path("/w/in"), plan(1000, start=12800), Window(n0=600, n1=900), Path("/w"), preset="fast").argv
    assert _after(words, "-ss") == ["23.000000"]  # first picture at 1 s, frame 600 at 24 s later, 2 s before it
    assert "-noaccurate_seek" in words
    assert _after(words, "-seek_timestamp") == ["1"]
    assert _after(words, "-fragment_index") == ["7"] * 2
    assert "start_time" not in _after(words, "-filter_complex")[0]


def test_sound_is_as_long_as_the_picture() -> None:
    (both,) = make_plan(source(), Span(1280, 1280 + 249 * 512, 250, Fraction(512)), Transcoder()).audio
    (graph,) = _after(argv.audio(Path("/w/in"), both, Path("/w/a.mp4")), "-filter_complex")
    assert "asetpts=PTS-(1/10)/TB" in graph
    assert "apad=whole_len=480000" in graph
    assert "atrim=end_sample=480000" in graph


def movie(track: Track, *fragments: bytes) -> Movie:
    return index_bytes(init(track) + b"".join(fragments))


def frames(start: int, count: int, *, offset: int = 0, ticks: int = 512) -> bytes:
    return fragment(start * 512, [ticks] * count, samples=count, first_offset=offset)


ONE = plan(230, size=(640, 359))  # one rung (144p), three segments: 100, 100, 30


@pytest.fixture
def single() -> VideoPlan:
    """A plan whose only rendition has the size of the hand-made movies."""
    rendition = ONE.renditions[0].model_copy(update={"width": 640, "height": 360})
    return ONE.model_copy(update={"renditions": (rendition,)})


@pytest.mark.parametrize(
    ("fragments", "expected"),
    [
        pytest.param([frames(0, 100), frames(100, 100), frames(200, 30)], Verdict(230, 230), id="complete"),
        pytest.param([frames(0, 100), frames(100, 40)], Verdict(140, 230), id="the-end-does-not-decode"),
    ],
)
def test_what_decodes_is_kept(fragments: list[bytes], expected: Verdict, single: VideoPlan) -> None:
    assert check_video([movie(Track(), *fragments)], single, Window(n0=0, n1=230)) == expected


@pytest.mark.parametrize(
    ("fragments", "reason"),
    [
        pytest.param([frames(1, 100)], "starts at 512, not frame 0", id="starts-late"),
        pytest.param([frames(0, 100), frames(101, 100)], "not frame 100", id="a-hole"),
        pytest.param([frames(0, 90), frames(90, 100)], "has 90 frames", id="cut-elsewhere"),
        pytest.param([frames(0, 100, offset=1024)], "shown first", id="late-picture"),
        pytest.param([frames(0, 100, ticks=500)], "uneven", id="off-the-grid"),
        pytest.param([frames(0, 100), frames(100, 100), frames(200, 31)], "231 frames", id="too-many"),
    ],
)
def test_what_contradicts_the_plan_is_not_published(fragments: list[bytes], reason: str, single: VideoPlan) -> None:
    with pytest.raises(ToolFailed, match=reason):
        check_video([movie(Track(), *fragments)], single, Window(n0=0, n1=230))


def test_a_picture_of_another_size_is_not_published() -> None:
    with pytest.raises(ToolFailed, match="another size"):
        check_video([movie(Track(), frames(0, 100))], ONE, Window(n0=0, n1=230))


def test_nothing_decoded_is_the_publishers_news(single: VideoPlan) -> None:
    with pytest.raises(MediaRejected, match="None of the pictures"):
        check_video([movie(Track())], single, Window(n0=0, n1=230))


SOUND = Track(entry=mp4a(bytes([0x11, 0x90])), timescale=48000, edit=1024)
SOUND_PLAN = AudioPlan(
    name="audio", label="English", stream=1, origin_s=Fraction(0), duration_s=Fraction(1), expected_s=None, segment_s=Fraction(4), channels=2,
    bitrate_bps=128000, language=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param([], "cannot be decoded", id="nothing"),
        pytest.param([(0, 24000), (25000, 24000)], "a hole at 24000", id="a-hole"),
        pytest.param([(0, 24000)], "before the picture", id="short"),
    ],
)
def test_broken_sound_is_noticed(parts: list[tuple[int, int]], reason: str) -> None:
    with pytest.raises((MediaRejected, ToolFailed), match=reason):
        check_audio(movie(SOUND, *(fragment(at, [ticks]) for at, ticks in parts)), SOUND_PLAN)


@given(st.integers(1, 400), st.sampled_from([Fraction(4), Fraction(1001, 250), Fraction(2), Fraction(1)]))
def test_sound_is_cut_near_the_pictures_segments_without_drift(count: int, segment_s: Fraction) -> None:
    """Fragments of 12 frames of 1024 samples; every cut lies within one of them of where the picture is cut."""
    grain = 12 * 1024
    made = movie(SOUND, *(fragment(number * grain, [grain]) for number in range(count)))
    cut = segments.of_audio(made, segment_s)
    assert [one.number for one in cut] == list(range(1, len(cut) + 1))
    assert sum(one.duration_ticks for one in cut) == count * grain
    assert sum(one.size_bytes for one in cut) == sum(one.size_bytes for one in made.fragments)
    at = 0
    for number, one in enumerate(cut[:-1], 1):
        at += one.duration_ticks
        assert abs(at - 1024 - number * segment_s * 48000) <= grain


def test_progress_is_read_block_by_block() -> None:
    reader = ProgressReader()
    lines = [
        "frame=12",
        "out_time_us=N/A",
        "progress=continue",
        "frame=50",
        "out_time_us=2000000",
        "junk",
        "progress=end",
    ]
    assert [reader.feed(line) for line in lines] == [False, False, True, False, False, False, True]
    assert (reader.frames, reader.out_s, reader.ended) == (50, 2.0, True)
    assert [share(5, 10), share(20, 10), share(5, None)] == [0.5, 0.99, 0.0]


@given(st.lists(st.text(max_size=40), max_size=30))
def test_any_progress_text_is_survived(lines: list[str]) -> None:
    reader = ProgressReader()
    for line in lines:
        reader.feed(line)
    assert reader.frames >= 0


@pytest.mark.parametrize(
    ("status", "log", "expected"),
    [
        pytest.param(1, "av_interleaved_write_frame(): No space left on device", StorageFull, id="full"),
        pytest.param(-9, "No space left on device", StorageFull, id="full-and-killed"),
        pytest.param(1, "Decoder (codec xyz) not found for input stream #0:0", MediaRejected, id="no-decoder"),
        pytest.param(183, "Error opening input: Invalid data found when processing input", MediaRejected, id="damaged"),
        pytest.param(-11, "Invalid data found when processing input", ToolFailed, id="crashed"),
        pytest.param(1, "something else", ToolFailed, id="unknown"),
        pytest.param(None, "", ToolFailed, id="timed-out"),
    ],
)
def test_blame_is_put_where_it_belongs(status: int | None, log: str, expected: type[Exception]) -> None:
    assert type(blame(ToolFailed("ffmpeg ended", status=status, log=log))) is expected


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        pytest.param(ToolFailed("ffmpeg was killed", status=-9, log=""), True, id="killed"),
        pytest.param(ToolFailed("ffmpeg was ended after 9 s", status=None), True, id="timed-out"),
        pytest.param(ToolFailed("ffmpeg ended with status 1", status=1, log=""), False, id="orderly"),
        pytest.param(ToolFailed("segment 1 has uneven frames"), False, id="its-output-is-wrong"),
    ],
)
def test_a_crash_says_nothing_about_the_chunk(failed: ToolFailed, expected: bool) -> None:
    assert crashed(failed) is expected
