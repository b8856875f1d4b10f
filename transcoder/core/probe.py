"""What a source is: ffprobe's report as values, or the reason, written for the publisher, why it cannot be played.

Pure. The report comes from a hostile file by way of a parser: every field may be missing or absurd.
"""

import re
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from playnet.errors import MediaRejected

_MAX_SIDE = 16_384  # H.264 level 6.2 ends well below; beyond, one picture costs gigabytes
_MAX_PIXELS = 8192 * 8192
_MIN_SIDE = 16
_MAX_PACKETS = 24 * 3600 * 120  # a day at 120 pictures per second: 83 MB of times
_MAX_DIGITS = 18  # of a time that fits 64 bits
_UNKNOWN = frozenset({"", "none", "unknown"})
_ENCRYPTED_TAGS = frozenset({"encv", "enca"})  # ISO/IEC 23001-7: protected sample entries
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")  # the part of BCP 47 that containers use


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The picture stream. `width` and `height` as coded; `rotation` in degrees clockwise, a multiple of 90."""

    index: int
    codec: str
    width: int
    height: int
    sample_aspect: Fraction
    rotation: int
    time_base: Fraction
    average_rate: Fraction | None
    start_ticks: int
    duration_s: Fraction | None


@dataclass(frozen=True, slots=True)
class AudioStream:
    """The sound stream."""

    index: int
    codec: str
    channels: int
    time_base: Fraction
    start_ticks: int
    duration_s: Fraction | None
    language: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """The streams to use, at least one, with what the container says of their length."""

    container: str
    video: VideoStream | None
    audio: AudioStream | None
    duration_s: Fraction | None


class PacketTimes:
    """Gathers a stream's packet times, fed as they are read, in any order; eight bytes for each."""

    def __init__(self) -> None:
        self._ticks = array("q")
        self._keys = array("q")

    def feed(self, line: str) -> None:
        """One `pts,flags` line. Packets without a time, and those that an edit list discards, do not count."""
        pts, _, flags = line.strip().partition(",")
        if "D" in flags or not pts.lstrip("-").isdigit() or len(pts) > _MAX_DIGITS:
            return
        if len(self._ticks) >= _MAX_PACKETS:
            raise MediaRejected("The file holds more pictures than a day of video: it is damaged.")
        self._ticks.append(int(pts))
        if "K" in flags:
            self._keys.append(int(pts))

    def span(self) -> "Span | None":
        """What they say together; None when there was none."""
        return _span(sorted(self._ticks), sorted(self._keys)) if self._ticks else None


@dataclass(frozen=True, slots=True)
class Span:
    """First and last picture in ticks, how many there are, and the usual gap between two (None for one picture).

    `key_gap`: the longest stretch without a key frame, in ticks; 0 where it is not known.
    """

    first: int
    last: int
    count: int
    gap: Fraction | None
    key_gap: int = 0


def assumed_span(stream: VideoStream) -> Span | None:
    """What the container's header claims, for files that take too long to read; None when it says too little."""
    if stream.average_rate is None or stream.duration_s is None:
        return None
    gap = 1 / (stream.average_rate * stream.time_base)
    count = max(1, round(stream.duration_s * stream.average_rate))
    return Span(stream.start_ticks, stream.start_ticks + round((count - 1) * gap), count, gap)


