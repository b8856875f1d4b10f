"""HLS playlists, read back by an independent parser."""

from fractions import Fraction

import m3u8
import pytest
from hypothesis import given

from playnet.media.hls import media_playlist, multivariant, target_duration_s
from playnet.media.records import AudioTrack, Presentation, VideoTrack
from tests.unit.media.presentations import audio_tracks, presentations, video_tracks

VIDEO = VideoTrack(
    name="720p", codec="avc1.64001F", timescale=30000, segment_ticks=(120120, 120120, 15015),
    segment_bytes=(1000, 2000, 300), width=1280, height=720, fps_num=30000, fps_den=1001,
)  # fmt: skip
AUDIO = AudioTrack(
    name="audio", codec="mp4a.40.2", timescale=48000, segment_ticks=(196608, 188416, 24576), segment_bytes=(900, 800, 90),
    channels=2, sample_rate=48000, language="en",
)  # fmt: skip


def test_a_media_playlist_word_for_word() -> None:
    assert media_playlist(VIDEO) == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:4.004000,\n1.m4s\n#EXTINF:4.004000,\n2.m4s\n#EXTINF:0.500500,\n3.m4s\n#EXT-X-ENDLIST\n"
    )


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        pytest.param(
            (VIDEO, AUDIO),
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",'
            'URI="7/audio/playlist.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=5755,AVERAGE-BANDWIDTH=4782,'
            'CODECS="avc1.64001F,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"\n7/720p/playlist.m3u8\n',
            id="video-and-audio",
        ),
        pytest.param(
            (VIDEO,),
            '#EXT-X-STREAM-INF:BANDWIDTH=3997,AVERAGE-BANDWIDTH=3103,CODECS="avc1.64001F",RESOLUTION=1280x720,'
            "FRAME-RATE=29.970\n7/720p/playlist.m3u8\n",
            id="video-only",
        ),
        pytest.param(
            (AUDIO,),
            '#EXT-X-STREAM-INF:BANDWIDTH=1758,AVERAGE-BANDWIDTH=1679,CODECS="mp4a.40.2"\n7/audio/playlist.m3u8\n',
            id="audio-only",
        ),
    ],
)
def test_a_multivariant_playlist_word_for_word(tracks: tuple[VideoTrack | AudioTrack, ...], expected: str) -> None:
    head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
    assert multivariant(Presentation(tracks=tracks), base="7/") == head + expected


@given(video_tracks() | audio_tracks())
def test_segments_add_up_and_keep_below_the_target(track: VideoTrack | AudioTrack) -> None:
    playlist = m3u8.loads(media_playlist(track))
    assert playlist.is_endlist
    assert playlist.playlist_type == "vod"
    assert [segment.uri for segment in playlist.segments] == [f"{n + 1}.m4s" for n in range(len(track.segment_ticks))]
    assert all(segment.init_section.uri == "init.mp4" for segment in playlist.segments)
    assert all(int(segment.duration + 0.5) <= playlist.target_duration for segment in playlist.segments)
    assert sum(segment.duration for segment in playlist.segments) == pytest.approx(float(track.duration_s), abs=1e-6)
    assert target_duration_s(track) >= 1


@given(presentations())
def test_variants_name_every_rendition_and_enough_bandwidth(p: Presentation) -> None:
    playlist = m3u8.loads(multivariant(p))
    groups = list(dict.fromkeys(one.group_id for one in playlist.media if one.type == "AUDIO"))
    shown = [one.uri.partition("/")[0] for one in playlist.playlists]
    named = {track.name: track for track in p.tracks}
    variants = [named[name] for name in shown]
    assert variants == [*p.video] * max(1, len(groups)) or not p.video
    heard = {one.uri.partition("/")[0] for one in playlist.media if one.type == "AUDIO"} | {*shown}
    assert heard >= {track.name for track in p.audio}
    assert [one.uri for one in playlist.media if one.type == "SUBTITLES"] == [
        f"{one.name}/playlist.m3u8" for one in p.texts
    ]
    for group in groups:
        names = [one.name for one in playlist.media if one.group_id == group]
        assert len(set(names)) == len(names)
        assert [one.default for one in playlist.media if one.group_id == group].count("YES") == 1
    for one, track in zip(playlist.playlists, variants, strict=True):
        assert one.stream_info.subtitles == ("captions" if p.texts else None)
        assert one.stream_info.audio in {*groups, None}
        assert one.stream_info.bandwidth >= track.peak_bandwidth_bps
        assert one.stream_info.bandwidth >= one.stream_info.average_bandwidth
        if isinstance(track, VideoTrack):
            assert one.stream_info.resolution == (track.width, track.height)
            assert one.stream_info.frame_rate == pytest.approx(float(Fraction(track.frame_rate)), abs=5e-4)
