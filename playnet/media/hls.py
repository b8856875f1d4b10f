"""HLS playlists of one revision. Pure.

draft-pantos-hls-rfc8216bis: §4.4.6 multivariant, §4.4.3 and §4.4.4 media playlists. A playlist is a head, a
timeline and a tail, so that growing and windowed timelines can share the first two later.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import accumulate

from .records import AudioTrack, Presentation, VideoTrack

_VERSION = 7  # EXT-X-MAP in playlists with ordinary segments needs 6; 7 is what CMAF players test against
_AUDIO_GROUP = "audio"
_FIRST_NUMBER = 1  # segments are numbered from 1, and so are media sequence numbers


def multivariant(p: Presentation, *, base: str = "") -> str:
    """The playlist of playlists; `base` is the revision's folder as seen from this playlist (`""` or `"<rev>/"`)."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if p.video:
        lines += (_media(track, base, default=track is p.audio[0]) for track in p.audio)
    for track in p.video or p.audio:
        lines += [_stream_inf(track, p), f"{base}{track.name}/playlist.m3u8"]
    return _text(lines)


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


def _media(track: AudioTrack, base: str, *, default: bool) -> str:
    """EXT-X-MEDIA (§4.4.6.1)."""
    return "#EXT-X-MEDIA:" + _attributes(
        [
            ("TYPE", "AUDIO"),
            ("GROUP-ID", _quoted(_AUDIO_GROUP)),
            ("NAME", _quoted(track.name)),
            *([("LANGUAGE", _quoted(track.language))] if track.language else []),
            ("DEFAULT", "YES" if default else "NO"),
            ("AUTOSELECT", "YES"),
            ("CHANNELS", _quoted(str(track.channels))),
            ("URI", _quoted(f"{base}{track.name}/playlist.m3u8")),
        ]
    )


def _stream_inf(track: VideoTrack | AudioTrack, p: Presentation) -> str:
    """EXT-X-STREAM-INF (§4.4.6.2). Rates and codecs include the audio that is played along."""
    if isinstance(track, AudioTrack):
        codecs, peak, average = [track.codec], track.peak_bandwidth_bps, track.average_bandwidth_bps
        return _stream([("CODECS", _quoted(",".join(codecs)))], peak, average)
    codecs = list(dict.fromkeys([track.codec, *(audio.codec for audio in p.audio)]))
    return _stream(
        [
            ("CODECS", _quoted(",".join(codecs))),
            ("RESOLUTION", f"{track.width}x{track.height}"),
            ("FRAME-RATE", f"{float(track.frame_rate):.3f}"),
            *([("AUDIO", _quoted(_AUDIO_GROUP))] if p.audio else []),
        ],
        track.peak_bandwidth_bps + max((audio.peak_bandwidth_bps for audio in p.audio), default=0),
        track.average_bandwidth_bps + max((audio.average_bandwidth_bps for audio in p.audio), default=0),
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
