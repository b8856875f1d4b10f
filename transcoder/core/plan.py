"""How a source becomes renditions: one frame grid, its segments, and the sound and text that go with it. Records only.

The grid starts at the source's first picture (the origin of time for everything that we publish) and has a standard
rate, so a window [n0, n1) of it means the same frames wherever and whenever it is encoded. See docs/decisions/media.md.
"""

from fractions import Fraction

from pydantic import Field

from playnet.media.records import Chapter

from .captions import TextPlan
from .colour import Colour
from .ladder import Rendition
from .record import Record
from .scan import Scan
from .sound import AudioPlan

AUDIO_RATE = 48_000
CHUNK_S = 12.0
"""Length of a chunk, about. Nothing that was measured favours a length; shorter ones give the first pictures sooner and
lose less with a worker, longer ones decode less twice (each chunk is read from a key frame two seconds before it)."""


class Window(Record):
    """Frames [n0, n1) of the grid: what one encode covers."""

    n0: int = Field(ge=0)
    n1: int = Field(gt=0)

    @property
    def frames(self) -> int:
        return self.n1 - self.n0


class VideoPlan(Record):
    """The grid and what is made on it. `origin_ticks`: the first picture, in units of the source's `time_base`;
    `preroll_s`: how long before a window reading has to begin; `pictures`: how many frames show another picture than the
    frame before them, when everything decodes (None: not known).
    """

    stream: int
    time_base: Fraction
    origin_ticks: int
    fps: Fraction
    frames: int = Field(gt=0)
    gop_frames: int = Field(gt=0)
    segment_frames: int = Field(gt=0)
    chunk_frames: int = Field(gt=0)
    preroll_s: Fraction
    pictures: int | None = None
    scan: Scan = "progressive"
    colour: Colour
    timescale: int = Field(gt=0)
    renditions: tuple[Rendition, ...] = Field(min_length=1)

    @property
    def origin_s(self) -> Fraction:
        return self.origin_ticks * self.time_base

    @property
    def duration_s(self) -> Fraction:
        return self.frames / self.fps

    @property
    def segment_s(self) -> Fraction:
        return self.segment_frames / self.fps

    @property
    def frame_ticks(self) -> int:
        """One frame in units of `timescale`: always whole."""
        return int(self.timescale / self.fps)

    @property
    def chunks(self) -> int:
        """How many windows the timeline is cut into: a rest shorter than one GOP joins its neighbour."""
        whole, rest = divmod(self.frames, self.chunk_frames)
        return max(1, whole + (rest >= self.gop_frames))

    def window(self, part: int) -> Window:
        """What task number `part` encodes: a chunk, or the whole timeline for the number after the last chunk's."""
        if part >= self.chunks:
            return Window(n0=0, n1=self.frames)
        n0 = part * self.chunk_frames
        return Window(n0=n0, n1=self.frames if part == self.chunks - 1 else n0 + self.chunk_frames)

    def is_whole(self, part: int) -> bool:
        """Whether task number `part` encodes everything in one go, so that there is no other way left."""
        return part >= self.chunks or self.chunks == 1


class Decision(Record):
    """What is done with one stream of the source, and why, for people."""

    stream: int
    kind: str
    codec: str
    does: str


class Plan(Record):
    """What is made of one revision; picture or sound or both. `cover`: the stream whose picture stands for a sound that
    comes without moving ones. `notes` is what a publisher has to know.
    """

    video: VideoPlan | None
    audio: tuple[AudioPlan, ...]
    texts: tuple[TextPlan, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    cover: int | None = None
    decisions: tuple[Decision, ...] = ()
    notes: tuple[str, ...] = ()
