"""Reads a fragmented MP4 with one track: its init file and its fragments, with times. Pure.

ISO/IEC 14496-12 §8.8 (movie fragments), 23000-19 (CMAF). The reader is a generator that yields the byte range it
wants next and is sent those bytes, so that a file of any size is indexed in the memory of its largest `moof`:

    index = index_of(size_bytes)           # Want(0, 16), send 16 bytes, Want(…), … StopIteration(Movie)

Sizes and counts in the file are not believed: what does not fit is MediaRejected.
"""

from collections.abc import Generator
from dataclasses import dataclass

from playnet.errors import MediaRejected

from . import sample_entry
from .boxes import HEADER_BYTES, Box, Extent, extent, walk

_MAX_MOOV = 1 << 20  # ours have under 1 KiB
_MAX_MOOF = 16 << 20  # a million samples
_MAX_SAMPLES = 1 << 20  # in one fragment
_NON_SYNC = 0x10000  # §8.8.3.1 sample_is_non_sync_sample
_BEFORE_MOOF = frozenset({"styp", "sidx", "prft", "emsg"})  # belong to the fragment that follows


@dataclass(frozen=True, slots=True)
class Want:
    """A byte range of the file, never past its end."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Defaults:
    """`trex`, overridden by `tfhd`: what a run leaves out."""

    duration: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """The one track of an init file. `edit_ticks`: media time at which its presentation starts (edit list)."""

    track_id: int
    timescale: int
    sample: sample_entry.Visual | sample_entry.Audible
    defaults: Defaults
    edit_ticks: int


@dataclass(frozen=True, slots=True)
class Fragment:
    """One `moof` with its `mdat` and the boxes announced before it; times in ticks of the track."""

    offset: int
    size_bytes: int
    decode_ticks: int
    duration_ticks: int
    samples: int
    first_offset_ticks: int
    starts_with_sync: bool


@dataclass(frozen=True, slots=True)
class Movie:
    """A whole file: bytes [0, init_bytes) are the init file, fragments follow in file order."""

    init_bytes: int
    track: TrackHeader
    fragments: tuple[Fragment, ...]


def index_of(size_bytes: int) -> Generator[Want, bytes, Movie]:
    """Index a file of `size_bytes`. Send exactly the bytes of each `Want`; the Movie is the generator's return value."""
    init_bytes, track = 0, None
    fragments: list[Fragment] = []
    at, start = 0, None  # start: first byte of the fragment under way
    moof: tuple[Extent, memoryview] | None = None
    while at < size_bytes:
        box = extent((yield Want(at, min(HEADER_BYTES, size_bytes - at))), at, size_bytes)
        match box.type:
            case "moov" if track is None:
                track, init_bytes = _moov((yield _whole(box, _MAX_MOOV))), box.end
            case kind if kind in _BEFORE_MOOF:
                start = box.start if start is None else start
            case "moof" if track is not None and moof is None:
                moof = box, memoryview((yield _whole(box, _MAX_MOOF)))
            case "mdat" if track is not None and moof is not None:
                where, data = moof
                first = where.start if start is None else start
                fragments.append(_moof(data, track, offset=first, size_bytes=box.end - first))
                start = moof = None
            case "moov" | "moof" | "mdat":
                raise MediaRejected(f"box {box.type!r} at byte {box.start} is out of order")
        at = box.end
    if track is None or moof is not None:
        raise MediaRejected("the file ends before its 'moov'" if track is None else "the last fragment has no data")
    return Movie(init_bytes, track, tuple(fragments))


def index_bytes(data: bytes) -> Movie:
    """Index a file that is in memory."""
    index = index_of(len(data))
    try:
        want = next(index)
        while True:
            want = index.send(data[want.offset : want.offset + want.length])
    except StopIteration as end:
        movie: Movie = end.value
        return movie


def _whole(box: Extent, limit: int) -> Want:
    if box.end - box.start > limit:
        raise MediaRejected(f"box {box.type!r} of {box.end - box.start} bytes is too large")
    return Want(box.start, box.end - box.start)


def _moov(data: bytes) -> TrackHeader:
    moov = next(walk(memoryview(data), 0, len(data)))
    traks = [box for box in moov.children() if box.type == "trak"]
    if len(traks) != 1:
        raise MediaRejected(f"expected one track, found {len(traks)}")
    track_id = _after_dates(traks[0].child("tkhd"))
    timescale = _after_dates(traks[0].child("mdia", "mdhd"))
    entry = next(traks[0].child("mdia", "minf", "stbl", "stsd").children(skip=8), None)
    if timescale == 0 or entry is None:
        raise MediaRejected("the track has no timescale or no sample description")
    edit = _edit(traks[0])
    return TrackHeader(track_id, timescale, sample_entry.read(entry), _trex(moov, track_id), edit)


