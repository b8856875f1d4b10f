"""How a source becomes renditions: one frame grid, its segments, and the sound that goes with it. Pure.

The grid starts at the source's first picture (the origin of time for everything that we publish) and has a standard
rate, so a window [n0, n1) of it means the same frames wherever and whenever it is encoded. See docs/decisions/media.md.
"""

from fractions import Fraction
from math import inf

from pydantic import BaseModel, ConfigDict, Field

from playnet.config import Transcoder
from playnet.errors import MediaRejected

from .ladder import Rendition, ladder
from .probe import AudioStream, Source, Span, VideoStream, display_size

STANDARD_RATES = tuple(
    map(Fraction, ("5", "6", "8", "10", "12", "25/2", "15", "20", "24000/1001", "24", "25", "30000/1001", "30"))
) + tuple(map(Fraction, ("48", "50", "60000/1001", "60")))
AUDIO_RATE = 48_000
CHUNK_S = 12.0
"""Length of a chunk, about. Nothing that was measured favours a length; shorter ones give the first pictures sooner and
lose less with a worker, longer ones decode less twice (each chunk is read from a key frame two seconds before it)."""
_AUDIO_CHANNELS = 2
_PREROLL_S = 2  # a seek lands on a key frame at or before; indexes need not be exact
_UNINDEXED = frozenset(
    {"mpegts", "mpeg"}
)  # a seek lands anywhere: the next key frame must still come before the window
_MAX_PREROLL_S = 30  # beyond it, chunks would cost more than they bring
_MIN_TIMESCALE = 12_800  # fine enough for any player; MPEG's own clocks are coarser than twice this
_MAX_DURATION_S = 24 * 3600  # beyond it, timestamps jump rather than last
_MAX_STRETCH = 20  # grid frames for each packet: a slide show stays below, a broken clock does not


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Window(_Record):
    """Frames [n0, n1) of the grid: what one encode covers."""

    n0: int = Field(ge=0)
    n1: int = Field(gt=0)

    @property
    def frames(self) -> int:
        return self.n1 - self.n0


class VideoPlan(_Record):
    """The grid and what is made on it. `origin_ticks`: the first picture, in units of the source's `time_base`;
    `preroll_s`: how long before a window reading has to begin.
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


class AudioPlan(_Record):
    """The sound. `duration_s` is the picture's where there is one: the sound is padded or cut to it."""

    stream: int
    origin_s: Fraction
    duration_s: Fraction | None
    expected_s: Fraction | None
    segment_s: Fraction
    channels: int
    bitrate_bps: int
    language: str | None


class Plan(_Record):
    """What is made of one revision; at least one of the two."""

    video: VideoPlan | None
    audio: AudioPlan | None


def make_plan(source: Source, span: Span | None, settings: Transcoder, *, chunk_s: float = CHUNK_S) -> Plan:
    """Plan a source; `span` is its pictures'. MediaRejected when nothing of it has a duration.

    `chunk_s` is rounded to whole segments, at least one; `inf` leaves the timeline in one piece.
    """
    video = None
    if source.video is not None and span is not None:
        preroll_s = _preroll_s(source.container, span.key_gap * source.video.time_base)
        if preroll_s > _MAX_PREROLL_S:
            chunk_s = inf
        video = _video_plan(source.video, span, settings, chunk_s).model_copy(update={"preroll_s": preroll_s})
    if video is None and source.audio is None:
        raise MediaRejected("The file holds no picture at all: its video track is empty.")
    return Plan(video=video, audio=_audio_plan(source, video, settings))


def grid_rate(usual: Fraction) -> Fraction:
    """The nearest standard rate, by ratio: exact for what cameras make, a fair resampling for everything else."""
    return min(STANDARD_RATES, key=lambda rate: max(rate / usual, usual / rate))


def video_timescale(fps: Fraction) -> int:
    """Ticks per second in which a frame of that rate is whole."""
    timescale = fps.numerator
    while timescale < _MIN_TIMESCALE:
        timescale *= 2
    return timescale


def _video_plan(stream: VideoStream, span: Span, settings: Transcoder, chunk_s: float) -> VideoPlan:
    span_s = (span.last - span.first) * stream.time_base
    if span_s > _MAX_DURATION_S:
        raise MediaRejected("The video's clock jumps or runs for more than a day: the file is damaged.")
    usual = 1 / (span.gap * stream.time_base) if span.gap else stream.average_rate
    fps = grid_rate(usual or Fraction(25))
    frames = round(span_s * fps) + 1
    if frames > _MAX_STRETCH * span.count + _MAX_STRETCH * fps:
        raise MediaRejected("Nearly all pictures between the first and the last are missing: the file is damaged.")
    gop = max(1, round(settings.gop * float(fps)))
    segment = gop * settings.gops_per_segment
    return VideoPlan(
        stream=stream.index,
        time_base=stream.time_base,
        origin_ticks=span.first,
        fps=fps,
        frames=frames,
        gop_frames=gop,
        segment_frames=segment,
        preroll_s=Fraction(_PREROLL_S),
        chunk_frames=segment * _chunk_segments(frames, segment, wanted=chunk_s * float(fps)),
        timescale=video_timescale(fps),
        renditions=ladder(*display_size(stream), settings.ladder),
    )


def _preroll_s(container: str, key_gap_s: Fraction) -> Fraction:
    """One second on top: pictures are not stored in the order in which they are shown."""
    return max(Fraction(_PREROLL_S), key_gap_s + 1 if container in _UNINDEXED else Fraction(0))


def _chunk_segments(frames: int, segment: int, *, wanted: float) -> int:
    return -(-frames // segment) if wanted >= frames else max(1, round(wanted / segment))


def _audio_plan(source: Source, video: VideoPlan | None, settings: Transcoder) -> AudioPlan | None:
    if source.audio is None:
        return None
    own_s = source.audio.duration_s or source.duration_s
    return AudioPlan(
        stream=source.audio.index,
        origin_s=_audio_origin(source.audio) if video is None else video.origin_s,
        duration_s=None if video is None else video.duration_s,
        expected_s=own_s if video is None else video.duration_s,
        segment_s=_nominal_segment_s(settings) if video is None else video.segment_s,
        channels=_AUDIO_CHANNELS,
        bitrate_bps=settings.audio_bitrate,
        language=source.audio.language,
    )


def _audio_origin(stream: AudioStream) -> Fraction:
    return stream.start_ticks * stream.time_base


def _nominal_segment_s(settings: Transcoder) -> Fraction:
    return Fraction(settings.gop).limit_denominator(1000) * settings.gops_per_segment
