"""HLS playlists of one revision. Pure.

draft-pantos-hls-rfc8216bis: §4.4.6 multivariant, §4.4.3 and §4.4.4 media playlists. A playlist is a head, a
timeline and a tail, so that growing and windowed timelines can share the first two later.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from .records import AudioTrack, Presentation, TextTrack, VideoTrack

_VERSION = 7  # EXT-X-MAP in playlists with ordinary segments needs 6; 7 is what CMAF players test against
_AUDIO_GROUP = "audio"
_SURROUND_GROUP = "surround"
_TEXT_GROUP = "captions"
_STEREO = 2
_DESCRIBES_VIDEO = "public.accessibility.describes-video"
_DESCRIBES_SOUND = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"
_FIRST_NUMBER = 1  # segments are numbered from 1, and so are media sequence numbers


@dataclass(frozen=True, slots=True)
class _Group:
    """Sounds that a variant can be played with: one of each language and role, in the same number of channels where
    there is one. `id` is None for a single sound that is the variant itself."""

    id: str | None
    tracks: tuple[AudioTrack, ...]

    @property
    def codecs(self) -> list[str]:
        return [track.codec for track in self.tracks]


def multivariant(p: Presentation, *, base: str = "") -> str:
    """The playlist of playlists; `base` is the revision's folder as seen from this playlist (`""` or `"<rev>/"`).

    Every picture comes once with the stereo sounds and, where there is 5.1, once with those: a player that can play more
    channels takes these variants, all others the first (HLS Authoring Specification §2.13).
    """
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    groups = _groups(p)
    for group in groups:
        if group.id is not None:
            lines += (_media(track, group.id, base, default=track is group.tracks[0]) for track in group.tracks)
    lines += (_subtitles(text, base) for text in p.texts)
    for group in groups or [_Group(None, ())]:
        for track in p.video or group.tracks[:1]:
            lines += [_stream_inf(track, group, texts=bool(p.texts)), f"{base}{track.name}/playlist.m3u8"]
    return _text(lines)


def _groups(p: Presentation) -> list[_Group]:
    stereo = tuple(track for track in p.audio if track.channels <= _STEREO) or p.audio
    wide = {_said(track): track for track in p.audio if track.channels > _STEREO}
    if not p.video and len(p.audio) == 1:
        return [_Group(None, p.audio)]
    found = [_Group(_AUDIO_GROUP, stereo)] if stereo else []
    if wide and stereo != p.audio:
        widest = {_said(track): track for track in stereo} | wide
        found.append(_Group(_SURROUND_GROUP, tuple(widest.values())))
    return found


def _said(track: AudioTrack) -> tuple[str | None, str | None, str]:
    return track.language, track.label, track.role


def text_playlist(text: TextTrack, duration_s: Fraction) -> str:
    """The playlist of captions, which lies in their folder: one file for the whole timeline (§3.1.4)."""
    micros = round(duration_s * 10**6)
    return _text(
        [
            "#EXTM3U",
            f"#EXT-X-VERSION:{_VERSION}",
            f"#EXT-X-TARGETDURATION:{max(1, int(duration_s + Fraction(1, 2)))}",
            f"#EXT-X-MEDIA-SEQUENCE:{_FIRST_NUMBER}",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            f"#EXTINF:{micros // 10**6}.{micros % 10**6:06d},",
            f"{_FIRST_NUMBER}.vtt",
            "#EXT-X-ENDLIST",
        ]
    )


def media_playlist(track: VideoTrack | AudioTrack) -> str:
    """The playlist of one finished rendition, which lies in the rendition's folder."""
    return _text([*_head(track), "#EXT-X-PLAYLIST-TYPE:VOD", *_timeline(track), "#EXT-X-ENDLIST"])


def target_duration_s(track: VideoTrack | AudioTrack) -> int:
    """EXT-X-TARGETDURATION: no segment's duration, rounded to the nearest second, exceeds it (§4.4.3.1)."""
    longest = Fraction(max(track.segment_ticks), track.timescale)
    return max(1, int(longest + Fraction(1, 2)))


