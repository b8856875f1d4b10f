"""Chunks become one timeline, or it is said why they cannot."""

from fractions import Fraction

import pytest

from playnet.config import Transcoder
from playnet.media.records import VideoTrack
from tests.unit.transcoder.test_plan import VIDEO, source
from transcoder.core.packets import Span
from transcoder.core.planning import make_plan
from transcoder.core.timeline import Chunk, Stretch, Unjoined, join

_made = make_plan(source(VIDEO, None), Span(0, 229 * 512, 230, Fraction(512)), Transcoder(), chunk_s=4).video
assert _made is not None
PLAN = _made


def chunk(n0: int, frames: int, *, segments: int = 1, init: str = "aa", late_ticks: int = 0) -> Chunk:
    """Of one rendition; every segment has the same length."""
    track = VideoTrack(
        name="144p", codec="avc1.42c01e", timescale=12800, width=256, height=144, fps_num=25, fps_den=1,
        first_ticks=n0 * 512 + late_ticks, segment_ticks=(frames * 512 // segments,) * segments, segment_bytes=(n0 + 1,) * segments,
    )  # fmt: skip
    return Chunk(n0=n0, frames=frames, stretches=(Stretch(track=track, init_sha256=init),))


def test_chunks_become_one_timeline() -> None:
    timeline = join([chunk(0, 100), chunk(100, 100), chunk(200, 30)], PLAN)
    (track,) = timeline.tracks
    assert timeline.frames == 230
    assert track.segment_ticks == (51200, 51200, 15360)
    assert track.segment_bytes == (1, 101, 201)
    assert track.first_ticks == 0


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        pytest.param([chunk(100, 100)], "starts at frame 100", id="the-first-is-missing"),
        pytest.param([chunk(0, 100), chunk(200, 30)], "starts at frame 200", id="one-is-missing"),
        pytest.param([chunk(0, 90), chunk(100, 100)], "starts at frame 100", id="one-is-short"),
        pytest.param([chunk(0, 100), chunk(100, 100, init="bb")], "init file of chunk 1", id="another-init-file"),
        pytest.param([chunk(0, 100), chunk(100, 100, late_ticks=1)], "does not continue", id="another-time"),
        pytest.param([chunk(0, 100, segments=2), chunk(100, 100)], "does not continue", id="numbers-differ"),
    ],
)
def test_what_does_not_fit_is_not_joined(chunks: list[Chunk], reason: str) -> None:
    with pytest.raises(Unjoined, match=reason):
        join(chunks, PLAN)


def test_a_chunk_survives_json() -> None:
    one = chunk(100, 100)
    assert Chunk.model_validate(one.model_dump(mode="json")) == one
    assert one.segments == 1
