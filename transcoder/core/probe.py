"""What a source is: ffprobe's report as values, or the reason, written for the publisher, why it cannot be played.

Pure. The report comes from a hostile file by way of a parser: every field may be missing or absurd.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from playnet.errors import MediaRejected

from . import languages
from .source import AudioStream, Look, Mark, Role, Source, TextStream, Unused, VideoStream

_MAX_SIDE = 16_384  # H.264 level 6.2 ends well below; beyond, one picture costs gigabytes
_MAX_PIXELS = 8192 * 8192
_MIN_SIDE = 16
_MAX_SOUNDS = 16  # each is a rendition; a file with more is no film
_MAX_TEXTS = 64
_MAX_CHAPTERS = 1000
_MAX_TITLE = 80
_UNKNOWN = frozenset({"", "none", "unknown"})
_ENCRYPTED_TAGS = frozenset({"encv", "enca"})  # ISO/IEC 23001-7: protected sample entries
_WRITTEN = frozenset({"subrip", "srt", "mov_text", "webvtt", "ass", "ssa", "text", "eia_608"})
_PAINTED = frozenset({"hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"})

_Stream = Mapping[str, Any]


def read_source(report: Mapping[str, Any]) -> Source:
    """Choose streams from the report of `argv.probe`. MediaRejected says what is wrong with the file."""
    streams = [stream for stream in _list(report, "streams") if isinstance(stream, Mapping)]
    container = _text(_mapping(report, "format"), "format_name")
    if not streams or container in _UNKNOWN:
        raise unreadable()
    if any(_text(stream, "codec_tag_string") in _ENCRYPTED_TAGS for stream in streams):
        raise MediaRejected("The file is copy-protected (DRM), so it cannot be converted.")
    pictures = _ranked([stream for stream in streams if _is_picture(stream)])
    sounds = _ranked([stream for stream in streams if _is_sound(stream)])
    texts = [stream for stream in streams if _text(stream, "codec_name") in _WRITTEN]
    if not pictures and not sounds:
        raise MediaRejected(_nothing_usable(streams))
    chosen = [*pictures[:1], *_filled(sounds)[:_MAX_SOUNDS], *texts[:_MAX_TEXTS]]
    return Source(
        container,
        _video(pictures[0]) if pictures else None,
        tuple(map(_audio, _filled(sounds)[:_MAX_SOUNDS])),
        _seconds(_mapping(report, "format").get("duration")),
        tuple(map(_written, texts[:_MAX_TEXTS])),
        tuple(_marks(_list(report, "chapters"))),
        next((_count(stream, "index") for stream in streams if _is_cover(stream)), None),
        tuple(_unused(stream) for stream in streams if stream not in chosen and _is_told(stream)),
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


def _is_picture(stream: _Stream) -> bool:
    """A moving picture; cover art is not one."""
    return (
        _text(stream, "codec_type") == "video" and not _is_cover(stream) and _text(stream, "codec_name") not in _UNKNOWN
    )


def _is_cover(stream: _Stream) -> bool:
    disposition = _mapping(stream, "disposition")
    return any(disposition.get(name) for name in ("attached_pic", "still_image", "timed_thumbnails"))


def _is_sound(stream: _Stream) -> bool:
    known = _text(stream, "codec_name") not in _UNKNOWN
    return _text(stream, "codec_type") == "audio" and known and _count(stream, "channels") > 0


def _ranked(streams: Sequence[_Stream]) -> list[_Stream]:
    """The container's default, then the one with most pixels or channels, then the first; empty ones last."""

    def rank(stream: _Stream) -> tuple[bool, bool, int, int]:
        default = bool(_mapping(stream, "disposition").get("default"))
        size = _count(stream, "width") * _count(stream, "height") + _count(stream, "channels")
        return not _is_empty(stream), default, size, -_count(stream, "index")

    best = max(streams, key=rank, default=None)
    return [] if best is None else [best, *(stream for stream in streams if stream is not best)]


def _filled(sounds: Sequence[_Stream]) -> list[_Stream]:
    """Those that hold something; the first one anyway, whose emptiness has to be told."""
    return [stream for number, stream in enumerate(sounds) if number == 0 or not _is_empty(stream)]


def _is_empty(stream: _Stream) -> bool:
    return _text(stream, "nb_frames") == "0" or stream.get("duration_ts") == 0


