"""The MPD of one revision. Pure.

ISO/IEC 23009-1: a static presentation of one period, SegmentTemplate with $Number$ and an explicit SegmentTimeline
(§5.3.9.6), so that times come from the boxes and never from a nominal duration.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby
from xml.etree import ElementTree as ET

from .records import AudioTrack, Presentation, TextTrack, VideoTrack

_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_PROFILES = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019"
_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
_ROLE = "urn:mpeg:dash:role:2011"
_ROLES = {"commentary": "commentary", "dub": "dub", "description": "description"}
_AUDIO_PURPOSE = "urn:tva:metadata:cs:AudioPurposeCS:2007"  # ISO/IEC 23009-1 §5.8.5.5 by way of DVB
_FOR_THE_BLIND = "1"
_FIRST_NUMBER = 1


def mpd(p: Presentation, *, base: str = "") -> str:
    """The MPD; `base` is the revision's folder as seen from it (`""` or `"<rev>/"`)."""
    root = ET.Element(
        "MPD",
        {
            "xmlns": _NAMESPACE,
            "profiles": _PROFILES,
            "type": "static",
            "mediaPresentationDuration": duration(p.duration_s),
            "minBufferTime": duration(max(_longest_s(track) for track in p.tracks)),
        },
    )
    period = ET.SubElement(root, "Period", {"id": "0", "start": "PT0S"})
    if p.video:
        _video_set(period, p.video, base)
    keys = list(dict.fromkeys(map(_audio_key, p.audio)))
    for number, key in enumerate(keys, 1):
        tracks = [track for track in p.audio if _audio_key(track) == key]
        _audio_set(period, tracks, base, number=number, main=_said(tracks[0]) == _said(p.audio[0]))
    for number, text in enumerate(p.texts, len(keys) + 1):
        _text_set(period, text, base, number=number, duration_s=p.duration_s)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def duration(seconds: Fraction) -> str:
    """xs:duration in whole microseconds, rounded up: the end of the last segment must lie inside."""
    micros = -(-seconds.numerator * 10**6 // seconds.denominator)
    whole, rest = divmod(micros, 10**6)
    return f"PT{whole}S" if rest == 0 else f"PT{whole}.{rest:06d}".rstrip("0") + "S"


def _audio_key(track: AudioTrack) -> tuple[str | None, int, str | None, str]:
    """Tracks that differ in these are no alternatives for automatic switching (§5.3.3.1)."""
    return track.language, track.channels, track.label, track.role


def _said(track: AudioTrack) -> tuple[str | None, str | None, str]:
    """What is heard, in however many channels."""
    return track.language, track.label, track.role


def _video_set(period: ET.Element, tracks: Sequence[VideoTrack], base: str) -> None:
    top = max(tracks, key=lambda track: track.width * track.height)
    attributes = {
        "id": "0",
        "contentType": "video",
        "mimeType": "video/mp4",
        "segmentAlignment": "true",
        "startWithSAP": "1",
        "maxWidth": str(top.width),
        "maxHeight": str(top.height),
    }
    adaptation = ET.SubElement(period, "AdaptationSet", attributes)
    for track in tracks:
        representation = _representation(adaptation, track)
        representation.set("width", str(track.width))
        representation.set("height", str(track.height))
        representation.set("sar", "1:1")
        representation.set("frameRate", _fraction(track.frame_rate))
        _template(representation, track, base)


def _audio_set(period: ET.Element, tracks: Sequence[AudioTrack], base: str, *, number: int, main: bool) -> None:
    attributes = {
        "id": str(number),
        "contentType": "audio",
        "mimeType": "audio/mp4",
        "segmentAlignment": "true",
        "startWithSAP": "1",
    }
    if tracks[0].language:
        attributes["lang"] = tracks[0].language
    adaptation = ET.SubElement(period, "AdaptationSet", attributes)
    if tracks[0].label:
        ET.SubElement(adaptation, "Label").text = tracks[0].label
    if tracks[0].role == "description":
        ET.SubElement(adaptation, "Accessibility", {"schemeIdUri": _AUDIO_PURPOSE, "value": _FOR_THE_BLIND})
    role = _ROLES.get(tracks[0].role, "main" if main else "alternate")
    ET.SubElement(adaptation, "Role", {"schemeIdUri": _ROLE, "value": role})
    for track in tracks:
        representation = _representation(adaptation, track)
        representation.set("audioSamplingRate", str(track.sample_rate))
        ET.SubElement(
            representation, "AudioChannelConfiguration", {"schemeIdUri": _CHANNELS, "value": str(track.channels)}
        )
        _template(representation, track, base)


def _text_set(period: ET.Element, text: TextTrack, base: str, *, number: int, duration_s: Fraction) -> None:
    """One WebVTT file beside the segments (§5.3.7.2, DASH-IF IOP Part 7 §4.2)."""
    attributes = {"id": str(number), "contentType": "text", "mimeType": "text/vtt"}
    if text.language:
        attributes["lang"] = text.language
    adaptation = ET.SubElement(period, "AdaptationSet", attributes)
    ET.SubElement(adaptation, "Label").text = text.label
    role = "forced-subtitle" if text.forced else "caption" if text.hearing else "subtitle"
    ET.SubElement(adaptation, "Role", {"schemeIdUri": _ROLE, "value": role})
    bandwidth = -(-text.size_bytes * 8 * duration_s.denominator // duration_s.numerator)
    representation = ET.SubElement(adaptation, "Representation", {"id": text.name, "bandwidth": str(bandwidth)})
    ET.SubElement(representation, "BaseURL").text = f"{base}{text.name}/1.vtt"


def _representation(adaptation: ET.Element, track: VideoTrack | AudioTrack) -> ET.Element:
    attributes = {"id": track.name, "codecs": track.codec, "bandwidth": str(track.peak_bandwidth_bps)}
    return ET.SubElement(adaptation, "Representation", attributes)


def _template(representation: ET.Element, track: VideoTrack | AudioTrack, base: str) -> None:
    template = ET.SubElement(
        representation,
        "SegmentTemplate",
        {
            "timescale": str(track.timescale),
            "initialization": f"{base}$RepresentationID$/init.mp4",
            "media": f"{base}$RepresentationID$/$Number$.m4s",
            "startNumber": str(_FIRST_NUMBER),
        },
    )
    if track.first_ticks:
        template.set("presentationTimeOffset", str(track.first_ticks))
    _timeline(template, track)


def _timeline(template: ET.Element, track: VideoTrack | AudioTrack) -> None:
    """Run lengths: `r` counts repetitions after the first."""
    timeline = ET.SubElement(template, "SegmentTimeline")
    for number, (ticks, run) in enumerate(groupby(track.segment_ticks)):
        entry = ET.SubElement(timeline, "S", {"t": str(track.first_ticks)} if number == 0 else {})
        entry.set("d", str(ticks))
        if repeats := sum(1 for _ in run) - 1:
            entry.set("r", str(repeats))


def _fraction(rate: Fraction) -> str:
    return str(rate.numerator) if rate.denominator == 1 else f"{rate.numerator}/{rate.denominator}"


def _longest_s(track: VideoTrack | AudioTrack) -> Fraction:
    return Fraction(max(track.segment_ticks), track.timescale)
