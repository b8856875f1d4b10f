"""Which sounds are made of a source: one stereo rendition of each language or commentary, and its 5.1 beside it. Pure."""

from collections.abc import Iterator
from fractions import Fraction

from playnet.config import Transcoder

from . import languages
from .record import Record
from .source import AudioStream, Role, Source

SURROUND_CHANNELS = 6
_STEREO_CHANNELS = 2
_ROLES = {"commentary": "commentary", "description": "audio description", "dub": "dubbed"}


class AudioPlan(Record):
    """One rendition of sound. `duration_s` is the picture's where there is one: the sound is padded or cut to it.

    `label` is what a viewer chooses by; no two of the same `channels` share one.
    """

    name: str
    stream: int
    origin_s: Fraction
    duration_s: Fraction | None
    expected_s: Fraction | None
    segment_s: Fraction
    channels: int
    bitrate_bps: int
    language: str | None
    label: str
    role: Role = "main"


def sounds(
    source: Source, settings: Transcoder, *, origin_s: Fraction, duration_s: Fraction | None, segment_s: Fraction
) -> tuple[AudioPlan, ...]:
    """Stereo of every stream in its order, then 5.1 of those that have it: the first is what plays unasked."""
    labels = _labels(source.audio)

    def plan(number: int, stream: AudioStream, *, surround: bool) -> AudioPlan:
        kind = "surround" if surround else "audio"
        return AudioPlan(
            name=kind if number == 1 else f"{kind}-{number}",
            stream=stream.index,
            origin_s=origin_s,
            duration_s=duration_s,
            expected_s=duration_s or stream.duration_s or source.duration_s,
            segment_s=segment_s,
            channels=SURROUND_CHANNELS if surround else _STEREO_CHANNELS,
            bitrate_bps=settings.surround_bitrate if surround else settings.audio_bitrate,
            language=stream.language,
            label=labels[number - 1],
            role=stream.role,
        )

    numbered = list(enumerate(source.audio, 1))
    stereo = [plan(number, stream, surround=False) for number, stream in numbered]
    wide = [(number, stream) for number, stream in numbered if stream.channels >= SURROUND_CHANNELS]
    return (*stereo, *(plan(number, stream, surround=True) for number, stream in wide if settings.surround))


def _labels(streams: tuple[AudioStream, ...]) -> list[str]:
    return list(distinct(_label(stream, number) for number, stream in enumerate(streams, 1)))


def _label(stream: AudioStream, number: int) -> str:
    language = languages.name(stream.language)
    if stream.role in _ROLES and stream.title is None:
        return f"{language or f'Audio {number}'} ({_ROLES[stream.role]})"
    if stream.title is None or stream.title == language:
        return language or f"Audio {number}"
    return stream.title if language is None else f"{language} ({stream.title})"


def distinct(labels: Iterator[str]) -> Iterator[str]:
    """Labels that were there before get a number."""
    seen: set[str] = set()
    for label in labels:
        own, number = label, 2
        while own in seen:
            own, number = f"{label} {number}", number + 1
        seen.add(own)
        yield own
