"""Encoding a source into the ladder: `playnet transcode` against one plain ffmpeg command that makes the same.

The plain command decodes once, splits to the same four encoders with the same settings and lets ffmpeg's HLS muxer
write fragmented MP4. Ours also probes every packet, checks every box, makes poster and storyboard, and stores durably;
in one piece, and in chunks with one and with two workers.
CPU seconds of the whole process tree (getrusage of what was waited for), wall seconds beside them.
"""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from bench.rounds import Sample, interleave, show
from playnet.config import Transcoder
from tests.media import make_clip

PRESET = "veryfast"
_SECONDS = 24  # of the clip, two chunks; PLAYNET_BENCH_SECONDS and PLAYNET_BENCH_ROUNDS change how long it takes
_ROUNDS = 3
_CLIP = "bbb_1080p25_62s_aac51.mp4"
_SHARED = Path(__file__).parents[2] / "shared" / "media"


@dataclass(frozen=True)
class Spent:
    """One run of a command."""

    cpu_s: float
    wall_s: float


def spend(argv: list[str]) -> Spent:
    """Run to the end and account for it and all that it waited for. CalledProcessError with its output."""
    with tempfile.TemporaryFile() as log:
        started = time.monotonic()
        pid = os.posix_spawn(
            argv[0],
            argv,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, log.fileno(), 1), (os.POSIX_SPAWN_DUP2, log.fileno(), 2)],
        )
        _, status, usage = os.wait4(pid, 0)
        wall_s = time.monotonic() - started
        if status != 0:
            log.seek(0)
            raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), argv, log.read())
    return Spent(usage.ru_utime + usage.ru_stime, wall_s)


def _ours(file: Path, *options: str) -> Spent:
    with tempfile.TemporaryDirectory(prefix="pn-bench-") as folder:
        argv = [sys.executable, "-m", "transcoder.local", str(file), "--out", f"{folder}/out", "--preset", PRESET]
        return spend([*argv, *options])


def _plain(file: Path) -> Spent:
    with tempfile.TemporaryDirectory(prefix="pn-bench-") as folder:
        return spend(plain_command(file, folder))


def plain_command(file: Path, folder: str) -> list[str]:
    """One decode, four x264 encoders, one AAC encoder, HLS with fragmented MP4."""
    ladder = Transcoder().ladder
    split = "".join(f"[s{number}]" for number in range(len(ladder)))
    scales = ";".join(f"[s{number}]scale=-2:{rung.short_side}[v{number}]" for number, rung in enumerate(ladder))
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(file)]
    argv += ["-filter_complex", f"[0:v]split={len(ladder)}{split};{scales}"]
    for number, rung in enumerate(ladder):
        argv += ["-map", f"[v{number}]", f"-crf:v:{number}", str(rung.crf)]
        argv += [f"-maxrate:v:{number}", str(rung.max_bitrate), f"-bufsize:v:{number}", str(2 * rung.max_bitrate)]
    argv += ["-map", "0:a:0", "-c:v", "libx264", "-preset", PRESET, "-pix_fmt", "yuv420p"]
    argv += ["-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac", "-ac", "2", "-b:a", "128k"]
    streams = " ".join(f"v:{number},agroup:a" for number in range(len(ladder))) + " a:0,agroup:a"
    argv += ["-f", "hls", "-hls_time", "4", "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod"]
    return [*argv, "-var_stream_map", streams, "-master_pl_name", "master.m3u8", f"{folder}/%v.m3u8"]


def _source(folder: Path, seconds: int) -> Path:
    whole = _SHARED / _CLIP
    if not whole.exists():
        return make_clip(_CLIP, folder)
    target = folder / _CLIP
    argv = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        str(whole),
        "-t",
        str(seconds),
        "-c",
        "copy",
        str(target),
    ]
    subprocess.run(argv, check=True)
    return target


def run() -> None:
    """Print one table."""
    seconds = int(os.environ.get("PLAYNET_BENCH_SECONDS", _SECONDS))
    with tempfile.TemporaryDirectory(prefix="pn-bench-") as name:
        file = _source(Path(name), seconds)

        def sample(spent: Spent) -> Sample:
            return Sample(spent.cpu_s, seconds / spent.wall_s)

        contenders = {
            "one plain ffmpeg": lambda: sample(_plain(file)),
            "transcode, one piece": lambda: sample(_ours(file, "--workers", "1", "--chunk", "24h")),
            "transcode, 1 worker": lambda: sample(_ours(file, "--workers", "1")),
            "transcode, 2 workers": lambda: sample(_ours(file, "--workers", "2")),
        }
        rounds = int(os.environ.get("PLAYNET_BENCH_ROUNDS", _ROUNDS))
        figures, steal = interleave(contenders, rounds=rounds)
    show(
        f"{seconds} s of 1080p25 into four renditions and audio, preset {PRESET}",
        figures,
        cost="CPU s",
        rate="media s per s",
        steal=steal,
        peer="one plain ffmpeg",
    )
