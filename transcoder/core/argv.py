"""ffmpeg and ffprobe command lines: lists of arguments, filter graphs built as values. Pure.

Sources are hostile: only local files are opened, only by demuxers of real containers (with the protocol list alone
the concat, MPD and SDP demuxers still start), and no single allocation may grow past a bound.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from . import colour
from .captions import TextPlan
from .plan import AUDIO_RATE, VideoPlan, Window
from .sound import SURROUND_CHANNELS, AudioPlan
from .source import VideoStream
from .storyboard import Tiling

DEMUXERS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "mxf", "ivf", "rm", "wtv", "dv", "h264", "hevc", "obu",
    "mpegvideo", "wav", "w64", "aiff", "caf", "mp3", "flac", "aac", "ac3", "eac3", "amr", "ape", "au",
)  # fmt: skip
_MAX_ALLOC_BYTES = 512 << 20  # one 16-bit 4:4:4 picture of 8192x8192 pixels is 384 MiB
_CONFINED: Mapping[str, Any] = {
    "protocol_whitelist": "file,pipe,fd", "format_whitelist": ",".join(DEMUXERS), "max_pixels": 8192 * 8192,
}  # fmt: skip
_GLOBAL = ("-hide_banner", "-nostdin", "-y", "-v", "warning", "-max_alloc", str(_MAX_ALLOC_BYTES))
_PROGRESS = ("-nostats", "-stats_period", "0.5", "-progress", "pipe:1")
_TOLERANT = ("-max_error_rate", "1")  # what decodes is counted afterwards; the exit status would not say
_AUDIO_FRAGMENT_US = 250_000  # the grain in which sound is cut to follow the picture's segments
_REPORTED = (
    "format=format_name,duration:stream=index,codec_type,codec_name,codec_tag_string,width,height,sample_aspect_ratio,"
    "channels,time_base,avg_frame_rate,start_pts,duration,duration_ts,nb_frames,pix_fmt,color_space,color_transfer,"
    "color_primaries,field_order:stream_disposition:stream_tags=language,title:stream_side_data=rotation,dv_profile,"
    "dv_bl_signal_compatibility_id,max_content,max_luminance:chapter=start_time:chapter_tags=title"
)  # what transcoder.core.probe reads
_JPEG = {"frames:v": 1, "q:v": 3, "update": 1, "f": "image2"}
_IDET_FRAMES = 120  # a few seconds; a look costs as much as decoding them
_IDET_S = 6
_MUX = {"f": "mp4", "map_metadata": -1, "map_chapters": -1, "fflags": "+bitexact", "write_btrt": 0, "brand": "cmfc"}


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a video command writes: one fragmented MP4 for each rendition, smallest first, and which pictures it showed."""

    argv: tuple[str, ...]
    outputs: tuple[Path, ...]
    shown: Path


def probe(source: Path) -> tuple[str, ...]:
    """ffprobe: streams, chapters and container as JSON on stdout; of the tags, which may hold whole books, only names."""
    return (*_ffprobe(), "-show_entries", _REPORTED, "-of", "json", f"file:{source}")


def packet_times(source: Path, stream: int) -> tuple[str, ...]:
    """ffprobe: one `pts,flags` line for each packet of a stream; reads the whole file, decodes nothing."""
    select = ("-select_streams", str(stream), "-show_entries", "packet=pts,flags", "-of", "csv=p=0")
    return (*_ffprobe(), *select, f"file:{source}")


def fields(source: Path, stream: VideoStream) -> tuple[str, ...]:
    """ffmpeg: what idet says of a few seconds of pictures from the middle, as metadata lines on stdout."""
    middle_s = stream.duration_s / 2 if stream.duration_s is not None and stream.duration_s > 2 * _IDET_S else None
    seek = {} if middle_s is None else {"ss": f"{float(middle_s):.3f}"}
    pictures = _input(source, **seek)[str(stream.index)].filter("idet").filter("metadata", mode="print", file="pipe:1")
    return _ffmpeg([pictures.output("-", **{"frames:v": _IDET_FRAMES, "f": "null"})], *_TOLERANT)


