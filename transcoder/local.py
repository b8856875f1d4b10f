"""`playnet transcode FILE --out DIR`: the whole media pipeline on one machine, without services.

DIR, which must be new or empty, gets the files as on the wire, so that any static web server can serve it. Nothing
stays in it when the work fails or is interrupted. Exit codes: 0 done, 1 it failed, 2 wrong usage or configuration.
"""

import argparse
import asyncio
import logging
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast, get_args

from rich.console import Console

from playnet.cli.output import print_json, tell
from playnet.config import Transcoder
from playnet.config.choose import choose
from playnet.config.units import parse_duration
from playnet.errors import ConfigError, PlayNetError
from playnet.logs import configure
from playnet.media.dash import mpd
from playnet.media.hls import media_playlist, multivariant, text_playlist
from playnet.media.records import AudioTrack, Presentation, VideoTrack
from playnet.names import AssetId, Revision
from playnet.store.file import FileStore
from transcoder.adapters.alone import Alone
from transcoder.adapters.bars import Bars
from transcoder.adapters.ffmpeg import Runner, find_tools
from transcoder.adapters.folder import FolderStore
from transcoder.adapters.steps import Steps
from transcoder.core.graph import Assignment
from transcoder.core.plan import CHUNK_S

_ASSET, _REVISION = AssetId("a" * 12), Revision(1)  # names in keys; no file carries them
_REDRAW_S = 0.25
_INTERRUPTED = "interrupted: nothing was kept"


def main() -> int:
    """See the module."""
    args = _parser().parse_args()
    configure("transcode", level=logging.WARNING)
    try:
        report = asyncio.run(_interruptible(args))
    except PlayNetError as exc:
        if last_words := exc.context.get("log"):
            print(last_words, file=sys.stderr)
        return tell(exc, as_json=args.json)
    except asyncio.CancelledError:
        print(_INTERRUPTED, file=sys.stderr)
        return 1
    if args.json:
        print_json(report)
    else:
        print(f"{report['out']}: {report['duration_s']:.1f} s of video, {report['wall_s']} s, {report['cpu_s']} CPU s")
        for note in cast(list[str], report["notes"]):
            print(f"  {note}")
    return 0


def _parser() -> argparse.ArgumentParser:
    about = "Encode a file for HLS and DASH, without services."
    parser = argparse.ArgumentParser(prog="playnet transcode", description=about, allow_abbrev=False)
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML file whose section `transcoder` counts")
    presets = get_args(Transcoder.model_fields["preset"].annotation)
    parser.add_argument("file", type=Path, metavar="FILE", help="the source")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new or empty folder")
    parser.add_argument("--workers", type=int, metavar="N", help="chunks at once, instead of transcoder.workers")
    parser.add_argument("--preset", choices=presets, help="instead of transcoder.preset")
    parser.add_argument("--chunk", metavar="DURATION", help="length of a chunk, about (12s); 24h: in one piece")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    return parser


async def _interruptible(args: argparse.Namespace) -> dict[str, object]:
    """Signals cancel the work, so that what was written goes and ffmpeg ends."""
    work = asyncio.ensure_future(transcode(args))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    return await work


async def transcode(args: argparse.Namespace) -> dict[str, object]:
    """Encode and describe; returns the report. Raises PlayNetError."""
    began = time.monotonic()
    settings = _settings(args)
    chunk_s = CHUNK_S if args.chunk is None else _duration_s(args.chunk)
    if not args.file.is_file():
        raise ConfigError(f"{args.file}: expected a file")
    tools = find_tools(settings)
    if (findings := await asyncio.to_thread(tools.sandbox.examine)) is not None:
        print(f"the sandbox is open: {findings}", file=sys.stderr)
    runner = Runner(tools)
    with _fresh(args.out) as out, tempfile.TemporaryDirectory(prefix=".work-", dir=out) as work:
        store = FolderStore(FileStore(out), args.file.resolve(), _ASSET, _REVISION)
        steps = Steps(store, runner, settings, Path(work), chunk_s=chunk_s)
        probe = Assignment(
            kind="probe", part=0, asset=_ASSET, revision=_REVISION, source_key=store.source_key, plan=None
        )
        alone = Alone(steps, probe, Path(work), workers=settings.workers)
        try:
            presentation = await _shown(alone)
        finally:
            await store.close()
        _describe(presentation, out)
    return _report(args, settings, alone, presentation, wall_s=time.monotonic() - began)


