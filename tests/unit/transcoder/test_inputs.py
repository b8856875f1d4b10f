"""Decisions about what files say of themselves: colours, fields, languages, sounds, captions, lost pictures."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.config import Transcoder
from playnet.errors import MediaRejected
from tests.unit.transcoder.test_plan import AUDIO, VIDEO, source
from transcoder.core import languages
from transcoder.core.captions import TextPlan, on_timeline
from transcoder.core.colour import colour, shared
from transcoder.core.packets import PacketTimes, Span
from transcoder.core.planning import make_plan
from transcoder.core.scan import Fields, Scan, scan, worth_looking
from transcoder.core.source import Look, Mark, TextStream, Unused
from transcoder.core.timeline import Timeline

SPAN = Span(0, 249 * 512, 250, Fraction(512))


@pytest.mark.parametrize(
    ("look", "size", "expected"),
    [
        pytest.param(Look(), (720, 576), ("keep", "smpte170m"), id="sd-unsaid"),
        pytest.param(Look(), (1280, 720), ("keep", "bt709"), id="hd-unsaid"),
        pytest.param(Look(matrix="bt470bg"), (1920, 1080), ("keep", "bt470"), id="hd-that-says-pal"),
        pytest.param(Look(matrix="ycgco"), (1920, 1080), ("keep", "bt709"), id="a-matrix-nobody-uses"),
        pytest.param(Look(primaries="smpte432", transfer="bt709"), (1920, 1080), ("convert", "bt709"), id="p3"),
        pytest.param(Look(transfer="smpte2084"), (1920, 1080), ("tone-map", "2020_ncl"), id="pq-and-nothing-else"),
        pytest.param(Look("x", "bt2020nc", "bt2020", "arib-std-b67"), (640, 360), ("tone-map", "2020_ncl"), id="hlg"),
        pytest.param(
            Look(transfer="smpte2084", dolby_vision=(8, 1)), (640, 360), ("tone-map", "2020_ncl"), id="dolby-8"
        ),
    ],
)
def test_colours_are_read_as_players_would(look: Look, size: tuple[int, int], expected: tuple[str, str]) -> None:
    chosen = colour(look, *size)
    assert (chosen.how, chosen.matrix) == expected
    assert bool(list(shared(chosen, 320, 180))) == (chosen.how != "keep")


def test_colours_that_nobody_could_read_are_refused() -> None:
    with pytest.raises(MediaRejected, match="Export the video as HDR10"):
        colour(Look(dolby_vision=(5, 0)), 1920, 1080)


@pytest.mark.parametrize(("nits", "peak"), [(None, 4.926), (100, 1.97), (1200, 5.911), (10_000, 19.704)])
def test_the_peak_of_the_light_is_believed_within_reason(nits: int | None, peak: float) -> None:
    assert colour(Look(transfer="smpte2084", peak_nits=nits), 640, 360).peak == peak


@pytest.mark.parametrize(
    ("flag", "rotation", "seen", "expected"),
    [
        pytest.param("progressive", 0, None, "progressive", id="progressive"),
        pytest.param("tt", 0, None, "top-first", id="not-looked-at"),
        pytest.param("bt", 0, Fields(), "bottom-first", id="nothing-moved"),
        pytest.param("tt", 0, Fields(tff=2, progressive=110), "progressive", id="a-lie"),
        pytest.param("tt", 0, Fields(bff=100, tff=3), "bottom-first", id="wrong-order"),
        pytest.param("", 0, Fields(tff=100, progressive=9), "top-first", id="a-lost-flag"),
        pytest.param("tt", 0, Fields(tff=60, bff=55), "top-first", id="fine-detail"),
        pytest.param("tt", 180, Fields(tff=100), "bottom-first", id="upside-down"),
        pytest.param("tt", 90, Fields(tff=100), "progressive", id="on-its-side"),
    ],
)
def test_fields_are_believed_when_seen(flag: str, rotation: int, seen: Fields | None, expected: Scan) -> None:
    assert scan(replace(VIDEO, look=Look(fields=flag), rotation=rotation), seen) == expected


@pytest.mark.parametrize(
    ("flag", "codec", "rate", "expected"),
    [
        pytest.param("tt", "hevc", "50", True, id="flagged"),
        pytest.param("", "mpeg2video", "25", True, id="television-that-does-not-say"),
        pytest.param("progressive", "h264", "25", False, id="says-progressive"),
        pytest.param("", "h264", "60", False, id="too-fast"),
        pytest.param("", "vp9", "25", False, id="never-interlaced"),
    ],
)
def test_only_what_may_be_interlaced_is_looked_at(flag: str, codec: str, rate: str, expected: bool) -> None:
    stream = replace(VIDEO, codec=codec, average_rate=Fraction(rate), look=Look(fields=flag))
    assert worth_looking(stream) is expected


@given(st.text(max_size=60))
def test_any_metadata_line_is_survived(line: str) -> None:
    fields = Fields()
    fields.feed(line)
    fields.feed("lavfi.idet.multiple.tff=12.00")
    assert fields.tff == 12


def test_fields_double_the_rate() -> None:
    video = replace(VIDEO, look=Look(fields="tt"))
    plan = make_plan(source(video), SPAN, Transcoder())
    assert plan.video is not None
    assert (plan.video.fps, plan.video.frames, plan.video.pictures) == (50, 500, None)
    assert "interlaced" in plan.notes[0]


@pytest.mark.parametrize(
    ("text", "tag", "name"),
    [
        ("ger", "de", "Deutsch"), ("deu", "de", "Deutsch"), ("eng", "en", "English"), ("pt-BR", "pt-BR", "Português"),
        ("zxx", None, None), ("und", None, None), ("", None, None), ("x!", None, None), ("tlh", "tlh", "tlh"),
    ],
)  # fmt: skip
def test_languages_are_written_shortest(text: str, tag: str | None, name: str | None) -> None:
    assert (languages.tag(text), languages.name(languages.tag(text))) == (tag, name)


def test_every_stream_has_its_rendition_and_its_sentence() -> None:
    streams = (
        replace(AUDIO, channels=6), replace(AUDIO, index=2, title="Director", role="commentary"), replace(AUDIO, index=3),
    )  # fmt: skip
    made = replace(
        source(),
        audio=streams,
        text=(TextStream(4, "subrip", "de"), TextStream(5, "ass", "de", hearing=True)),
        chapters=(Mark(Fraction(0), "One"), Mark(Fraction(99), "beyond")),
        unused=(Unused(6, "subtitle", "hdmv_pgs_subtitle", "it consists of pictures"),),
    )
    plan = make_plan(made, SPAN, Transcoder())
    assert [(one.name, one.channels, one.label) for one in plan.audio] == [
        ("audio", 2, "English"), ("audio-2", 2, "English (Director)"), ("audio-3", 2, "English 2"), ("surround", 6, "English"),
    ]  # fmt: skip
    assert [one.label for one in plan.texts] == ["Deutsch", "Deutsch (for the hard of hearing)"]
    assert [one.title for one in plan.chapters] == ["One"]
    assert [one.stream for one in plan.decisions] == [0, 1, 2, 3, 4, 5, 6]
    assert plan.notes == ("Track 6 (subtitle, hdmv_pgs_subtitle) is left out: it consists of pictures.",)
    flat = make_plan(made, SPAN, Transcoder(surround=False))
    assert {one.channels for one in flat.audio} == {2}


CAPTIONS = TextPlan(
    name="text-1", stream=2, origin_s=Fraction(10), duration_s=Fraction(20), language=None, label="x", forced=False, hearing=False
)  # fmt: skip


@pytest.mark.parametrize(
    ("cue", "expected"),
    [
        pytest.param("00:11.000 --> 00:12.500\nHi", "00:00:01.000 --> 00:00:02.500\nHi", id="moved"),
        pytest.param("7\n00:11.000 --> 00:12.500\nHi", "00:00:01.000 --> 00:00:02.500\nHi", id="named"),
        pytest.param("00:09.000 --> 00:12.000\nHi", "00:00:00.000 --> 00:00:02.000\nHi", id="begins-before"),
        pytest.param("00:29.000 --> 99:59:59.000\nHi", "00:00:19.000 --> 00:00:20.000\nHi", id="ends-after"),
        pytest.param("00:01.000 --> 00:09.000\nHi", None, id="before"),
        pytest.param("00:11.000 --> 00:12.000\n", None, id="nothing-said"),
        pytest.param("NOTE 00:11.000 --> 00:12.000\nHi", None, id="a-note"),
        pytest.param("00:11.000 --> 00:12.000\n<script>x</script><b>y</b> --> &", "00:00:01.000 --> 00:00:02.000\nx<b>y</b> → &amp;", id="markup"),
    ],
)  # fmt: skip
def test_captions_stand_on_our_timeline(cue: str, expected: str | None) -> None:
    made = on_timeline(f"WEBVTT\n\n{cue}\n", CAPTIONS)
    assert made.text == "WEBVTT\n\n" + (f"{expected}\n" if expected else "")
    assert made.cues == (expected is not None)


@given(st.text(alphabet="0123456789:.-> \n<>&ab", max_size=200))
def test_any_captions_are_survived(text: str) -> None:
    made = on_timeline(text, CAPTIONS)
    assert made.text.count("-->") == made.cues


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=200), st.integers(1, 90))
def test_pictures_are_counted_on_the_grid(ticks: list[int], frame: int) -> None:
    times = PacketTimes()
    for tick in ticks:
        times.feed(f"{tick},K__")
    span = times.span()
    assert span is not None
    slots = {(tick - min(ticks) + Fraction(frame, 2)) // frame for tick in ticks}
    assert span.pictures(Fraction(frame)) == len(slots)


def test_pictures_without_a_time_at_the_end_count() -> None:
    times = PacketTimes()
    for line in ("N/A,K__", "0,K__", "20,___", "40,___", "N/A,___", "N/A,___"):
        times.feed(line)
    assert times.span() == Span(0, 80, 5, Fraction(20), 80)


@pytest.mark.parametrize(
    ("frames", "pictures", "said"),
    [
        pytest.param(250, 250, None, id="whole"),
        pytest.param(250, 249, None, id="a-picture-less"),
        pytest.param(250, 200, "50 of its 250 pictures", id="a-hole"),
        pytest.param(200, 200, "its last 2 seconds", id="cut-off"),
        pytest.param(250, None, None, id="not-counted"),
    ],
)
def test_what_is_lost_is_told(frames: int, pictures: int | None, said: str | None) -> None:
    plan = make_plan(source(), replace(SPAN, ticks=range(0, 250 * 512, 512)), Transcoder()).video
    assert plan is not None
    told = Timeline((), frames, pictures).told(plan)
    assert (told is None) if said is None else (told is not None and said in told)