def video(source: Path, plan: VideoPlan, window: Window, folder: Path, *, preset: str) -> Encoded:
    """Decode a window once and encode every rendition of it into `folder`.

    `Encoded.shown` gets a line for every frame with the time of the source's picture on it: what does not decode is
    shown by the picture before.
    """
    stream = _filtered(_pictures(source, plan, window), colour.shared(plan.colour, *_largest(plan)))
    branches = stream.split() if len(plan.renditions) > 1 else None
    outputs, paths, shown = [], [], folder / "shown"
    stats = {"stats_enc_pre": str(shown), "stats_enc_pre_fmt": "{ptsi}"}
    for number, rendition in enumerate(plan.renditions):
        steps = colour.of_rendition(plan.colour, rendition.width, rendition.height)
        scaled = _filtered(branches[number] if branches else stream, steps)
        paths.append(folder / f"{rendition.name}.mp4")
        rate = {"crf": rendition.crf, "maxrate": rendition.max_bitrate_bps, "bufsize": 2 * rendition.max_bitrate_bps}
        options = {**_x264(plan, preset), **rate, **_video_mux(plan, window), **({} if number else stats)}
        outputs.append(scaled.output(str(paths[-1]), **options))
    return Encoded(_ffmpeg(outputs, "-copyts", *_TOLERANT, *_PROGRESS), tuple(paths), shown)


def picture_digests(source: Path, plan: VideoPlan, window: Window) -> tuple[str, ...]:
    """What the encoders of `video` get: a line with number and MD5 for each picture on stdout (framemd5)."""
    digests = _pictures(source, plan, window).output("pipe:1", f="framemd5", **_on_grid(plan))
    return _ffmpeg([digests], "-copyts", *_TOLERANT)


def audio(source: Path, plan: AudioPlan, target: Path) -> tuple[str, ...]:
    """Encode the sound of the whole timeline, its time zero at the first picture, as long as the picture."""
    stream = _input(source)[str(plan.stream)]
    stream = stream.filter("asetpts", f"PTS-({_exact(plan.origin_s)})/TB")
    stream = stream.filter("aresample", AUDIO_RATE, **{"async": 1000, "first_pts": 0})
    if plan.duration_s is not None:
        samples = round(plan.duration_s * AUDIO_RATE)
        stream = stream.filter("apad", whole_len=samples).filter("atrim", end_sample=samples)
    layout = "5.1" if plan.channels == SURROUND_CHANNELS else "stereo"
    stream = stream.filter("aformat", sample_fmts="fltp", channel_layouts=layout)
    options = {
        "c:a": "aac",
        "b:a": plan.bitrate_bps,
        "movflags": "+empty_moov+default_base_moof+delay_moov+skip_trailer",
        "frag_duration": _AUDIO_FRAGMENT_US,
    }
    return _ffmpeg([stream.output(str(target), **options, **_MUX)], "-copyts", *_TOLERANT, *_PROGRESS)


def captions(source: Path, plans: Sequence[TextPlan], folder: Path) -> tuple[str, ...]:
    """Write `<name>.vtt` of each plan, in the source's time; reads the whole file once."""
    stream = _input(source)
    options = {"c:s": "webvtt", "f": "webvtt", "avoid_negative_ts": "disabled"}
    outputs = [stream[str(plan.stream)].output(str(folder / f"{plan.name}.vtt"), **options) for plan in plans]
    return _ffmpeg(outputs, "-copyts", *_TOLERANT)


def cover(source: Path, stream: int, target: Path) -> tuple[str, ...]:
    """The picture that a sound file carries, as JPEG, no larger than a poster."""
    picture = _input(source)[str(stream)].filter("scale", "min(1280,iw)", -2).filter("format", "yuvj420p")
    return _ffmpeg([picture.output(str(target), **_JPEG)])


def waveform(sound: Path, target: Path) -> tuple[str, ...]:
    """A picture of an encoded sound: its waves, light on dark."""
    waves = _input(sound)["a:0"].filter("aformat", channel_layouts="mono")
    waves = waves.filter("showwavespic", s="1280x720", colors="#7fb2ff", scale="sqrt")
    ground = ffmpeg.input("color=c=#10141c:s=1280x720:r=1:d=1", f="lavfi")  # type: ignore[no-untyped-call]
    picture = ground["0"].overlay(waves).filter("format", "yuvj420p")
    return _ffmpeg([picture.output(str(target), **_JPEG)])


def poster(rendition: Path, target: Path) -> tuple[str, ...]:
    """The first picture of an encoded piece as JPEG."""
    stream = _input(rendition)["v:0"].filter("format", "yuvj420p")
    return _ffmpeg([stream.output(str(target), **_JPEG)])


