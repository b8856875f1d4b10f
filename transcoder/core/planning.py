"""Makes the plan of a source: which grid, which renditions, what becomes of each stream, and what people are told. Pure."""

from collections.abc import Iterator
from fractions import Fraction
from math import inf

from playnet.config import Transcoder
from playnet.errors import MediaRejected
from playnet.media.records import Chapter

from . import colour, scan
from .captions import TextPlan, texts
from .ladder import ladder
from .packets import Span
from .plan import CHUNK_S, Decision, Plan, VideoPlan
from .probe import display_size
from .scan import Fields, Scan
from .sound import AudioPlan, sounds
from .source import Source, VideoStream

STANDARD_RATES = tuple(
    map(Fraction, ("5", "6", "8", "10", "12", "25/2", "15", "20", "24000/1001", "24", "25", "30000/1001", "30"))
) + tuple(map(Fraction, ("48", "50", "60000/1001", "60")))
_PREROLL_S = 2  # a seek lands on a key frame at or before; indexes need not be exact
_UNINDEXED = frozenset(
    {"mpegts", "mpeg"}
)  # a seek lands anywhere: the next key frame must still come before the window
_MAX_PREROLL_S = 30  # beyond it, chunks would cost more than they bring
_MIN_TIMESCALE = 12_800  # fine enough for any player; MPEG's own clocks are coarser than twice this
_MAX_DURATION_S = 24 * 3600  # beyond it, timestamps jump rather than last
_MAX_TOLD = 8  # left out tracks that are named one by one
_MAX_STRETCH = 20  # grid frames for each packet: a slide show stays below, a broken clock does not


def make_plan(
    source: Source, span: Span | None, settings: Transcoder, *, fields: Fields | None = None, chunk_s: float = CHUNK_S
) -> Plan:
    """Plan a source; `span` is its pictures', `fields` what a look at them said. MediaRejected when nothing of it has a
    duration.

    `chunk_s` is rounded to whole segments, at least one; `inf` leaves the timeline in one piece.
    """
    video = None
    if source.video is not None and span is not None:
        preroll_s = _preroll_s(source.container, span.key_gap * source.video.time_base)
        if preroll_s > _MAX_PREROLL_S:
            chunk_s = inf
        video = _video_plan(source.video, span, settings, scan.scan(source.video, fields), chunk_s)
        video = video.model_copy(update={"preroll_s": preroll_s})
    if video is None and not source.audio:
        raise MediaRejected("The file holds no picture at all: its video track is empty.")
    origin_s = _audio_origin(source) if video is None else video.origin_s
    duration_s = None if video is None else video.duration_s
    segment_s = _nominal_segment_s(settings) if video is None else video.segment_s
    audio = sounds(source, settings, origin_s=origin_s, duration_s=duration_s, segment_s=segment_s)
    words = texts(source, origin_s=origin_s, duration_s=duration_s or source.duration_s)
    return Plan(
        video=video,
        audio=audio,
        texts=words,
        chapters=tuple(_chapters(source, origin_s, duration_s or source.duration_s)),
        cover=source.cover,
        decisions=tuple(sorted(_decisions(source, video, audio, words), key=lambda one: one.stream)),
        notes=tuple(_notes(source, video)),
    )


def grid_rate(usual: Fraction) -> Fraction:
    """The nearest standard rate, by ratio: exact for what cameras make, a fair resampling for everything else."""
    return min(STANDARD_RATES, key=lambda rate: max(rate / usual, usual / rate))


def video_timescale(fps: Fraction) -> int:
    """Ticks per second in which a frame of that rate is whole."""
    timescale = fps.numerator
    while timescale < _MIN_TIMESCALE:
        timescale *= 2
    return timescale