def _span(ticks: Sequence[int], keys: Sequence[int]) -> Span:
    """The usual gap is the mean of those within a quarter of the median: holes do not count as slow motion, and
    clocks that round to milliseconds average out."""
    gaps = sorted(later - earlier for earlier, later in pairwise(ticks) if later > earlier)
    gap = None
    if gaps:
        median = gaps[len(gaps) // 2]
        usual = [one for one in gaps if 4 * abs(one - median) <= median]
        gap = Fraction(sum(usual), len(usual))
    key_gap = max(later - earlier for earlier, later in pairwise([ticks[0], *keys, ticks[-1]]))
    return Span(ticks[0], ticks[-1], len(ticks), gap, key_gap)


def read_source(report: Mapping[str, Any]) -> Source:
    """Choose streams from the report of `argv.probe`. MediaRejected says what is wrong with the file."""
    streams = [stream for stream in _list(report, "streams") if isinstance(stream, Mapping)]
    container = _text(_mapping(report, "format"), "format_name")
    if not streams or container in _UNKNOWN:
        raise unreadable()
    if any(_text(stream, "codec_tag_string") in _ENCRYPTED_TAGS for stream in streams):
        raise MediaRejected("The file is copy-protected (DRM), so it cannot be converted.")
    video = _best([stream for stream in streams if _is_picture(stream)])
    audio = _best([stream for stream in streams if _is_sound(stream)])
    if video is None and audio is None:
        raise MediaRejected(_nothing_usable(streams))
    return Source(
        container,
        None if video is None else _video(video),
        None if audio is None else _audio(audio),
        _seconds(_mapping(report, "format").get("duration")),
    )


def unreadable() -> MediaRejected:
    """For a file that no demuxer recognises."""
    return MediaRejected("This is not a video or audio file that PlayNet can read, or its beginning is damaged.")


def display_size(stream: VideoStream) -> tuple[int, int]:
    """Width and height as people see them: square pixels, upright."""
    width, height = round(stream.width * stream.sample_aspect), stream.height
    if stream.sample_aspect < 1:
        width, height = stream.width, round(stream.height / stream.sample_aspect)
    return (height, width) if stream.rotation % 180 else (width, height)


def _nothing_usable(streams: Sequence[Mapping[str, Any]]) -> str:
    kinds = {_text(stream, "codec_type") for stream in streams}
    if kinds & {"video", "audio"}:
        return "The video and audio in this file use a format that PlayNet cannot decode."
    return "The file contains neither video nor audio."


def _is_picture(stream: Mapping[str, Any]) -> bool:
    """A moving picture; cover art is not one."""
    disposition = _mapping(stream, "disposition")
    cover = disposition.get("attached_pic") or disposition.get("still_image") or disposition.get("timed_thumbnails")
    return _text(stream, "codec_type") == "video" and not cover and _text(stream, "codec_name") not in _UNKNOWN


def _is_sound(stream: Mapping[str, Any]) -> bool:
    known = _text(stream, "codec_name") not in _UNKNOWN
    return _text(stream, "codec_type") == "audio" and known and _count(stream, "channels") > 0


def _best(streams: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The container's default, then the one with most pixels or channels, then the first."""

    def rank(stream: Mapping[str, Any]) -> tuple[bool, bool, int, int]:
        default = bool(_mapping(stream, "disposition").get("default"))
        size = _count(stream, "width") * _count(stream, "height") + _count(stream, "channels")
        empty = _text(stream, "nb_frames") == "0" or stream.get("duration_ts") == 0
        return not empty, default, size, -_count(stream, "index")

    return max(streams, key=rank, default=None)


def _video(stream: Mapping[str, Any]) -> VideoStream:
    width, height = _count(stream, "width"), _count(stream, "height")
    if width < 1 or height < 1:
        raise MediaRejected("The size of the picture cannot be found: the file is damaged.")
    aspect = _ratio(stream.get("sample_aspect_ratio"), ":") or Fraction(1)
    if not Fraction(1, 20) <= aspect <= 20:
        aspect = Fraction(1)
    video = VideoStream(
        index=_count(stream, "index"),
        codec=_text(stream, "codec_name"),
        width=width,
        height=height,
        sample_aspect=aspect,
        rotation=_rotation(_list(stream, "side_data_list")),
        time_base=_time_base(stream),
        average_rate=_ratio(stream.get("avg_frame_rate"), "/"),
        start_ticks=_ticks(stream),
        duration_s=_seconds(stream.get("duration")),
    )
    shown = display_size(video)
    if max(shown) > _MAX_SIDE or shown[0] * shown[1] > _MAX_PIXELS:
        raise MediaRejected(f"The picture is too large: {shown[0]}x{shown[1]} pixels.")
    if min(shown) < _MIN_SIDE:
        raise MediaRejected(f"The picture is too small: {shown[0]}x{shown[1]} pixels.")
    return video


def _audio(stream: Mapping[str, Any]) -> AudioStream:
    language = _text(_mapping(stream, "tags"), "language")
    known = _LANGUAGE.fullmatch(language) and language != "und"
    return AudioStream(
        index=_count(stream, "index"),
        codec=_text(stream, "codec_name"),
        channels=_count(stream, "channels"),
        time_base=_time_base(stream),
        start_ticks=_ticks(stream),
        duration_s=_seconds(stream.get("duration")),
        language=language if known else None,
    )


def _rotation(side_data: Iterable[Any]) -> int:
    """Clockwise degrees of the display matrix; ffprobe reports counter-clockwise ones. Odd angles count as upright."""
    for item in side_data:
        degrees = item.get("rotation") if isinstance(item, Mapping) else None
        if isinstance(degrees, int | float) and degrees == degrees // 90 * 90:
            return int(-degrees) % 360
    return 0


def _time_base(stream: Mapping[str, Any]) -> Fraction:
    time_base = _ratio(stream.get("time_base"), "/")
    if time_base is None:
        raise MediaRejected("The file has no usable clock: it is damaged.")
    return time_base


def _ticks(stream: Mapping[str, Any]) -> int:
    start = stream.get("start_pts", 0)
    return start if isinstance(start, int) else 0


def _ratio(value: Any, separator: str) -> Fraction | None:
    """`30000/1001` or `4:3` when both numbers are positive."""
    left, _, right = str(value).partition(separator)
    if (
        not (left.isascii() and left.isdigit() and right.isascii() and right.isdigit())
        or max(len(left), len(right)) > 12
    ):
        return None
    return Fraction(int(left), int(right)) if int(left) and int(right) else None


def _seconds(value: Any) -> Fraction | None:
    text = str(value)
    return Fraction(text) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text) and Fraction(text) > 0 else None


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value if isinstance(value, str) else ""


def _count(mapping: Mapping[str, Any], key: str) -> int:
    value = mapping.get(key, 0)
    return value if isinstance(value, int) and value > 0 else 0


def _mapping(mapping: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = mapping.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(mapping: Mapping[str, Any], key: str) -> list[Any]:
    value = mapping.get(key)
    return value if isinstance(value, list) else []