def _is_told(stream: _Stream) -> bool:
    return _text(stream, "codec_type") in {"video", "audio", "subtitle"} and not _is_cover(stream)


def _unused(stream: _Stream) -> Unused:
    kind, codec = _text(stream, "codec_type"), _text(stream, "codec_name")
    why = "nothing more of its kind is taken"
    if codec in _PAINTED:
        why = "it consists of pictures, not of text, and cannot become captions: upload them as a WebVTT or SubRip file"
    elif codec in _UNKNOWN or (kind == "subtitle" and codec not in _WRITTEN):
        why = "it uses a format that PlayNet cannot decode"
    elif _is_empty(stream):
        why = "it is empty"
    elif kind == "video":
        why = "a video shows one picture: the largest, or the one that the file names as its main one"
    return Unused(_count(stream, "index"), kind, codec or "unknown", why)


def _video(stream: _Stream) -> VideoStream:
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
        look=_look(stream),
    )
    shown = display_size(video)
    if max(shown) > _MAX_SIDE or shown[0] * shown[1] > _MAX_PIXELS:
        raise MediaRejected(f"The picture is too large: {shown[0]}x{shown[1]} pixels.")
    if min(shown) < _MIN_SIDE:
        raise MediaRejected(f"The picture is too small: {shown[0]}x{shown[1]} pixels.")
    return video


def _look(stream: _Stream) -> Look:
    sides = [item for item in _list(stream, "side_data_list") if isinstance(item, Mapping)]
    dolby = next((item for item in sides if "dv_profile" in item), None)
    profile = None
    if dolby is not None:
        profile = _count(dolby, "dv_profile"), _count(dolby, "dv_bl_signal_compatibility_id")

    def word(key: str) -> str:
        return "" if (said := _text(stream, key)) in _UNKNOWN else said

    return Look(
        pixels=word("pix_fmt"),
        matrix=word("color_space"),
        primaries=word("color_primaries"),
        transfer=word("color_transfer"),
        fields=word("field_order"),
        peak_nits=_peak_nits(sides),
        dolby_vision=profile,
    )


def _peak_nits(sides: Sequence[_Stream]) -> int | None:
    """MaxCLL, else the mastering display's peak (CTA-861.3, SMPTE ST 2086)."""
    for item in sides:
        if content := _count(item, "max_content"):
            return content
    mastered = (_ratio(item.get("max_luminance"), "/") for item in sides)
    return next((round(peak) for peak in mastered if peak is not None), None)


def _audio(stream: _Stream) -> AudioStream:
    tags, disposition = _mapping(stream, "tags"), _mapping(stream, "disposition")
    roles: dict[str, Role] = {
        "comment": "commentary",
        "visual_impaired": "description",
        "descriptions": "description",
        "dub": "dub",
    }
    return AudioStream(
        index=_count(stream, "index"),
        codec=_text(stream, "codec_name"),
        channels=_count(stream, "channels"),
        time_base=_time_base(stream),
        start_ticks=_ticks(stream),
        duration_s=_seconds(stream.get("duration")),
        language=languages.tag(_text(tags, "language")),
        title=_title(tags),
        role=next((role for word, role in roles.items() if disposition.get(word)), "main"),
    )


def _written(stream: _Stream) -> TextStream:
    tags, disposition = _mapping(stream, "tags"), _mapping(stream, "disposition")
    return TextStream(
        index=_count(stream, "index"),
        codec=_text(stream, "codec_name"),
        language=languages.tag(_text(tags, "language")),
        title=_title(tags),
        forced=bool(disposition.get("forced")),
        hearing=bool(disposition.get("hearing_impaired") or disposition.get("captions")),
    )


def _marks(chapters: Sequence[Any]) -> Iterable[Mark]:
    for number, chapter in enumerate(chapters[:_MAX_CHAPTERS], 1):
        if isinstance(chapter, Mapping) and (start_s := _signed(chapter.get("start_time"))) is not None:
            yield Mark(start_s, _title(_mapping(chapter, "tags")) or f"{number}")


def _title(tags: _Stream) -> str | None:
    """One line of printable characters, without the names that muxers give."""
    said = " ".join("".join(char if char.isprintable() else " " for char in _text(tags, "title")).split())
    return said[:_MAX_TITLE].strip() or None


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


def _signed(value: Any) -> Fraction | None:
    text = str(value)
    return Fraction(text) if re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text) else None


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
