"""MPDs, read back as XML."""

from fractions import Fraction
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given

from playnet.media.dash import duration, mpd
from playnet.media.records import Presentation, VideoTrack
from tests.unit.media.presentations import presentations
from tests.unit.media.test_hls import AUDIO, VIDEO

NS = {"d": "urn:mpeg:dash:schema:mpd:2011"}


def test_an_mpd_word_for_word() -> None:
    late = VIDEO.model_copy(update={"first_ticks": 60060})
    assert mpd(Presentation(tracks=(late, AUDIO)), base="7/") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
        'profiles="urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019" type="static" '
        'mediaPresentationDuration="PT8.533334S" minBufferTime="PT4.096S">\n'
        '  <Period id="0" start="PT0S">\n'
        '    <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" '
        'maxWidth="1280" maxHeight="720">\n'
        '      <Representation id="720p" codecs="avc1.64001F" bandwidth="3997" width="1280" height="720" sar="1:1" '
        'frameRate="30000/1001">\n'
        '        <SegmentTemplate timescale="30000" initialization="7/$RepresentationID$/init.mp4" '
        'media="7/$RepresentationID$/$Number$.m4s" startNumber="1" presentationTimeOffset="60060">\n'
        "          <SegmentTimeline>\n"
        '            <S t="60060" d="120120" r="1" />\n'
        '            <S d="15015" />\n'
        "          </SegmentTimeline>\n        </SegmentTemplate>\n      </Representation>\n    </AdaptationSet>\n"
        '    <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1" lang="en">\n'
        '      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main" />\n'
        '      <Representation id="audio" codecs="mp4a.40.2" bandwidth="1758" audioSamplingRate="48000">\n'
        '        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2" />\n'
        '        <SegmentTemplate timescale="48000" initialization="7/$RepresentationID$/init.mp4" '
        'media="7/$RepresentationID$/$Number$.m4s" startNumber="1">\n'
        "          <SegmentTimeline>\n"
        '            <S t="0" d="196608" />\n            <S d="188416" />\n            <S d="24576" />\n'
        "          </SegmentTimeline>\n        </SegmentTemplate>\n      </Representation>\n    </AdaptationSet>\n"
        "  </Period>\n</MPD>\n"
    )


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (Fraction(4), "PT4S"),
        (Fraction(100), "PT100S"),
        (Fraction(1, 3), "PT0.333334S"),
        (Fraction(12345, 100), "PT123.45S"),
    ],
)
def test_durations_never_cut_the_last_segment(seconds: Fraction, expected: str) -> None:
    assert duration(seconds) == expected


@given(presentations())
def test_timelines_say_what_the_boxes_say(p: Presentation) -> None:
    root = ET.fromstring(mpd(p))  # noqa: S314  our own document
    found = {one.get("id"): one for one in root.iterfind(".//d:Representation", NS)}
    assert set(found) == {track.name for track in (*p.tracks, *p.texts)}
    for text in p.texts:
        assert found[text.name].findtext("d:BaseURL", namespaces=NS) == f"{text.name}/1.vtt"
    for track in p.tracks:
        template = found[track.name].find("d:SegmentTemplate", NS)
        assert template is not None
        entries = template.findall("d:SegmentTimeline/d:S", NS)
        ticks = [int(s.get("d", "")) for s in entries for _ in range(int(s.get("r", "0")) + 1)]
        assert tuple(ticks) == track.segment_ticks
        assert entries[0].get("t") == str(track.first_ticks)
        assert template.get("presentationTimeOffset", "0") == str(track.first_ticks)
        assert Fraction(sum(ticks), int(template.get("timescale", ""))) == track.duration_s
        if isinstance(track, VideoTrack):
            assert Fraction(found[track.name].get("frameRate", "")) == track.frame_rate
    told = Fraction((root.get("mediaPresentationDuration") or "")[2:-1])
    assert 0 <= told - p.duration_s < Fraction(1, 10**6)
