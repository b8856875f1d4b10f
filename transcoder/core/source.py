"""What is known of a source: its streams and chapters. Records only."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Role = Literal["main", "commentary", "description", "dub"]
"""What a sound is for; `description`: tells those who do not see what happens."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the numbers of a picture are to be read, in ffprobe's words; "" for what the file does not say.

    `peak_nits`: the brightest that the grading shows, where HDR metadata name it. `dolby_vision`: profile and
    compatibility of the base layer.
    """

    pixels: str = ""
    matrix: str = ""
    primaries: str = ""
    transfer: str = ""
    fields: str = ""
    peak_nits: int | None = None
    dolby_vision: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class VideoStream:
    """The picture stream. `width` and `height` as coded; `rotation` in degrees clockwise, a multiple of 90."""

    index: int
    codec: str
    width: int
    height: int
    sample_aspect: Fraction
    rotation: int
    time_base: Fraction
    average_rate: Fraction | None
    start_ticks: int
    duration_s: Fraction | None
    look: Look = field(default_factory=Look)


@dataclass(frozen=True, slots=True)
class AudioStream:
    """A sound stream. `language` is a BCP 47 tag."""

    index: int
    codec: str
    channels: int
    time_base: Fraction
    start_ticks: int
    duration_s: Fraction | None
    language: str | None
    title: str | None = None
    role: Role = "main"


@dataclass(frozen=True, slots=True)
class TextStream:
    """Subtitles or captions. `hearing`: with sounds described."""

    index: int
    codec: str
    language: str | None
    title: str | None = None
    forced: bool = False
    hearing: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A chapter, in the container's time."""

    start_s: Fraction
    title: str


@dataclass(frozen=True, slots=True)
class Unused:
    """A stream that nothing is made of, and why, for people."""

    index: int
    kind: str
    codec: str
    why: str


@dataclass(frozen=True, slots=True)
class Source:
    """The streams to use, of picture and sound at least one, the best first; `cover`: index of a picture of the whole."""

    container: str
    video: VideoStream | None
    audio: tuple[AudioStream, ...]
    duration_s: Fraction | None
    text: tuple[TextStream, ...] = ()
    chapters: tuple[Mark, ...] = ()
    cover: int | None = None
    unused: tuple[Unused, ...] = ()
