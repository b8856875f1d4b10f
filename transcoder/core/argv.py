"""ffmpeg and ffprobe command lines: lists of arguments, filter graphs built as values. Pure.

Sources are hostile: only local files are opened, only by demuxers of real containers (with the protocol list alone
the concat, MPD and SDP demuxers still start), and no single allocation may grow past a bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from .plan import AUDIO_RATE, AudioPlan, VideoPlan, Window
from .storyboard import Tiling

DEMUXERS = (
    "mov", "matroska", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "mxf", "ivf", "rm", "wtv", "dv", "h264", "hevc", "obu",
    "mpegvideo", "wav", "w64", "aiff", "caf", "mp3", "flac", "aac", "ac3", "eac3", "amr", "ape", "au",
)  # fmt: skip
_MAX_ALLOC_BYTES = 512 << 20  # one 16-bit 4:4:4 picture of 8192x8192 pixels is 384 MiB
_CONFINED: Mapping[str, Any] = {"protocol_whitelist": "file,pipe,fd", "format_whitelist": ",".join(DEMUXERS)}
_GLOBAL = ("-hide_banner", "-nostdin", "-y", "-v", "warning", "-max_alloc", str(_MAX_ALLOC_BYTES))
_PROGRESS = ("-nostats", "-stats_period", "0.5", "-progress", "pipe:1")
_TOLERANT = ("-max_error_rate", "1")  # what decodes is counted afterwards; the exit status would not say
_AUDIO_FRAGMENT_US = 250_000  # the grain in which sound is cut to follow the picture's segments
_REPORTED = (
    "format=format_name,duration:stream=index,codec_type,codec_name,codec_tag_string,width,height,sample_aspect_ratio,"
    "channels,time_base,avg_frame_rate,start_pts,duration,duration_ts,nb_frames:stream_disposition:"
    "stream_tags=language:stream_side_data=rotation"
)  # what transcoder.core.probe reads
_MUX = {"f": "mp4", "map_metadata": -1, "fflags": "+bitexact", "write_btrt": 0, "brand": "cmfc"}


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a video command writes: one fragmented MP4 for each rendition, smallest first."""

    argv: tuple[str, ...]
    outputs: tuple[Path, ...]


def probe(source: Path) -> tuple[str, ...]:
    """ffprobe: streams and container as JSON on stdout; of the tags, which may hold whole books, only the language."""
    return (*_ffprobe(), "-show_entries", _REPORTED, "-of", "json", f"file:{source}")


def packet_times(source: Path, stream: int) -> tuple[str, ...]:
    """ffprobe: one `pts,flags` line for each packet of a stream; reads the whole file, decodes nothing."""
    select = ("-select_streams", str(stream), "-show_entries", "packet=pts,flags", "-of", "csv=p=0")
    return (*_ffprobe(), *select, f"file:{source}")


def video(source: Path, plan: VideoPlan, window: Window, folder: Path, *, preset: str) -> Encoded:
    """Decode a window once and encode every rendition of it into `folder`."""
    stream = _pictures(source, plan, window)
    branches = stream.split() if len(plan.renditions) > 1 else None
    outputs, paths = [], []
    for number, rendition in enumerate(plan.renditions):
        scaled = (branches[number] if branches else stream).filter("scale", rendition.width, rendition.height)
        scaled = scaled.filter("setsar", 1).filter("format", "yuv420p")
        paths.append(folder / f"{rendition.name}.mp4")
        rate = {"crf": rendition.crf, "maxrate": rendition.max_bitrate_bps, "bufsize": 2 * rendition.max_bitrate_bps}
        outputs.append(scaled.output(str(paths[-1]), **_x264(plan, preset), **rate, **_video_mux(plan, window)))
    return Encoded(_ffmpeg(outputs, "-copyts", *_TOLERANT, *_PROGRESS), tuple(paths))


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
    stream = stream.filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
    options = {
        "c:a": "aac",
        "b:a": plan.bitrate_bps,
        "movflags": "+empty_moov+default_base_moof+delay_moov+skip_trailer",
        "frag_duration": _AUDIO_FRAGMENT_US,
    }
    return _ffmpeg([stream.output(str(target), **options, **_MUX)], "-copyts", *_TOLERANT, *_PROGRESS)


def poster(rendition: Path, target: Path) -> tuple[str, ...]:
    """The first picture of an encoded piece as JPEG."""
    stream = _input(rendition)["v:0"].filter("format", "yuvj420p")
    return _ffmpeg([stream.output(str(target), **{"frames:v": 1, "q:v": 3, "update": 1, "f": "image2"})])


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
    stream = stream.filter("setpts", f"PTS-({plan.origin_ticks})").filter("fps", **_grid(plan, window))
    if window.n1 == plan.frames:
        stream = stream.filter("tpad", stop=1, stop_mode="clone")
    return stream.filter("trim", start_pts=window.n0, end_pts=window.n1)


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