def _video_plan(stream: VideoStream, span: Span, settings: Transcoder, fields: Scan, chunk_s: float) -> VideoPlan:
    per_picture = 1 if fields == "progressive" else 2  # each field becomes a picture
    span_s = (span.last - span.first) * stream.time_base
    if span_s > _MAX_DURATION_S:
        raise MediaRejected("The video's clock jumps or runs for more than a day: the file is damaged.")
    usual = 1 / (span.gap * stream.time_base) if span.gap else stream.average_rate
    fps = grid_rate((usual or Fraction(25)) * per_picture)
    if per_picture == 2 and span.gap:
        span_s += span.gap * stream.time_base / 2
    frames = round(span_s * fps) + 1
    if frames > per_picture * (_MAX_STRETCH * span.count + _MAX_STRETCH * fps):
        raise MediaRejected("Nearly all pictures between the first and the last are missing: the file is damaged.")
    width, height = display_size(stream)
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
        pictures=span.pictures(1 / (fps * stream.time_base)),
        scan=fields,
        colour=colour.colour(stream.look, width, height),
        chunk_frames=segment * _chunk_segments(frames, segment, wanted=chunk_s * float(fps)),
        timescale=video_timescale(fps),
        renditions=ladder(width, height, settings.ladder),
    )


def _preroll_s(container: str, key_gap_s: Fraction) -> Fraction:
    """One second on top: pictures are not stored in the order in which they are shown."""
    return max(Fraction(_PREROLL_S), key_gap_s + 1 if container in _UNINDEXED else Fraction(0))


def _chunk_segments(frames: int, segment: int, *, wanted: float) -> int:
    return -(-frames // segment) if wanted >= frames else max(1, round(wanted / segment))


def _audio_origin(source: Source) -> Fraction:
    return source.audio[0].start_ticks * source.audio[0].time_base


def _chapters(source: Source, origin_s: Fraction, duration_s: Fraction | None) -> Iterator[Chapter]:
    """Those that begin within the video, on its time."""
    for mark in source.chapters:
        start_s = max(Fraction(0), mark.start_s - origin_s)
        if duration_s is None or start_s < duration_s:
            yield Chapter(start_s=round(float(start_s), 3), title=mark.title)


def _decisions(
    source: Source, video: VideoPlan | None, audio: tuple[AudioPlan, ...], words: tuple[TextPlan, ...]
) -> Iterator[Decision]:
    if source.video is not None:
        does = "left out: it is empty" if video is None else _does(source.video, video)
        yield Decision(stream=source.video.index, kind="video", codec=source.video.codec, does=does)
    for stream in source.audio:
        made = ", ".join(f"{plan.name} ({plan.channels} channels)" for plan in audio if plan.stream == stream.index)
        yield Decision(stream=stream.index, kind="audio", codec=stream.codec, does=f"becomes {made}")
    for text in source.text:
        made = ", ".join(plan.name for plan in words if plan.stream == text.index)
        yield Decision(stream=text.index, kind="subtitle", codec=text.codec, does=f"becomes {made}")
    for one in source.unused:
        yield Decision(stream=one.index, kind=one.kind, codec=one.codec, does=f"left out: {one.why}")


def _does(stream: VideoStream, plan: VideoPlan) -> str:
    names = ", ".join(f"{one.name} ({one.width}x{one.height})" for one in plan.renditions)
    how = [f"becomes {names} at {round(float(plan.fps), 3):g} frames per second"]
    if plan.scan != "progressive":
        how.append(f"deinterlaced ({plan.scan})")
    if stream.rotation:
        how.append(f"turned by {stream.rotation} degrees")
    if plan.colour.how != "keep":
        how.append({"tone-map": "tone-mapped to SDR", "convert": "converted to BT.709"}[plan.colour.how])
    return ", ".join(how)


def _notes(source: Source, video: VideoPlan | None) -> Iterator[str]:
    """What a publisher would not expect."""
    if source.video is not None and video is not None:
        yield from filter(None, (scan.told(source.video, video.scan), colour.told(source.video.look, video.colour)))
    if source.video is not None and video is None:
        yield "The video track is empty: only the sound is there."
    for one in source.unused[:_MAX_TOLD]:
        yield f"Track {one.index} ({one.kind}, {one.codec}) is left out: {one.why}."
    if len(source.unused) > _MAX_TOLD:
        yield f"{len(source.unused) - _MAX_TOLD} more tracks are left out."


def _nominal_segment_s(settings: Transcoder) -> Fraction:
    return Fraction(settings.gop).limit_denominator(1000) * settings.gops_per_segment
