"""From a source in the store to a presentation: real ffmpeg, real PostgreSQL, a real transcoder process."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from playnet.media.cmaf import index_bytes
from playnet.media.records import AudioTrack, VideoTrack
from tests.aio import run
from tests.integration.transcoding import ffmpeg, studio

X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-pix_fmt", "yuv420p")


def _picture(seconds: str, size: str = "320x180", rate: str = "25") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")


def _sound(seconds: str) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}")


def make_sources(folder: Path) -> dict[str, Path]:
    """Short clips, one for each trait that once broke something. Names carry no trustworthy extension."""
    made = {name: folder / name for name in ("plain", "ntsc-late", "portrait", "silent", "sound-only", "late-sound")}
    ffmpeg(*_picture("6", "640x360"), *_sound("6"), *X264, "-c:a", "aac", "-f", "mp4", str(made["plain"]))
    ffmpeg(
        *_picture("5", rate="30000/1001"), *_sound("5"), *X264, "-c:a", "aac",
        "-output_ts_offset", "3.7", "-f", "mpegts", str(made["ntsc-late"]),
    )  # fmt: skip
    ffmpeg(*_picture("3"), *X264, "-f", "matroska", str(made["silent"]))
    upright = folder / "upright"
    ffmpeg(*_picture("3", "640x360"), *X264, "-f", "mp4", str(upright))
    ffmpeg("-display_rotation", "90", "-i", str(upright), "-c", "copy", "-f", "mp4", str(made["portrait"]))
    ffmpeg(*_sound("9"), "-c:a", "libmp3lame", "-f", "mp3", str(made["sound-only"]))
    ffmpeg(
        *_picture("4"), "-itsoffset", "1.5", *_sound("1"), *X264, "-c:a", "aac", "-f", "mp4", str(made["late-sound"]),
    )  # fmt: skip
    return made


# name: frames, rate, sizes of the renditions, whether there is sound
EXPECTED = {
    "plain": (150, Fraction(25), [(256, 144), (640, 360)], True),
    "ntsc-late": (150, Fraction(30000, 1001), [(256, 144)], True),
    "portrait": (75, Fraction(25), [(144, 256), (360, 640)], False),
    "silent": (75, Fraction(25), [(256, 144)], False),
    "sound-only": (0, None, [], True),
    "late-sound": (100, Fraction(25), [(256, 144)], True),
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_sources(tmp_path_factory.mktemp("sources"))


def test_every_kind_of_source_becomes_a_presentation(
    sources: dict[str, Path], short_tmp: Path, postgres_dsn: str
) -> None:
    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            assets = {name: await world.add(path) for name, path in sources.items()}
            world.start()
            await world.ended(*assets.values(), deadline_s=120)
            for name, asset in assets.items():
                row = await world.row(asset)
                assert (row["state"], row["failure"], row["revision"]) == ("ready", None, 1), name
                assert row["progress"] == 1
                presentation = await world.presentation(asset)
                frames, rate, sizes, sound = EXPECTED[name]
                assert [(track.width, track.height) for track in presentation.video] == sizes, name
                assert len(presentation.audio) == sound, name
                for track in presentation.video:
                    assert track.frame_rate == rate
                    _check_video(world.whole(asset, track.name, len(track.segment_ticks)), track, frames)
                for heard in presentation.audio:
                    _check_audio(world.whole(asset, "audio", len(heard.segment_ticks)), heard)
                _check_objects(world.objects(asset), presentation.video, presentation.audio)
            orders = await world.pool.fetch("select body from purge_order")
            tags = {order["body"]["value"] for order in orders}
            assert tags == {f"asset:{asset}" for asset in assets.values()}
            heard_at = _first_sound_s(world.whole(assets["late-sound"], "audio", 1))
            assert heard_at == pytest.approx(1.5, abs=0.03)

    run(scenario(), deadline_s=150)


def _check_video(path: Path, track: VideoTrack, frames: int) -> None:
    """Times are without a gap, every segment starts with a shown key frame, and as many pictures decode as planned."""
    movie = index_bytes(path.read_bytes())
    at = 0
    for fragment in movie.fragments:
        assert (fragment.decode_ticks, fragment.first_offset_ticks, fragment.starts_with_sync) == (at, 0, True)
        at += fragment.duration_ticks
    assert sum(fragment.samples for fragment in movie.fragments) == frames
    assert track.duration_s == frames / track.frame_rate
    decoded = ffmpeg("-v", "info", "-i", str(path), "-map", "0:v", "-f", "null", "-")
    assert re.findall(r"frame=\s*(\d+)", decoded)[-1] == str(frames)


def _check_audio(path: Path, track: AudioTrack) -> None:
    assert (track.codec, track.channels, track.sample_rate) == ("mp4a.40.2", 2, 48000)
    movie = index_bytes(path.read_bytes())
    assert movie.fragments[0].decode_ticks == 0
    assert sum(fragment.duration_ticks for fragment in movie.fragments) == sum(track.segment_ticks)


def _check_objects(objects: set[str], video: tuple[VideoTrack, ...], audio: tuple[AudioTrack, ...]) -> None:
    """Exactly what the records announce is stored."""
    expected = {f"{track.name}/init.mp4" for track in (*video, *audio)}
    expected |= {f"{track.name}/{n}.m4s" for track in (*video, *audio) for n in range(1, len(track.segment_ticks) + 1)}
    expected |= {"thumbs/poster.jpg"}
    if video:
        expected |= {"thumbs/sprite-1.jpg", "thumbs/storyboard.vtt"}
    assert objects == expected


def _first_sound_s(path: Path) -> float:
    """When silence ends."""
    heard = ffmpeg("-v", "info", "-i", str(path), "-af", "silencedetect=noise=-40dB:d=0.2", "-f", "null", "-")
    return float(re.findall(r"silence_end: ([0-9.]+)", heard)[0])


def test_bad_sources_fail_with_a_reason_or_keep_what_plays(
    clip: Callable[[str], Path], tmp_path: Path, short_tmp: Path, postgres_dsn: str
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is not a video\n" * 100)
    playlist = tmp_path / "playlist.mp4"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n")
    cut = tmp_path / "cut.mp4"
    ffmpeg(*_picture("6"), *X264, "-movflags", "+faststart", str(cut))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 2 // 3])
    blank = tmp_path / "blank.mp4"  # every packet is there, but half of them hold zeros
    ffmpeg(*_picture("40"), *X264, "-movflags", "+faststart", str(blank))
    half = blank.stat().st_size // 2
    blank.write_bytes(blank.read_bytes()[:half] + bytes(half))

    async def scenario() -> None:
        async with studio(short_tmp, postgres_dsn) as world:
            bad = [await world.add(path) for path in (text, playlist, clip("empty.mp4"), clip("random_bytes.mp4"))]
            damaged, chunked = await world.add(cut), await world.add(blank)
            world.start()
            await world.ended(*bad, damaged, chunked)
            for asset in bad:
                row = await world.row(asset)
                assert row["state"] == "failed"
                assert re.search("not a video or audio file|file is empty", row["failure"])
                tasks = await world.tasks(asset)
                assert (tasks["probe"]["attempts"], len(tasks)) == (1, 1)
                assert world.objects(asset) == set()
            for asset, least, most in ((damaged, 2, 6), (chunked, 12, 36)):
                assert (await world.row(asset))["state"] == "ready"
                presentation = await world.presentation(asset)
                track = presentation.video[0]
                assert least < track.duration_s < most
                whole = world.whole(asset, track.name, len(track.segment_ticks))
                _check_video(whole, track, int(track.duration_s * track.frame_rate))
                _check_objects(world.objects(asset), presentation.video, presentation.audio)
            states = {kind: task["state"] for kind, task in (await world.tasks(chunked)).items()}
            assert states == {"probe": "done", "publish": "done", "thumbs": "done", "video/4": "done"} | dict.fromkeys(
                ("video", "video/1", "video/2", "video/3"), "cancelled"
            )
            assert await world.pool.fetchval("select count(*) from pgqueuer") == 0

    run(scenario(), deadline_s=90)
