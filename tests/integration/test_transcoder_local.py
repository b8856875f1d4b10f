"""`playnet transcode`: the same pipeline without services, as a command."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import m3u8
import pytest

from playnet.media.cmaf import index_bytes
from tests.aio import run, until
from tests.integration.transcoding import ffmpeg

_ROOT = Path(__file__).parents[2]
_YAML = """
transcoder:
  preset: ultrafast
  ladder: [{short_side: 144, max_bitrate: 200kbps, crf: 30}, {short_side: 360, max_bitrate: 900kbps, crf: 30}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source with picture and sound, one whose chunks cannot be told apart by seeking, and what is no source."""
    made = tmp_path_factory.mktemp("local")
    (made / "playnet.yaml").write_text(_YAML)
    (made / "text.mp4").write_text("this is not a video" * 100)
    x264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=14")
    sound = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=14")
    ffmpeg(*picture, *sound, *x264, "-c:a", "aac", str(made / "clip.mp4"))
    half = (made / "clip.mp4").stat().st_size // 2
    ffmpeg("-i", str(made / "clip.mp4"), "-c", "copy", "-movflags", "+faststart", str(made / "blank.mp4"))
    (made / "blank.mp4").write_bytes((made / "blank.mp4").read_bytes()[:half] + bytes(half))
    return made


def _argv(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "playnet.cli", "transcode", "--config", str(folder / "playnet.yaml"), *arguments]


def _transcode(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(_argv(folder, *arguments), capture_output=True, text=True, cwd=_ROOT, timeout=60, check=False)


def test_a_file_becomes_a_folder_that_any_web_server_can_serve(folder: Path) -> None:
    out = folder / "out"
    done = _transcode(folder, str(folder / "clip.mp4"), "--out", str(out), "--workers", "2", "--chunk", "4s", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["chunks"], report["linear"], report["workers"], report["preset"]) == (4, None, 2, "ultrafast")
    assert report["cpu_s"] > 0
    assert [one["name"] for one in report["renditions"]] == ["144p", "360p", "audio"]
    assert [one.get("frames") for one in report["renditions"]] == [350, 350, None]
    multivariant = m3u8.load(str(out / "master.m3u8"))
    assert [item.uri for item in multivariant.playlists] == ["144p/playlist.m3u8", "360p/playlist.m3u8"]
    expected = {"master.m3u8", "manifest.mpd", "thumbs/poster.jpg", "thumbs/sprite-1.jpg", "thumbs/storyboard.vtt"}
    for rendition in report["renditions"]:
        name = rendition["name"]
        playlist = m3u8.load(str(out / name / "playlist.m3u8"))
        files = [playlist.segment_map[0].uri, *(segment.uri for segment in playlist.segments)]
        movie = index_bytes(b"".join((out / name / file).read_bytes() for file in files))
        duration_s = sum(one.duration_ticks for one in movie.fragments) / movie.track.timescale
        assert duration_s == pytest.approx(rendition["duration_s"], abs=0.001)
        expected |= {f"{name}/{file}" for file in (*files, "playlist.m3u8")}
    found = {str(path.relative_to(out)): path.stat().st_mode & 0o777 for path in out.rglob("*") if path.is_file()}
    assert found == dict.fromkeys(expected, 0o644)


def test_chunks_that_do_not_decode_are_made_in_one_go(folder: Path) -> None:
    out = folder / "blank"
    done = _transcode(folder, str(folder / "blank.mp4"), "--out", str(out), "--chunk", "4s", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["chunks"], "part" in report["linear"]) == (1, True)
    segments = {path.name for path in (out / "144p").glob("*.m4s")}
    assert segments == {f"{number}.m4s" for number in range(1, report["renditions"][0]["segments"] + 1)}
    assert 4 < report["renditions"][0]["duration_s"] < 14


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(("{0}/text.mp4", "--out", "{0}/no"), 1, "not a video or audio file", id="no-video"),
        pytest.param(("{0}/absent.mp4", "--out", "{0}/no"), 2, "expected a file", id="no-file"),
        pytest.param(("{0}/clip.mp4", "--out", "{0}"), 2, "new or empty folder", id="not-empty"),
        pytest.param(("{0}/clip.mp4", "--out", "{0}/no", "--workers", "0"), 2, "expected 1 to 64", id="no-workers"),
        pytest.param(("{0}/clip.mp4", "--out", "{0}/no", "--chunk", "12"), 2, "a number with a unit", id="no-unit"),
        pytest.param(("{0}/clip.mp4",), 2, "--out", id="no-folder"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], code: int, said: str, folder: Path) -> None:
    done = _transcode(folder, *(word.format(folder) for word in arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert not (folder / "no").exists()


def test_an_interrupted_encode_leaves_nothing(folder: Path) -> None:
    out = folder / "interrupted"
    argv = _argv(folder, str(folder / "clip.mp4"), "--out", str(out), "--preset", "veryslow")
    with subprocess.Popen(argv, cwd=_ROOT, stderr=subprocess.PIPE, text=True) as process:
        run(until(lambda: any(out.glob(".work-*/*/360p.mp4"))))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=15)
    assert (process.returncode, said.splitlines()[-1]) == (1, "interrupted: nothing was kept")
    assert not out.exists()
