"""Subtitles as WebVTT files: which are made, and ffmpeg's WebVTT put onto our timeline. Pure.

W3C WebVTT §4 (file), §4.2.2 (cue text). The text comes from a hostile file: of its markup only bold, italic and
underlined stay, so that nothing that a player might interpret passes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from . import languages
from .record import Record
from .sound import distinct
from .source import Source, TextStream

_TIME = r"(?:(\d{1,4}):)?(\d{2}):(\d{2})\.(\d{3})"
_TIMING = re.compile(rf"(-?){_TIME}\s+-->\s+(-?){_TIME}((?:\s+(?:line|position|size|align):[a-z0-9.%,-]+)*)\s*")
_FOREIGN_TAG = re.compile(r"<(?!/?[biu]>)[^<>\n]*>?")
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|lrm|rlm|nbsp|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)")
_MAX_CUES = 100_000


class TextPlan(Record):
    """One file of captions. `origin_s`, `duration_s`: what of the source's time is shown."""

    name: str
    stream: int
    origin_s: Fraction
    duration_s: Fraction | None
    language: str | None
    label: str
    forced: bool
    hearing: bool


def texts(source: Source, *, origin_s: Fraction, duration_s: Fraction | None) -> tuple[TextPlan, ...]:
    """One for each stream of text, in its order."""
    labels = distinct(_label(stream, number) for number, stream in enumerate(source.text, 1))
    return tuple(
        TextPlan(
            name=f"text-{number}",
            stream=stream.index,
            origin_s=origin_s,
            duration_s=duration_s,
            language=stream.language,
            label=label,
            forced=stream.forced,
            hearing=stream.hearing,
        )
        for number, (stream, label) in enumerate(zip(source.text, labels, strict=True), 1)
    )


@dataclass(frozen=True, slots=True)
class Captions:
    """A whole file, and how many cues it has."""

    text: str
    cues: int


def on_timeline(webvtt: str, plan: TextPlan) -> Captions:
    """Cues in the source's time moved to ours; what lies outside of the video goes, what is no cue as well."""
    cues = [cue for _, cue in zip(range(_MAX_CUES), _cues(webvtt, plan), strict=False)]
    return Captions("WEBVTT\n\n" + "\n".join(cues), len(cues))


def _cues(webvtt: str, plan: TextPlan) -> Iterator[str]:
    end_ms = None if plan.duration_s is None else round(plan.duration_s * 1000)
    shift_ms = round(plan.origin_s * 1000)
    for block in re.split(r"\n{2,}", webvtt.replace("\r\n", "\n").replace("\r", "\n")):
        lines = block.strip("\n").split("\n")
        at = next((number for number, line in enumerate(lines[:2]) if _TIMING.fullmatch(line)), None)
        if at is None:
            continue
        found = _TIMING.fullmatch(lines[at])
        assert found is not None
        begin_ms = max(0, _ms(*found.group(1, 2, 3, 4, 5)) - shift_ms)
        until_ms = _ms(*found.group(6, 7, 8, 9, 10)) - shift_ms
        until_ms = until_ms if end_ms is None else min(until_ms, end_ms)
        text = "\n".join(filter(None, map(_clean, lines[at + 1 :])))
        if text and begin_ms < until_ms:
            yield f"{clock(begin_ms)} --> {clock(until_ms)}{found[11]}\n{text}\n"


def _clean(line: str) -> str:
    plain = _FOREIGN_TAG.sub("", line.replace("\x00", "")).replace("-->", "→")
    return _BARE_AMPERSAND.sub("&amp;", plain).strip()


def clock(millis: int) -> str:
    """A WebVTT timestamp."""
    minutes, millis = divmod(millis, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{millis // 1000:02d}.{millis % 1000:03d}"


def _ms(sign: str, hours: str | None, minutes: str, seconds: str, millis: str) -> int:
    total = ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(millis)
    return -total if sign else total


def _label(stream: TextStream, number: int) -> str:
    name = stream.title or languages.name(stream.language) or f"Captions {number}"
    if stream.title is None and stream.forced:
        return f"{name} (forced)"
    return f"{name} (for the hard of hearing)" if stream.title is None and stream.hearing else name
