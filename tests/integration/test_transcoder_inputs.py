"""What people upload becomes what players play: containers, codecs, shapes, colours, fields, sounds, captions."""

from pathlib import Path

import pytest

from tests.integration.inputs import X264, Case, Made, decoded_frames, make, pictures, probed, sound

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