def _head(track: VideoTrack | AudioTrack) -> list[str]:
    return [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{target_duration_s(track)}",
        f"#EXT-X-MEDIA-SEQUENCE:{_FIRST_NUMBER}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]


def _timeline(track: VideoTrack | AudioTrack) -> Iterator[str]:
    yield '#EXT-X-MAP:URI="init.mp4"'
    for number, micros in enumerate(_micros(track), _FIRST_NUMBER):
        yield f"#EXTINF:{micros // 10**6}.{micros % 10**6:06d},"
        yield f"{number}.m4s"


def _micros(track: VideoTrack | AudioTrack) -> Iterator[int]:
    """Segment durations in µs, rounded so that their sums never drift from the boxes' time."""
    before = 0
    for ticks in accumulate(track.segment_ticks):
        until = round(Fraction(ticks * 10**6, track.timescale))
        yield until - before
        before = until


def _media(track: AudioTrack, group: str, base: str, *, default: bool) -> str:
    """EXT-X-MEDIA (§4.4.6.1). A commentary is never chosen for somebody."""
    chosen = "NO" if track.role == "commentary" and not default else "YES"
    return "#EXT-X-MEDIA:" + _attributes(
        [
            ("TYPE", "AUDIO"),
            ("GROUP-ID", _quoted(group)),
            ("NAME", _quoted(track.label or track.name)),
            *([("LANGUAGE", _quoted(track.language))] if track.language else []),
            ("DEFAULT", "YES" if default else "NO"),
            ("AUTOSELECT", chosen),
            *([("CHARACTERISTICS", _quoted(_DESCRIBES_VIDEO))] if track.role == "description" else []),
            ("CHANNELS", _quoted(str(track.channels))),
            ("URI", _quoted(f"{base}{track.name}/playlist.m3u8")),
        ]
    )


def _subtitles(text: TextTrack, base: str) -> str:
    """EXT-X-MEDIA (§4.4.6.1) of captions: shown when the viewer wants them."""
    return "#EXT-X-MEDIA:" + _attributes(
        [
            ("TYPE", "SUBTITLES"),
            ("GROUP-ID", _quoted(_TEXT_GROUP)),
            ("NAME", _quoted(text.label)),
            *([("LANGUAGE", _quoted(text.language))] if text.language else []),
            ("DEFAULT", "NO"),
            ("AUTOSELECT", "YES"),
            ("FORCED", "YES" if text.forced else "NO"),
            *([("CHARACTERISTICS", _quoted(_DESCRIBES_SOUND))] if text.hearing else []),
            ("URI", _quoted(f"{base}{text.name}/playlist.m3u8")),
        ]
    )


def _stream_inf(track: VideoTrack | AudioTrack, group: _Group, *, texts: bool) -> str:
    """EXT-X-STREAM-INF (§4.4.6.2). Rates and codecs include the audio that is played along."""
    own = isinstance(track, AudioTrack)
    heard = () if own else group.tracks
    picture = []
    if isinstance(track, VideoTrack):
        size, rate = f"{track.width}x{track.height}", f"{float(track.frame_rate):.3f}"
        picture = [("RESOLUTION", size), ("FRAME-RATE", rate)]
    return _stream(
        [
            ("CODECS", _quoted(",".join(dict.fromkeys([track.codec, *group.codecs])))),
            *picture,
            *([("AUDIO", _quoted(group.id))] if group.id is not None else []),
            *([("SUBTITLES", _quoted(_TEXT_GROUP))] if texts else []),
        ],
        track.peak_bandwidth_bps + max((audio.peak_bandwidth_bps for audio in heard), default=0),
        track.average_bandwidth_bps + max((audio.average_bandwidth_bps for audio in heard), default=0),
    )


def _stream(attributes: list[tuple[str, str]], peak: int, average: int) -> str:
    rates = [("BANDWIDTH", str(max(peak, average))), ("AVERAGE-BANDWIDTH", str(average))]
    return "#EXT-X-STREAM-INF:" + _attributes([*rates, *attributes])


def _attributes(pairs: Iterable[tuple[str, str]]) -> str:
    return ",".join(f"{name}={value}" for name, value in pairs)


def _quoted(text: str) -> str:
    """A quoted-string (§4.2): it cannot hold line breaks or quotes, so they are dropped."""
    return '"' + "".join(char for char in text if char not in '"\r\n') + '"'


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
