"""What each kind of task does: from the source in the store to objects in the store.

A step returns what the table shall keep and changes nothing in the database, so a step that is run twice does no harm.
Raises MediaRejected (with the reason for the publisher), ToolFailed, StorageFull, Unavailable, NotFound.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from playnet.config import Transcoder
from playnet.errors import MediaRejected, StorageFull, ToolFailed
from playnet.jobs import TaskKind
from playnet.logs import logger
from playnet.media.records import Presentation, Storyboard, TextTrack, Track, VideoTrack
from playnet.store.port import ObjectStore
from transcoder.core import argv, segments
from transcoder.core.blame import blame, crashed
from transcoder.core.captions import TextPlan, on_timeline
from transcoder.core.graph import Assignment
from transcoder.core.packets import PacketTimes, Span, assumed_span
from transcoder.core.plan import CHUNK_S, Plan, VideoPlan
from transcoder.core.planning import make_plan
from transcoder.core.probe import read_source, unreadable
from transcoder.core.progress import ProgressReader, share
from transcoder.core.scan import Fields, worth_looking
from transcoder.core.sound import AudioPlan
from transcoder.core.source import Source, VideoStream
from transcoder.core.storyboard import Tiling, tiling, webvtt
from transcoder.core.timeline import Chunk, Stretch, Timeline, Unjoined, join
from transcoder.core.verify import check_audio, check_video

from .ffmpeg import Limits, Runner
from .packager import Packager, Piece, audio_track, index, init_sha256, video_track
from .source import Sources, fetch

log = logger(__name__)

THUMBS = "thumbs"
_TOO_MANY = "The file lists too many streams to be a video."
_REPORT_S = 60.0
_REPORT_BYTES = 4 << 20
_PACKETS_S = 600.0  # reads 100 GB at 170 MB/s; beyond it the header's claims are taken
_THUMBS_S = 600.0
_LOOK_S = 60.0  # a few seconds of pictures
_CAPTIONS_BYTES = 16 << 20  # a long novel has two
_TRACKS = TypeAdapter(tuple[Track, ...])
_TEXTS = TypeAdapter(tuple[TextTrack, ...])
_CHUNKS = TypeAdapter(tuple[Chunk, ...])


@dataclass(frozen=True, slots=True)
class Planned:
    """A probe's outcome."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class Made:
    """Objects are stored; `result` is what the publishing task needs to know of them."""

    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Described:
    """Everything is stored and described: it can be shown."""

    presentation: Presentation


@dataclass(frozen=True, slots=True)
class Unfit:
    """The chunks cannot be one timeline: they are void, and the whole of it has to be encoded in one go."""

    plan: VideoPlan
    why: str


Outcome = Planned | Made | Described | Unfit
Results = Mapping[TaskKind, Sequence[dict[str, Any]]]


class Progress:
    """How far a step is, for the heartbeat to read."""

    value: float = 0.0


