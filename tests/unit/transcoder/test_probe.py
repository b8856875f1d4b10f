"""What ffprobe reports, as values or as reasons."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.errors import MediaRejected
from transcoder.core.packets import PacketTimes, Span, assumed_span
from transcoder.core.probe import display_size, read_source
from transcoder.core.source import Source

VIDEO: dict[str, Any] = {
    "index": 0, "codec_type": "video", "codec_name": "h264", "width": 1440, "height": 1080,
    "sample_aspect_ratio": "4:3", "time_base": "1/90000", "avg_frame_rate": "30000/1001", "start_pts": 3003,
    "duration": "12.5", "disposition": {"default": 1},
}  # fmt: skip
AUDIO: dict[str, Any] = {
    "index": 1, "codec_type": "audio", "codec_name": "aac", "channels": 6, "time_base": "1/48000", "start_pts": -1024,
    "duration": "12.6", "tags": {"language": "deu"},
}  # fmt: skip
COVER = {**VIDEO, "codec_name": "mjpeg", "disposition": {"attached_pic": 1}}


def report(*streams: dict[str, Any], container: str = "mov,mp4", duration: str = "12.6") -> dict[str, Any]:
    return {"streams": list(streams), "format": {"format_name": container, "duration": duration}}


def test_streams_as_values() -> None:
    source = read_source(report(VIDEO, AUDIO))
    assert source.video is not None
    (audio,) = source.audio
    assert (source.video.time_base, source.video.start_ticks) == (Fraction(1, 90000), 3003)
    assert display_size(source.video) == (1920, 1080)
    assert (audio.channels, audio.start_ticks, audio.language) == (6, -1024, "de")
    assert source.duration_s == Fraction("12.6")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"sample_aspect_ratio": "1:1"}, (1440, 1080), id="square"),
        pytest.param({"sample_aspect_ratio": "N/A"}, (1440, 1080), id="unknown-aspect"),
        pytest.param({"sample_aspect_ratio": "0:1"}, (1440, 1080), id="zero-aspect"),
        pytest.param({"sample_aspect_ratio": "1:2"}, (1440, 2160), id="tall-pixels"),
        pytest.param({"side_data_list": [{"rotation": -90}]}, (1080, 1920), id="portrait"),
        pytest.param({"side_data_list": [{"rotation": 180}]}, (1920, 1080), id="upside-down"),
        pytest.param({"side_data_list": [{"rotation": 13.7}, "x"]}, (1920, 1080), id="odd-angle"),
    ],
)
def test_people_see_square_upright_pixels(change: dict[str, Any], expected: tuple[int, int]) -> None:
    video = read_source(report({**VIDEO, **change})).video
    assert video is not None
    assert display_size(video) == expected


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        pytest.param({}, "not a video or audio file", id="nothing"),
        pytest.param({"streams": "x", "format": 7}, "not a video or audio file", id="nonsense"),
        pytest.param(report(), "not a video or audio file", id="no-streams"),
        pytest.param(report({"codec_type": "subtitle"}), "neither video nor audio", id="subtitles-only"),
        pytest.param(report(COVER), "cannot decode", id="cover-art-only"),
        pytest.param(report({**VIDEO, "codec_name": "none"}), "cannot decode", id="unknown-codec"),
        pytest.param(report({**AUDIO, "channels": 0}), "cannot decode", id="no-channels"),
        pytest.param(report({**VIDEO, "codec_tag_string": "encv"}), "DRM", id="protected"),
        pytest.param(report({**VIDEO, "width": 0}), "size of the picture", id="no-size"),
        pytest.param(report({**VIDEO, "width": 30000}), "too large", id="huge"),
        pytest.param(report({**VIDEO, "height": 8}), "too small", id="tiny"),
        pytest.param(report({**VIDEO, "time_base": "0/0"}), "no usable clock", id="no-clock"),
    ],
)
def test_reasons_are_written_for_people(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(MediaRejected, match=reason):
        read_source(document)


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        pytest.param((COVER, AUDIO), (None, 1), id="cover-art-is-no-video"),
        pytest.param(({**VIDEO, "index": 3, "disposition": {}}, {**VIDEO, "index": 4}), (4, None), id="the-default"),
        pytest.param(({**VIDEO, "nb_frames": "0"}, {**VIDEO, "index": 2, "disposition": {}}), (2, None), id="not-the-empty"),
        pytest.param(({**AUDIO, "channels": 2}, {**AUDIO, "index": 2}), (None, 2), id="most-channels"),
    ],
)  # fmt: skip
def test_the_best_streams_are_chosen(
    streams: tuple[dict[str, Any], ...], expected: tuple[int | None, int | None]
) -> None:
    source = read_source(report(*streams))
    chosen = (source.video.index if source.video else None, source.audio[0].index if source.audio else None)
    assert chosen == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.sampled_from(["1/0", "9:1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*VIDEO, *AUDIO, "tags", "rotation"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from([*VIDEO, *AUDIO, "side_data_list"]), JSON, max_size=6), max_size=3))
def test_absurd_reports_are_read_or_rejected(changes: list[dict[str, Any]]) -> None:
    try:
        source = read_source(report(*({**VIDEO, **change} for change in changes)))
    except MediaRejected:
        return
    assert isinstance(source, Source)
    assert source.video or source.audio


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(["N/A,K__", "", "x", "9" * 30 + ",K__"], None, id="no-times"),
        pytest.param(["90,K__"], Span(90, 90, 1, None), id="one-picture"),
        pytest.param(["-40,KD_", "-20,_D_", "0,K__", "20,___"], Span(0, 20, 2, Fraction(20), 20), id="discarded-by-edit-list"),
        pytest.param(["0,K", "80,_", "40,_", "20,_", "60,_"], Span(0, 80, 5, Fraction(20), 80), id="reordered"),
        pytest.param(["20,K", "0,_", "40,_", "100,K", "60,_", "80,_", "120,_"], Span(0, 120, 7, Fraction(20), 80), id="key-frames"),
        pytest.param([f"{n}," for n in (0, 20, 40, 500, 520, 540, 560)], Span(0, 560, 7, Fraction(20), 560), id="a-hole"),
        pytest.param([f"{n}," for n in (0, 33, 67, 100)], Span(0, 100, 4, Fraction(100, 3), 100), id="milliseconds"),
    ],
)  # fmt: skip
def test_packet_times_are_summed_up(lines: list[str], expected: Span | None) -> None:
    times = PacketTimes()
    for line in lines:
        times.feed(line)
    assert times.span() == expected


def test_a_header_is_believed_when_reading_takes_too_long() -> None:
    video = read_source(report(VIDEO)).video
    assert video is not None
    assert assumed_span(video) == Span(3003, 3003 + 374 * 3003, 375, Fraction(3003))
