"""What people upload becomes what players play: containers, codecs, shapes, colours, fields, sounds, captions."""

from pathlib import Path

import m3u8
import pytest

from tests.integration.inputs import X264, Case, Made, decoded_frames, make, pictures, pixel, probed, sound
from tests.integration.transcoding import ffmpeg

_SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello <i>you</i> & me\n\n2\n00:00:03,000 --> 00:00:09,000\n<font color=red>Red</font>\n"
_ASS = (
    "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n"
    "[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\i1}Hello{\\i0} you\n"
)
_CHAPTERS = ";FFMETADATA1\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={start + 2000}\ntitle={title}\n"
    for start, title in ((0, "Beginning"), (2000, "End & more"))
)
_TFF = ("-vf", "tinterlace=mode=interleave_top,setfield=tff", "-flags", "+ildct+ilme")
_BFF = ("-vf", "tinterlace=mode=interleave_bottom,setfield=bff", "-flags", "+ildct+ilme")
_MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2", "-g", "12")
_PQ = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "smpte2084")
_HLG = ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", "arib-std-b67")
_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=25")
_SETTLED = "setparams=color_primaries=bt2020:colorspace=bt2020nc:color_trc="

CASES = {
    "mp4-h264-aac": Case((*pictures(), *sound(), *X264, "-c:a", "aac"), ".mp4", sounds=(2,)),
    "mov-prores-pcm": Case((*pictures(), *sound(), "-c:v", "prores_ks", "-c:a", "pcm_s24le"), ".mov", sounds=(2,)),
    "mxf-dnxhr-pcm": Case(
        (*pictures("320x180"), *sound(), "-c:v", "dnxhd", "-profile:v", "dnxhr_sq", "-pix_fmt", "yuv422p", "-c:a", "pcm_s16le"),
        ".mxf", sizes=("160x90", "320x180"), sounds=(2,),
    ),
    "mxf-mpeg2": Case((*pictures(), *_MPEG2, "-pix_fmt", "yuv422p"), ".mxf"),
    "mkv-hevc-10bit-ac3": Case(
        (*pictures(), *sound(channels=6), *_X265, "-pix_fmt", "yuv420p10le", "-c:a", "ac3"), ".mkv", sounds=(2, 6)
    ),
    "webm-vp9-opus": Case(
        (*pictures(), *sound(), "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"), ".webm",
        sounds=(2,),
    ),
    "webm-av1": Case((*pictures(seconds=3), "-c:v", "libsvtav1", "-preset", "12"), ".webm", frames=75),
    "ts-h264-mp2-late": Case(
        (*pictures(), *sound(), *X264, "-c:a", "mp2", "-output_ts_offset", "3.7"), ".ts", sounds=(2,)
    ),
    "mpg-mpeg2-mp2": Case((*pictures(), *sound(), *_MPEG2, "-c:a", "mp2", "-f", "vob"), ".mpg", sounds=(2,)),
    "flv-flv1-mp3": Case((*pictures(), *sound(), "-c:v", "flv1", "-c:a", "libmp3lame", "-ar", "44100"), ".flv", sounds=(2,)),
    "avi-mpeg4-mp3": Case((*pictures(), *sound(), "-c:v", "mpeg4", "-c:a", "libmp3lame"), ".avi", frames=126, sounds=(2,)),
    "ogv-theora-vorbis": Case((*pictures(), *sound(), "-c:v", "libtheora", "-c:a", "libvorbis"), ".ogv", sounds=(2,)),
    "mp4-vvc": Case((*pictures("128x96", seconds=1), "-c:v", "libvvenc", "-preset", "faster"), ".mp4", frames=25, sizes=("120x90",)),
    "4-2-2": Case((*pictures(), *X264[:-1], "yuv422p10le"), ".mp4"),
    "4-4-4-odd": Case((*pictures("161x91"), *X264[:-1], "yuv444p"), ".mkv", sizes=("160x90",)),
    "rgb": Case((*pictures(seconds=2), "-c:v", "ffv1", "-pix_fmt", "gbrp"), ".mkv", frames=50),
    "anamorphic": Case((*pictures("144x96"), *X264, "-aspect", "16:9"), ".mp4", sizes=("160x90",)),
    "portrait": Case((*pictures("180x320"), *X264), ".mp4", sizes=("90x160", "180x320")),
    "59.94": Case((*pictures(rate="60000/1001"), *X264), ".mp4", frames=300, fps=59.94),
    "29.97-drop-frame": Case(
        (*pictures(rate="30000/1001"), *X264, "-timecode", "01:00:00;02"), ".mov", frames=150, fps=29.97
    ),
    "120-fps": Case((*pictures(rate="120", seconds=3), *X264), ".mp4", frames=181, fps=60),
    "screen-recording": Case(
        (*pictures(rate="30"), "-vf", "select=not(mod(n\\,7))+not(mod(n\\,11))+between(n\\,90\\,110)", "-fps_mode", "vfr", *X264),
        ".mkv", frames=None, fps=15,
    ),
    "one-frame": Case((*pictures(), "-frames:v", "1", *X264), ".mp4", frames=1),
    "mpeg2-interlaced-top": Case(
        (*pictures("160x96", rate="50"), *_TFF, *_MPEG2), ".ts", frames=250, fps=50, sizes=("150x90",),
        told=("interlaced. Each",),
    ),
    "h264-interlaced-bottom": Case(
        (*pictures("160x96", rate="60000/1001"), *_BFF, *X264, "-x264-params", "bff=1"), ".mkv", frames=300, fps=59.94, sizes=("150x90",),
        told=("interlaced. Each",),
    ),
    "says-interlaced-is-not": Case(
        (*pictures("160x96"), "-vf", "gblur=6,setfield=tff", "-flags", "+ildct+ilme", *_MPEG2), ".mpg", sizes=("150x90",),
        told=("not: they are kept whole",),
    ),
    "hdr10": Case(
        (*pictures(seconds=3), "-vf", f"format=yuv420p10le,{_SETTLED}smpte2084", *_X265, *_PQ), ".mp4", frames=75, told=("HDR (PQ)",)
    ),
    "hlg": Case(
        (*pictures(seconds=3), "-vf", f"format=yuv420p10le,{_SETTLED}arib-std-b67", *_X265, *_HLG), ".mkv", frames=75, told=("HDR (HLG)",)
    ),
    "languages-chapters-captions": Case(
        (*pictures(), *sound(), *sound(tone=880), *sound(channels=6), "-i", "{folder}/a.srt", "-i", "{folder}/b.ass",
         "-i", "{folder}/chapters", "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4", "-map", "5",
         "-map_chapters", "6", *X264, "-c:a", "aac", "-c:s:0", "srt", "-c:s:1", "ass",
         "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=ger", "-metadata:s:a:2", "language=fra",
         "-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=deu", "-disposition:s:1", "forced"),
        ".mkv", sounds=(2, 2, 2, 6), texts=("en", "de"), files={"a.srt": _SRT, "b.ass": _ASS, "chapters": _CHAPTERS},
    ),
    "mov-text": Case(
        (*pictures(), "-i", "{folder}/a.srt", "-map", "0", "-map", "1", *X264, "-c:s", "mov_text", "-metadata:s:s:0", "language=spa"),
        ".mp4", texts=("es",), files={"a.srt": _SRT},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_becomes_what_players_play(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    made = make(case.make(tmp_path), tmp_path)
    _check(made, case)


def _check(made: Made, case: Case) -> None:
    video = made.renditions("video")
    assert [f"{one['width']}x{one['height']}" for one in video] == list(case.sizes)
    frames = {one["frames"] for one in video}
    assert len(frames) == 1
    if case.frames is not None:
        assert frames == {case.frames}
    assert {one["fps"] for one in video} == {case.fps}
    assert made.report["linear"] is None
    for one in video:
        whole = made.whole(one["name"])
        assert decoded_frames(whole) == one["frames"]
    assert tuple(one["channels"] for one in made.renditions("audio")) == case.sounds
    assert tuple(one["language"] or "" for one in made.report["captions"]) == case.texts
    assert len(made.report["notes"]) == len(case.told)
    for note, words in zip(made.report["notes"], case.told, strict=True):
        assert words in note
    (colours,) = probed(whole, "color_space,color_primaries,color_transfer,color_range,pix_fmt,sample_aspect_ratio")
    assert colours == {
        "pix_fmt": "yuv420p", "sample_aspect_ratio": "1:1", "color_range": "tv",
        "color_space": "bt709", "color_primaries": "bt709", "color_transfer": "bt709",
    }  # fmt: skip
    assert decoded_frames(made.out / "master.m3u8") == case.frames or case.frames is None
    lone = frames == {1}  # which ffmpeg's DASH reader shows twice
    assert decoded_frames(made.out / "manifest.mpd") == frames.pop() + lone
    for one in made.renditions("audio"):
        (stream,) = probed(made.whole(one["name"]), "channels,duration")
        assert stream["channels"] == one["channels"]
        assert float(stream["duration"]) == pytest.approx(video[0]["duration_s"], abs=0.05)


def test_captions_and_chapters_keep_their_words_and_times(tmp_path: Path) -> None:
    case = CASES["languages-chapters-captions"]
    source = case.make(tmp_path)
    late = tmp_path / "late.mkv"
    ffmpeg("-i", str(source), "-map", "0", "-c", "copy", "-output_ts_offset", "7", str(late))
    made = make(source, tmp_path, out="at-once")
    assert made.report["chapters"] == [{"start_s": 0.0, "title": "Beginning"}, {"start_s": 2.0, "title": "End & more"}]
    made = make(late, tmp_path)
    assert [(one["label"], one["forced"]) for one in made.report["captions"]] == [
        ("English", False),
        ("Deutsch (forced)", True),
    ]
    assert (made.out / "text-1" / "1.vtt").read_text().split("\n\n") == [
        "WEBVTT",
        "00:00:01.000 --> 00:00:02.500\nHello <i>you</i> &amp; me",
        "00:00:03.000 --> 00:00:05.000\nRed\n",
    ]
    assert "<i>Hello</i> you" in (made.out / "text-2" / "1.vtt").read_text()
    playlist = m3u8.load(str(made.out / "master.m3u8"))
    said = [(one.type, one.group_id, one.name, one.language, one.channels) for one in playlist.media]
    assert said == [
        ("AUDIO", "audio", "English", "en", "2"), ("AUDIO", "audio", "Deutsch", "de", "2"), ("AUDIO", "audio", "Français", "fr", "2"),
        ("AUDIO", "surround", "English", "en", "2"), ("AUDIO", "surround", "Deutsch", "de", "2"),
        ("AUDIO", "surround", "Français", "fr", "6"),
        ("SUBTITLES", "captions", "English", "en", None), ("SUBTITLES", "captions", "Deutsch (forced)", "de", None),
    ]  # fmt: skip
    assert [one.stream_info.audio for one in playlist.playlists] == ["audio", "surround"]
    assert all(one.stream_info.subtitles == "captions" for one in playlist.playlists)


@pytest.mark.parametrize(
    "name", ["mpeg2-interlaced-top", "h264-interlaced-bottom", "hdr10", "anamorphic", "screen-recording"]
)
def test_chunks_show_what_one_pass_shows(name: str, tmp_path: Path) -> None:
    """Segment by segment the same pictures, encoded in chunks and in one piece."""
    source = CASES[name].make(tmp_path)
    apart, whole = make(source, tmp_path, chunk="2s", out="apart"), make(source, tmp_path, chunk="24h", out="whole")
    assert apart.report["chunks"] > whole.report["chunks"] == 1
    rendition = apart.renditions("video")[0]["name"]
    assert apart.renditions("video")[0]["frames"] == whole.renditions("video")[0]["frames"]
    graph = "[0:v]settb=1/50,setpts=N[a];[1:v]settb=1/50,setpts=N[b];[a][b]psnr=shortest=1"
    one, other = apart.whole(rendition).rename(tmp_path / "one.mp4"), whole.whole(rendition)
    said = ffmpeg("-v", "info", "-i", str(one), "-i", str(other), "-lavfi", graph, "-f", "null", "-")
    lowest = said.rpartition("min:")[2].split()[0]
    assert float(lowest) > 30, said[-300:]


def test_turned_pictures_stand_upright(tmp_path: Path) -> None:
    upright = tmp_path / "upright.mp4"
    ffmpeg(*pictures("320x180"), *X264, str(upright))
    ffmpeg("-display_rotation", "90", "-i", str(upright), "-c", "copy", str(tmp_path / "turned.mp4"))
    made = make(tmp_path / "turned.mp4", tmp_path)
    assert [(one["width"], one["height"]) for one in made.renditions("video")] == [(90, 160), (180, 320)]
    (stream,) = probed(made.whole("180p"), "width,height:stream_side_data=rotation")
    assert (stream["width"], stream["height"], stream.get("side_data_list")) == (180, 320, None)


@pytest.mark.parametrize(
    ("picture", "options", "expected"),
    [
        pytest.param("color=red:size=160x90", "-vf scale=out_color_matrix=bt601,format=yuv420p -colorspace smpte170m", (255, 0, 0), id="sd"),
        pytest.param("color=red:size=1280x720", "-vf scale=out_color_matrix=bt709,format=yuv420p -colorspace bt709", (255, 0, 0), id="hd"),
        pytest.param("color=red:size=160x90", "-vf scale=out_color_matrix=bt601,format=yuv420p", (255, 0, 0), id="sd-that-does-not-say"),
        pytest.param("color=red:size=1280x720", "-vf scale=out_color_matrix=bt709,format=yuv420p", (255, 0, 0), id="hd-that-does-not-say"),
        pytest.param("color=lime:size=160x90", "-vf scale=out_range=pc,format=yuvj420p -color_range pc", (0, 255, 0), id="full-range"),
        pytest.param(  # 203 nits, white, in PQ: 64 + 876 * 0.5807
            "color=gray:size=160x90",
            f"-vf format=yuv420p10le,geq=lum=573:cb=512:cr=512,{_SETTLED}smpte2084 -colorspace bt2020nc -color_trc smpte2084 -color_primaries bt2020",
            (228, 228, 228), id="white-of-hdr",
        ),
    ],
)  # fmt: skip
def test_colours_stay_what_they_were(
    picture: str, options: str, expected: tuple[int, int, int], tmp_path: Path
) -> None:
    source = tmp_path / "source.mp4"
    codec = _X265 if "2084" in options else ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "1")
    ffmpeg("-f", "lavfi", "-i", f"{picture}:duration=0.4", *options.split(), *codec, str(source))
    shown = pixel(make(source, tmp_path).whole("90p"))
    assert all(abs(one - other) <= 4 for one, other in zip(shown, expected, strict=True)), shown


@pytest.mark.parametrize("cover", [False, True], ids=["waves", "cover"])
def test_sound_alone_gets_a_picture(cover: bool, tmp_path: Path) -> None:
    source = tmp_path / "source.m4a"
    ffmpeg("-f", "lavfi", "-i", "color=red:size=300x300", "-frames:v", "1", str(tmp_path / "cover.png"))
    picture = (
        "-i",
        str(tmp_path / "cover.png"),
        "-map",
        "0",
        "-map",
        "1",
        "-disposition:v:0",
        "attached_pic",
        "-c:v",
        "png",
    )
    ffmpeg(*sound(3), *(picture if cover else ()), "-c:a", "aac", str(source))
    made = make(source, tmp_path)
    assert [one["kind"] for one in made.report["renditions"]] == ["audio"]
    (poster,) = probed(made.out / "thumbs" / "poster.jpg", "width,height,codec_name")
    assert (poster["codec_name"], poster["width"]) == ("mjpeg", 300 if cover else 1280)
    assert len(m3u8.load(str(made.out / "master.m3u8")).playlists) == 1
