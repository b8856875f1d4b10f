"""The box reader: what it reads, and that no file makes it do anything but read or refuse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playnet.errors import MediaRejected
from playnet.media.cmaf import Movie, Want, index_bytes, index_of
from playnet.media.sample_entry import Audible, Visual
from tests.unit.media.fragmented import Track, box, fragment, init, mp4a, u32

AAC_LC_STEREO = bytes([0x11, 0x90])
HE_AAC_ESCAPED = bytes([0xF8, 0x86, 0x80])  # object type 31: the real one (36) follows in six bits


def test_a_file_is_split_at_its_fragments() -> None:
    head = init(Track())
    first = fragment(0, [512] * 100, samples=100, first_offset=0)
    second = fragment(51200, [512] * 30, samples=30, first_offset=-5)
    movie = index_bytes(head + first + second)
    assert movie.init_bytes == len(head)
    assert movie.track.sample == Visual("avc1.64001F", 640, 360)
    assert [(one.offset, one.size_bytes) for one in movie.fragments] == [
        (len(head), len(first)),
        (len(head) + len(first), len(second)),
    ]
    assert [one.decode_ticks for one in movie.fragments] == [0, 51200]
    assert [one.duration_ticks for one in movie.fragments] == [51200, 15360]
    assert [one.samples for one in movie.fragments] == [100, 30]
    assert [one.first_offset_ticks for one in movie.fragments] == [0, -5]
    assert all(one.starts_with_sync for one in movie.fragments)


@pytest.mark.parametrize(
    ("specific", "expected"),
    [
        pytest.param(AAC_LC_STEREO, Audible("mp4a.40.2", 2, 48000), id="aac-lc"),
        pytest.param(bytes([0x11, 0xB0]), Audible("mp4a.40.2", 6, 48000), id="5.1-despite-the-entry"),
        pytest.param(bytes([0x11, 0x80]), Audible("mp4a.40.2", 2, 48000), id="entry-when-unconfigured"),
        pytest.param(HE_AAC_ESCAPED, Audible("mp4a.40.36", 4, 48000), id="escaped-object-type"),
    ],
)
def test_audio_is_described_by_its_specific_config(specific: bytes, expected: Audible) -> None:
    assert index_bytes(init(Track(entry=mp4a(specific), timescale=48000))).track.sample == expected


@pytest.mark.parametrize("wide", [False, True], ids=["32-bit", "64-bit"])
def test_edit_lists_tell_the_encoders_delay(wide: bool) -> None:
    assert index_bytes(init(Track(edit=1024, wide=wide))).track.edit_ticks == 1024


def test_a_run_without_durations_takes_the_defaults() -> None:
    movie = index_bytes(init(Track(default_duration=1024)) + fragment(0, None, samples=7))
    assert movie.fragments[0].duration_ticks == 7 * 1024


def test_announcing_boxes_belong_to_the_fragment_that_follows() -> None:
    head, announced = init(Track()), box("styp", b"cmfs", u32(0)) + box("prft", bytes(16)) + box("emsg", bytes(20))
    movie = index_bytes(head + announced + fragment(0, [1]) + box("free", bytes(9)) + announced + fragment(1, [1]))
    assert [one.offset for one in movie.fragments] == [len(head), movie.fragments[0].size_bytes + len(head) + 17]


def test_large_bodies_are_never_asked_for() -> None:
    """A body of 8 GiB, announced by a 64-bit size, costs one header."""
    head = init(Track())
    moof = fragment(0, [1], payload=0)[:-8]
    mdat = u32(1) + b"mdat" + (16 + (8 << 30)).to_bytes(8, "big")
    front = head + moof + mdat
    reader = index_of(len(front) + (8 << 30))
    want, asked = next(reader), 0
    movie: Movie | None = None
    while movie is None:
        assert want.offset + want.length <= len(front)
        asked += want.length
        try:
            want = reader.send(front[want.offset : want.offset + want.length])
        except StopIteration as end:
            movie = end.value
    assert movie.fragments[0].size_bytes == len(moof) + 16 + (8 << 30)
    assert asked < 2 * len(front)


WHOLE = init(Track()) + fragment(0, [512] * 3, samples=3, first_offset=0) + fragment(1536, [512])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"this is text, not a movie", id="text"),
        pytest.param(WHOLE[:-1], id="cut-in-the-last-body"),
        pytest.param(WHOLE[: len(init(Track())) + 40], id="cut-in-a-moof"),
        pytest.param(fragment(0, [1]), id="no-init"),
        pytest.param(init(Track()) + init(Track()), id="two-inits"),
        pytest.param(init(Track()) + box("mdat", b"x"), id="body-without-moof"),
        pytest.param(init(Track()) + fragment(0, None, samples=0), id="no-samples"),
        pytest.param(init(Track()) + fragment(0, None, samples=1).replace(u32(1, 0), u32(1 << 31, 0)), id="billions-of-samples"),
        pytest.param(init(Track(timescale=0)), id="no-clock"),
        pytest.param(init(Track(entry=box("hvc1", bytes(90)))), id="a-codec-that-we-never-make"),
        pytest.param(u32(1 << 31) + b"moov" + bytes(64), id="larger-than-the-file"),
        pytest.param(u32(4) + b"moov" + bytes(64), id="smaller-than-a-header"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(data: bytes) -> None:
    with pytest.raises(MediaRejected):
        index_bytes(data)


@given(st.data())
@settings(max_examples=400)
def test_no_file_does_anything_but_be_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(WHOLE)
    for position in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), max_size=6)):
        damaged[position] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(WHOLE)))])
    try:
        movie = index_bytes(cut)
    except MediaRejected:
        return
    end = movie.init_bytes
    for one in movie.fragments:
        assert one.offset >= end
        end = one.offset + one.size_bytes
    assert end <= len(cut)


@given(st.integers(0, 1 << 20))
def test_the_reader_never_wants_bytes_beyond_the_end(size_bytes: int) -> None:
    reader = index_of(size_bytes)
    try:
        want: Want = next(reader)
        while True:
            assert want.offset + want.length <= size_bytes
            want = reader.send(bytes(want.length))
    except (MediaRejected, StopIteration):
        return