async def _shown(alone: Alone) -> Presentation:
    with Bars(Console(stderr=True, highlight=False), alone) as bars:
        work = asyncio.ensure_future(alone.run())
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=_REDRAW_S)
                bars.show()
        finally:
            work.cancel()
            await asyncio.wait({work})
        return work.result()


def _settings(args: argparse.Namespace) -> Transcoder:
    settings = choose(args.config).transcoder
    if args.workers is not None and not 1 <= args.workers <= 64:
        raise ConfigError(f"--workers {args.workers}: expected 1 to 64")
    given = {"workers": args.workers, "preset": args.preset}
    return settings.model_copy(update={key: value for key, value in given.items() if value is not None})


def _duration_s(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as exc:
        raise ConfigError(f"--chunk {text}: {exc}") from exc


@contextmanager
def _fresh(folder: Path) -> Iterator[Path]:
    """The folder, made and empty; as it was before if the block fails."""
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigError(f"--out {folder}: expected a new or empty folder")
    except OSError as exc:
        raise ConfigError(f"--out {folder}: {exc.strerror}") from exc
    try:
        yield folder
    except BaseException:
        for left in folder.iterdir():
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        if made:
            folder.rmdir()
        raise


def _describe(presentation: Presentation, out: Path) -> None:
    """The manifests, those that others refer to first; nothing hidden stays, everything is readable for a web server."""
    for hidden in out.glob(".*"):
        shutil.rmtree(hidden, ignore_errors=True)
    for track in presentation.tracks:
        (out / track.name / "playlist.m3u8").write_text(media_playlist(track), encoding="utf-8")
    for text in presentation.texts:
        playlist = text_playlist(text, presentation.duration_s)
        (out / text.name / "playlist.m3u8").write_text(playlist, encoding="utf-8")
    (out / "manifest.mpd").write_text(mpd(presentation), encoding="utf-8")
    (out / "master.m3u8").write_text(multivariant(presentation), encoding="utf-8")
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _report(
    args: argparse.Namespace, settings: Transcoder, alone: Alone, presentation: Presentation, *, wall_s: float
) -> dict[str, object]:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    plan = alone.plan
    assert plan is not None
    video = plan.video
    return {
        "source": str(args.file),
        "out": str(args.out),
        "hls": "master.m3u8",
        "dash": "manifest.mpd",
        "duration_s": round(float(presentation.duration_s), 3),
        "workers": settings.workers,
        "preset": settings.preset,
        "chunks": 0 if video is None else 1 if alone.linear else video.chunks,
        "linear": alone.linear,
        "tracks": [decision.model_dump() for decision in plan.decisions],
        "notes": list(presentation.notes),
        "chapters": [chapter.model_dump() for chapter in presentation.chapters],
        "captions": [text.model_dump(mode="json") for text in presentation.texts],
        "renditions": [_rendition(track) for track in presentation.tracks],
        "cpu_s": round(sum(one.ru_utime + one.ru_stime for one in usage), 2),
        "wall_s": round(wall_s, 2),
    }


def _rendition(track: VideoTrack | AudioTrack) -> dict[str, object]:
    common: dict[str, object] = {
        "name": track.name,
        "kind": track.kind,
        "codec": track.codec,
        "bitrate_bps": track.average_bandwidth_bps,
        "peak_bps": track.peak_bandwidth_bps,
        "size_bytes": sum(track.segment_bytes),
        "segments": len(track.segment_ticks),
        "duration_s": round(float(track.duration_s), 3),
    }
    if isinstance(track, AudioTrack):
        heard = {"channels": track.channels, "sample_rate": track.sample_rate}
        return {**common, **heard, "language": track.language, "label": track.label}
    frames = round(Fraction(sum(track.segment_ticks), track.timescale) * track.frame_rate)
    fps = round(float(track.frame_rate), 3)
    return {**common, "width": track.width, "height": track.height, "fps": fps, "frames": frames}


if __name__ == "__main__":
    sys.exit(main())