def storyboard(rendition: Path, tiling: Tiling, pattern: Path) -> tuple[str, ...]:
    """Sprite sheets from the key frames alone: nothing else is decoded."""
    stream = _input(rendition, skip_frame="nokey")["v:0"]
    stream = stream.filter("select", f"not(mod(n,{tiling.every}))")
    stream = stream.filter("scale", tiling.tile_width, tiling.tile_height).filter("setsar", 1)
    stream = stream.filter("tile", f"{tiling.columns}x{tiling.rows}").filter("format", "yuvj420p")
    options = {"fps_mode": "passthrough", "q:v": 5, "start_number": 1, "f": "image2"}
    return _ffmpeg([stream.output(str(pattern), **options)])


def _input(file: Path, **options: Any) -> Any:
    """`file:` keeps names like `concat:…` from being taken for a protocol."""
    return ffmpeg.input(f"file:{file}", **_CONFINED, **options)  # type: ignore[no-untyped-call]


def _pictures(source: Path, plan: VideoPlan, window: Window) -> Any:
    """`setpts` moves the first picture to zero, `fps` lays pictures on the grid, `trim` cuts the window by frame number.

    `fps` leaves out the last picture when it lasts for less than half a frame of the grid: `tpad` shows it again.
    """
    stream = _input(source, **_seek(plan, window))[str(plan.stream)]
    stream = stream.filter("setpts", f"PTS-({plan.origin_ticks})")
    if plan.scan != "progressive":
        parity = "tff" if plan.scan == "top-first" else "bff"
        stream = stream.filter("bwdif", mode="send_field", parity=parity, deint="all")
    stream = stream.filter("fps", **_grid(plan, window))
    if window.n1 == plan.frames:
        stream = stream.filter("tpad", stop=1, stop_mode="clone")
    return stream.filter("trim", start_pts=window.n0, end_pts=window.n1)


def _filtered(stream: Any, steps: Iterable[colour.Step]) -> Any:
    for name, options in steps:
        stream = stream.filter(name, **options)
    return stream


def _largest(plan: VideoPlan) -> tuple[int, int]:
    return plan.renditions[-1].width, plan.renditions[-1].height


def _ffmpeg(outputs: Sequence[Any], *options: str) -> tuple[str, ...]:
    return tuple(ffmpeg.merge_outputs(*outputs).global_args(*_GLOBAL, *options).get_args())


def _ffprobe() -> tuple[str, ...]:
    confined = [word for key, value in _CONFINED.items() for word in (f"-{key}", str(value))]
    return ("-hide_banner", "-v", "error", "-max_alloc", str(_MAX_ALLOC_BYTES), *confined)


def _seek(plan: VideoPlan, window: Window) -> Mapping[str, Any]:
    """Start reading a little before the window. `-noaccurate_seek`: `trim` cuts, or `-ss` with `-copyts` would
    apply the container's start time twice. A window near the start is read from the start."""
    wanted_s = plan.origin_s + window.n0 / plan.fps - plan.preroll_s
    if wanted_s <= plan.origin_s:
        return {}
    return {"ss": f"{float(wanted_s):.6f}", "seek_timestamp": 1, "noaccurate_seek": None}


def _grid(plan: VideoPlan, window: Window) -> Mapping[str, Any]:
    """At the start, pictures that do not decode are filled up: frame 0 always exists."""
    start = {"start_time": 0} if window.n0 == 0 else {}
    return {"fps": _exact(plan.fps), "round": "near", **start}


def _x264(plan: VideoPlan, preset: str) -> Mapping[str, Any]:
    """Closed GOPs of one length, so that segments of all renditions begin on the same frames."""
    return {
        "c:v": "libx264",
        "preset": preset,
        "g": plan.gop_frames,
        "keyint_min": plan.gop_frames,
        "sc_threshold": 0,
        "flags": "+cgop",
        **_on_grid(plan),
    }


def _on_grid(plan: VideoPlan) -> Mapping[str, Any]:
    return {"fps_mode": "passthrough", "enc_time_base": _exact(1 / plan.fps)}


def _video_mux(plan: VideoPlan, window: Window) -> Mapping[str, Any]:
    """Fragments are final segments: cut at the first key frame after half a frame less than a segment's length.

    Not `+cmaf`: FFmpeg 9 then writes a first composition offset of two frames, and Chromium shows the picture late.
    """
    cut = (plan.segment_frames - Fraction(1, 2)) / plan.fps
    return {
        **_MUX,
        "movflags": "+frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets+frag_discont+skip_trailer",
        "min_frag_duration": int(cut * 10**6),
        "fragment_index": window.n0 // plan.segment_frames + 1,
        "avoid_negative_ts": "disabled",
        "video_track_timescale": plan.timescale,
    }


def _exact(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
