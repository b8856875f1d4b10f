"""Stand-ins for the real clips, made by ffmpeg from its test sources, with the same traits but shorter."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg


@dataclass(frozen=True)
class Shape:
    """What a stand-in looks like."""

    size: str
    fps: str
    seconds: float
    channels: int
    video: tuple[str, ...] = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    audio: tuple[str, ...] = ("-c:a", "aac")


_SHAPES = {
    "bbb_1080p25_62s_aac51.mp4": Shape("1920x1080", "25", 12.0, 6),
    "bbb_720p30_35s_stereo.mp4": Shape("1280x720", "30", 8.0, 2),
    "bbb_720p24_30s_vp8_vorbis.webm": Shape(
        "1280x720", "24", 4.0, 2, ("-c:v", "libvpx", "-deadline", "realtime"), ("-c:a", "libvorbis")
    ),
    "androidx_portrait_4k60.mp4": Shape("720x1280", "60", 2.0, 2),
}


def make_clip(name: str, folder: Path) -> Path:
    """Make (once) the stand-in for a shared clip. KeyError for a name without a shape."""
    target = folder / name
    if target.exists():
        return target
    if name == "empty.mp4":
        target.touch()
        return target
    if name == "random_bytes.mp4":
        target.write_bytes(bytes(range(256)) * 800)
        return target
    if name == "truncated_1080p.mp4":
        whole = make_clip("bbb_1080p25_62s_aac51.mp4", folder).read_bytes()
        target.write_bytes(whole[: len(whole) // 3])
        return target
    shape = _SHAPES[name]
    argv = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y",
        "-f", "lavfi", "-i", f"testsrc2=size={shape.size}:rate={shape.fps}:duration={shape.seconds}",
        "-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={shape.seconds}",
        *shape.video, *shape.audio, "-ac", str(shape.channels), str(target),
    ]  # fmt: skip
    subprocess.run(argv, check=True, capture_output=True)
    return target