def _after_dates(box: Box) -> int:
    """The 32-bit field behind the two dates, which `tkhd` and `mdhd` share (§8.3.2, §8.4.2)."""
    fields = box.fields()
    version, _ = fields.full()
    fields.skip(16 if version == 1 else 8)
    return fields.uint(4)


def _edit(trak: Box) -> int:
    """Media time of the first edit that is not empty (§8.6.6), else 0."""
    edts = trak.find("edts")
    elst = edts.find("elst") if edts is not None else None
    if elst is None:
        return 0
    fields = elst.fields()
    version, _ = fields.full()
    size = 8 if version == 1 else 4
    for _ in range(min(fields.uint(4), fields.left // (2 * size + 4))):
        fields.skip(size)
        media_time = fields.sint(size)
        fields.skip(4)
        if media_time >= 0:
            return media_time
    return 0


def _trex(moov: Box, track_id: int) -> Defaults:
    for box in moov.child("mvex").children():
        if box.type == "trex":
            fields = box.fields()
            fields.full()
            if fields.uint(4) == track_id:
                fields.skip(4)
                duration = fields.uint(4)
                fields.skip(4)
                return Defaults(duration, fields.uint(4))
    raise MediaRejected("'mvex' has no defaults for the track")


def _moof(data: memoryview, track: TrackHeader, *, offset: int, size_bytes: int) -> Fragment:
    moof = next(walk(data, 0, len(data)))
    trafs = [box for box in moof.children() if box.type == "traf"]
    if len(trafs) != 1:
        raise MediaRejected(f"expected one track in a fragment, found {len(trafs)}")
    traf = trafs[0]
    defaults = _tfhd(traf.child("tfhd"), track)
    fields = traf.child("tfdt").fields()
    version, _ = fields.full()
    decode_ticks = fields.uint(8 if version == 1 else 4)
    runs = [_trun(box, defaults) for box in traf.children() if box.type == "trun"]
    samples = sum(run.samples for run in runs)
    if samples == 0:
        raise MediaRejected("a fragment has no samples")
    first = next(run for run in runs if run.samples)
    duration = sum(run.duration for run in runs)
    return Fragment(
        offset, size_bytes, decode_ticks, duration, samples, first.first_offset, not first.flags & _NON_SYNC
    )


def _tfhd(box: Box, track: TrackHeader) -> Defaults:
    """§8.8.7."""
    fields = box.fields()
    _, flags = fields.full()
    if fields.uint(4) != track.track_id:
        raise MediaRejected("a fragment belongs to another track")
    fields.skip((8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0))
    duration = fields.uint(4) if flags & 0x8 else track.defaults.duration
    fields.skip(4 if flags & 0x10 else 0)
    return Defaults(duration, fields.uint(4) if flags & 0x20 else track.defaults.flags)


@dataclass(frozen=True, slots=True)
class _Run:
    samples: int
    duration: int
    first_offset: int
    flags: int


def _trun(box: Box, defaults: Defaults) -> _Run:
    """§8.8.8. Reads durations and the first sample's composition offset and flags."""
    fields = box.fields()
    version, flags = fields.full()
    samples = fields.uint(4)
    fields.skip(4 if flags & 0x1 else 0)
    first_flags = fields.uint(4) if flags & 0x4 else defaults.flags
    has_duration, has_size, has_flags, has_offset = (bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    row = 4 * (has_duration + has_size + has_flags + has_offset)
    if samples > _MAX_SAMPLES or samples * row > fields.left:
        raise MediaRejected(f"a run claims {samples} samples")
    duration, first_offset = (0 if has_duration else samples * defaults.duration), 0
    for number in range(samples if has_duration else min(samples, 1)):
        duration += fields.uint(4) if has_duration else 0
        fields.skip(4 * has_size)
        sample_flags = fields.uint(4) if has_flags else first_flags
        offset = (fields.sint(4) if version else fields.uint(4)) if has_offset else 0
        if number == 0:
            first_offset = offset
            first_flags = first_flags if flags & 0x4 else sample_flags
    return _Run(samples, duration, first_offset, first_flags)