class Steps:
    """The steps, in one process. `work`: a folder of its own for copies of sources; `chunk_s`: see `make_plan`."""

    def __init__(
        self, store: ObjectStore, runner: Runner, settings: Transcoder, work: Path, *, chunk_s: float = CHUNK_S
    ) -> None:
        self._store = store
        self._sources = Sources(store, work)
        self._runner = runner
        self._settings = settings
        self._chunk_s = chunk_s

    async def run(self, task: Assignment, results: Results, folder: Path, progress: Progress) -> Outcome:
        """Do one task in an empty folder. `results`: those of the revision's finished tasks, in order."""
        try:
            if task.kind == "probe":
                return Planned(await self._probe(task))
            assert task.plan is not None
            if task.kind in {"thumbs", "publish"}:
                return await self._end(task, task.plan, results, folder)
            async with self._sources.open(task.source_key) as source:
                if task.kind == "video":
                    return await self._video(task, task.plan, source, folder, progress)
                if task.kind == "text":
                    return Made(await self._texts(task, task.plan.texts, source, folder))
                return Made(await self._audio(task, task.plan, source, folder, progress))
        except ToolFailed as failed:
            raise blame(failed) from failed

    async def _end(self, task: Assignment, plan: Plan, results: Results, folder: Path) -> Outcome:
        """What is made when all pictures and sounds are there."""
        if plan.video is None:
            if task.kind == "thumbs":
                return Made(await self._stand_in(task, plan, results, folder))
            return Described(_presentation(plan, (), results))
        try:
            timeline = join(_CHUNKS.validate_python(results["video"]), plan.video)
        except Unjoined as exc:
            return Unfit(plan.video, str(exc))
        if task.kind == "thumbs":
            return Made(await self._thumbs(task, plan.video, timeline, folder))
        return Described(_presentation(plan, timeline.tracks, results, lost=timeline.told(plan.video)))

    async def _probe(self, task: Assignment) -> Plan:
        async with self._sources.open(task.source_key) as path:
            if path.stat().st_size == 0:
                raise MediaRejected("The file is empty.")
            source = await self._report(path)
            span = None if source.video is None else await self._span(path, source.video)
            fields = None if source.video is None or span is None else await self._look(path, source.video)
        return make_plan(source, span, self._settings, fields=fields, chunk_s=self._chunk_s)

    async def _report(self, path: Path) -> Source:
        lines: list[str] = []
        size = 0

        def gather(line: str) -> None:
            nonlocal size
            size += len(line)
            if size > _REPORT_BYTES:
                raise MediaRejected(_TOO_MANY)
            lines.append(line)

        try:
            await self._runner.ffprobe(argv.probe(path), Limits(_REPORT_S, reads=(path,)), gather)
            report = json.loads("\n".join(lines))
        except ToolFailed as failed:
            if "max_streams" in str(failed.context.get("log")):
                raise MediaRejected(_TOO_MANY) from failed
            raise unreadable() if failed.context.get("status") == 1 else failed from failed
        except ValueError as exc:
            raise unreadable() from exc
        return read_source(report)

    async def _span(self, path: Path, stream: VideoStream) -> Span | None:
        times = PacketTimes()
        try:
            limits = Limits(_PACKETS_S, reads=(path,))
            await self._runner.ffprobe(argv.packet_times(path, stream.index), limits, times.feed)
        except ToolFailed as failed:
            log.warning("probe.packets", error=str(failed), **failed.context)
            return assumed_span(stream) or times.span()
        return times.span()

    async def _look(self, path: Path, stream: VideoStream) -> Fields | None:
        """Whether pictures are interlaced; what cannot be looked at is taken at its word."""
        if not worth_looking(stream):
            return None
        seen = Fields()
        try:
            await self._runner.ffmpeg(argv.fields(path, stream), Limits(_LOOK_S, reads=(path,)), seen.feed)
        except ToolFailed as failed:
            log.warning("probe.fields", error=str(failed), **failed.context)
            return None
        return seen

    async def _video(self, task: Assignment, plan: Plan, source: Path, folder: Path, progress: Progress) -> Outcome:
        """One chunk, or all in one go. A chunk that is not what was planned is no reason to fail: a seek went wrong,
        or the packets promised more than decodes. Only a tool that was killed is tried again as it was, but the last time in one piece as well."""
        video = plan.video
        assert video is not None
        if video.is_whole(task.part):
            chunk = await self._encode_video(task, video, source, folder, progress)
            for rendition in video.renditions if task.part else ():
                await self._packager(task).prune(rendition.name, chunk.segments)
            return Made(chunk.model_dump(mode="json"))
        try:
            return Made((await self._encode_video(task, video, source, folder, progress)).model_dump(mode="json"))
        except (MediaRejected, ToolFailed) as exc:
            killed = isinstance(exc, ToolFailed) and crashed(exc) and not task.last
            if killed or (isinstance(exc, ToolFailed) and isinstance(blame(exc), StorageFull)):
                raise
            return Unfit(video, f"part {task.part}: {exc} {exc.context.get('log', '')}".strip())

    async def _encode_video(
        self, task: Assignment, plan: VideoPlan, source: Path, folder: Path, progress: Progress
    ) -> Chunk:
        window = plan.window(task.part)
        window_s = window.frames / plan.fps
        rates = [rendition.max_bitrate_bps for rendition in plan.renditions]
        await self._sources.require_space(sum(rates) * int(window_s + 1) // 8)
        encode = argv.video(source, plan, window, folder, preset=self._settings.preset)
        reader = ProgressReader()
        watch = _watch(reader, progress, lambda: share(reader.frames, window.frames))
        limits = self._limits(_file_bytes(max(rates), float(window_s)), source, folder)
        await self._runner.ffmpeg(encode.argv, limits, watch)
        movies = [await index(path) for path in encode.outputs]
        verdict = check_video(movies, plan, window)
        if not verdict.complete:
            if window.n1 < plan.frames:
                raise ToolFailed(f"{verdict.frames} frames instead of {verdict.planned}")
            log.warning("video.short", task=task.label, frames=verdict.frames, planned=verdict.planned)
        stretches = []
        for rendition, path, movie in zip(plan.renditions, encode.outputs, movies, strict=True):
            piece = Piece(path, movie, segments.of_video(movie, first_number=window.n0 // plan.segment_frames + 1))
            await self._packager(task).put_piece(rendition.name, piece)
            track = video_track(rendition.name, piece, plan)
            stretches.append(Stretch(track=track, init_sha256=await init_sha256(piece)))
        shown = await asyncio.to_thread(_pictures_in, encode.shown)
        return Chunk(n0=window.n0, frames=verdict.frames, pictures=shown, stretches=tuple(stretches))

    async def _audio(
        self, task: Assignment, plan: Plan, source: Path, folder: Path, progress: Progress
    ) -> dict[str, Any]:
        """A silent video is better than none: sound that does not decode is left out when there is a picture."""
        audio = plan.audio[task.part]
        try:
            return await self._encode_audio(task, audio, source, folder, progress)
        except (MediaRejected, ToolFailed) as exc:
            cause = blame(exc) if isinstance(exc, ToolFailed) else exc
            if not isinstance(cause, MediaRejected) or (plan.video is None and len(plan.audio) == 1):
                raise
            log.warning("audio.left-out", task=task.label, error=str(exc), **exc.context)
            return {"tracks": [], "notes": [f"The sound “{audio.label}” is left out: it cannot be decoded."]}

    async def _encode_audio(
        self, task: Assignment, audio: AudioPlan, source: Path, folder: Path, progress: Progress
    ) -> dict[str, Any]:
        target = folder / f"{audio.name}.mp4"
        expected_s = float(audio.expected_s) if audio.expected_s else None
        await self._sources.require_space(int((expected_s or 0.0) * audio.bitrate_bps / 8))
        reader = ProgressReader()
        watch = _watch(reader, progress, lambda: share(reader.out_s, expected_s))
        size = _file_bytes(audio.bitrate_bps, expected_s or self._settings.task_timeout)
        limits = self._limits(size, source, folder)
        await self._runner.ffmpeg(argv.audio(source, audio, target), limits, watch)
        movie = await index(target)
        check_audio(movie, audio)
        piece = Piece(target, movie, segments.of_audio(movie, audio.segment_s))
        await self._packager(task).put_piece(audio.name, piece)
        return {"tracks": [audio_track(piece, audio).model_dump(mode="json")]}

    async def _texts(self, task: Assignment, plans: Sequence[TextPlan], source: Path, folder: Path) -> dict[str, Any]:
        """Captions never fail a video: those that cannot be read are left out, and that is told."""
        limits = self._limits(_CAPTIONS_BYTES, source, folder)
        try:
            await self._runner.ffmpeg(argv.captions(source, plans, folder), limits, _ignore)
        except ToolFailed as failed:
            if crashed(failed) and len(plans) == 1:
                raise
            log.warning("text.one-by-one", task=task.label, error=str(failed), **failed.context)
            for plan in plans if len(plans) > 1 else ():
                await self._text_alone(plan, source, folder)
        tracks, notes = [], []
        for plan in plans:
            track = await self._put_text(task, plan, folder)
            if track is not None:
                tracks.append(track.model_dump(mode="json"))
            else:
                notes.append(f"The captions “{plan.label}” are left out: they are empty or cannot be read.")
        return {"texts": tracks, "notes": notes}

    async def _text_alone(self, plan: TextPlan, source: Path, folder: Path) -> None:
        try:
            limits = self._limits(_CAPTIONS_BYTES, source, folder)
            await self._runner.ffmpeg(argv.captions(source, [plan], folder), limits, _ignore)
        except ToolFailed as failed:
            log.warning("text.left-out", text=plan.name, error=str(failed), **failed.context)
            (folder / f"{plan.name}.vtt").unlink(missing_ok=True)

    async def _put_text(self, task: Assignment, plan: TextPlan, folder: Path) -> TextTrack | None:
        path = folder / f"{plan.name}.vtt"
        if not path.exists():
            return None
        captions = on_timeline(path.read_text(encoding="utf-8", errors="replace"), plan)
        if captions.cues == 0:
            return None
        path.write_text(captions.text, encoding="utf-8")
        await self._packager(task).put_file(plan.name, "1.vtt", path)
        return TextTrack(
            name=plan.name,
            language=plan.language,
            label=plan.label,
            forced=plan.forced,
            hearing=plan.hearing,
            size_bytes=path.stat().st_size,
            cues=captions.cues,
        )

    async def _stand_in(self, task: Assignment, plan: Plan, results: Results, folder: Path) -> dict[str, Any]:
        """A picture for a sound: its cover, else its waves."""
        packager, target = self._packager(task), folder / "poster.jpg"
        try:
            if plan.cover is None or not await self._cover(task, plan.cover, folder, target):
                if not (sounds := _sounds(results)):
                    return {"poster": False}
                track = sounds[0]
                await self._assemble(packager, track, range(1, len(track.segment_ticks) + 1), folder / "sound.mp4")
                limits = Limits(_THUMBS_S, folder=folder)
                await self._runner.ffmpeg(argv.waveform(folder / "sound.mp4", target), limits, _ignore)
            await packager.put_file(THUMBS, "poster.jpg", target)
        except ToolFailed as failed:
            log.warning("thumbs.left-out", task=task.label, error=str(failed), **failed.context)
            return {"poster": False}
        return {"poster": True}

    async def _cover(self, task: Assignment, stream: int, folder: Path, target: Path) -> bool:
        async with self._sources.open(task.source_key) as source:
            limits = Limits(_THUMBS_S, reads=(source,), folder=folder)
            try:
                await self._runner.ffmpeg(argv.cover(source, stream, target), limits, _ignore)
            except ToolFailed as failed:
                log.warning("cover.left-out", task=task.label, error=str(failed), **failed.context)
                return False
        return target.exists()

    async def _thumbs(self, task: Assignment, plan: VideoPlan, timeline: Timeline, folder: Path) -> dict[str, Any]:
        """From what is stored, not from the source: the smallest rendition's key frames decode in no time.

        A video without thumbnails is better than none, so a tool that fails here is only logged.
        """
        packager = self._packager(task)
        result: dict[str, Any] = {"poster": False}
        try:
            await self._poster(packager, timeline.tracks[-1], folder)
            result["poster"] = True
            shape = tiling(plan, timeline.frames)
            await self._storyboard(packager, timeline.tracks[0], shape, folder)
            result["storyboard"] = shape.record().model_dump(mode="json")
        except ToolFailed as failed:
            log.warning("thumbs.left-out", task=task.label, error=str(failed), **failed.context)
        return result

    async def _storyboard(self, packager: Packager, track: VideoTrack, shape: Tiling, folder: Path) -> None:
        small = folder / "small.mp4"
        await self._sources.require_space(sum(track.segment_bytes))
        await self._assemble(packager, track, range(1, len(track.segment_ticks) + 1), small)
        limits = Limits(_THUMBS_S, folder=folder)
        await self._runner.ffmpeg(argv.storyboard(small, shape, folder / "sprite-%d.jpg"), limits, _ignore)
        sheets = [f"sprite-{number}.jpg" for number in range(1, shape.sheets + 1)]
        if missing := [name for name in sheets if not (folder / name).exists()]:
            raise ToolFailed(f"ffmpeg made no {missing[0]}")
        (folder / "storyboard.vtt").write_text(webvtt(shape, track.duration_s), encoding="utf-8")
        for name in (*sheets, "storyboard.vtt"):
            await packager.put_file(THUMBS, name, folder / name)

    async def _poster(self, packager: Packager, track: VideoTrack, folder: Path) -> None:
        """A tenth into the video: past the black and the titles, before the plot."""
        number = len(track.segment_ticks) // 10 + 1
        await self._assemble(packager, track, range(number, number + 1), folder / "large.mp4")
        limits = Limits(_THUMBS_S, folder=folder)
        await self._runner.ffmpeg(argv.poster(folder / "large.mp4", folder / "poster.jpg"), limits, _ignore)
        await packager.put_file(THUMBS, "poster.jpg", folder / "poster.jpg")

    async def _assemble(self, packager: Packager, track: Track, numbers: range, target: Path) -> None:
        await fetch(self._store, packager.key(track.name, "init.mp4"), target)
        for number in numbers:
            await fetch(self._store, packager.key(track.name, f"{number}.m4s"), target, append=True)

    def _limits(self, file_bytes: int, source: Path, folder: Path) -> Limits:
        return Limits(self._settings.task_timeout, file_bytes, reads=(source,), folder=folder)

    def _packager(self, task: Assignment) -> Packager:
        return Packager(self._store, task.asset, task.revision)


def _file_bytes(bitrate_bps: int, duration_s: float) -> int:
    """Four times what the rate allows: a bound for a child gone wild, never met by one that works."""
    return int(bitrate_bps * duration_s / 2) + (64 << 20)


def _watch(reader: ProgressReader, progress: Progress, value: Callable[[], float]) -> Callable[[str], None]:
    def feed(line: str) -> None:
        if reader.feed(line):
            progress.value = value()

    return feed


def _ignore(_: str) -> None:
    return


def _pictures_in(shown: Path) -> int | None:
    """How many different pictures of the source were shown, by the times that ffmpeg noted; None when it did not."""
    count, before = 0, ""
    try:
        with shown.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                count += line != before
                before = line
    except FileNotFoundError:
        return None
    return count


def _sounds(results: Results) -> list[Track]:
    return [track for result in results.get("audio", ()) for track in _TRACKS.validate_python(result["tracks"])]


def _presentation(
    plan: Plan, video: Sequence[VideoTrack], results: Results, *, lost: str | None = None
) -> Presentation:
    if not video and not _sounds(results):
        raise MediaRejected("None of the sounds in this file can be decoded: it is damaged.")
    (thumbs,) = results.get("thumbs") or ({},)
    made = [result for kind in ("audio", "text") for result in results.get(kind, ())]
    notes = [*plan.notes, *([lost] if lost else []), *(note for result in made for note in result.get("notes", ()))]
    return Presentation(
        tracks=(*video, *_sounds(results)),
        texts=tuple(text for result in made for text in _TEXTS.validate_python(result.get("texts", ()))),
        chapters=plan.chapters,
        notes=tuple(notes),
        storyboard=Storyboard.model_validate(thumbs["storyboard"]) if "storyboard" in thumbs else None,
        poster=bool(thumbs.get("poster")),
    )
