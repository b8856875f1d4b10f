"""The steps by themselves: windows that continue each other, and a store that is far away and sometimes gone."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from playnet.config import Transcoder, parse
from playnet.errors import MediaRejected, NotFound, StorageFull, ToolFailed, Unavailable
from playnet.jobs import TaskKind
from playnet.layout import layout_of
from playnet.media.cmaf import index_bytes
from playnet.names import AssetId, Revision
from playnet.store.file import FileStore
from playnet.store.open import open_store
from playnet.store.port import Body, ObjectStore, Stat
from tests.aio import run
from tests.integration.transcoding import ffmpeg
from transcoder.adapters import packager
from transcoder.adapters.ffmpeg import Limits, Runner, find_tools
from transcoder.adapters.source import Sources
from transcoder.adapters.steps import Made, Planned, Progress, Steps, Unfit
from transcoder.core import argv
from transcoder.core.graph import Assignment
from transcoder.core.plan import Plan, VideoPlan
from transcoder.core.timeline import Chunk, join

ASSET = AssetId("abcdefghijkm")
KINDS: tuple[TaskKind, ...] = ("probe", "video", "thumbs")
SETTINGS = Transcoder.model_validate(
    {"preset": "ultrafast", "ladder": [{"short_side": 144, "max_bitrate": "4Mbps", "crf": 16}], "gop": "1s"}
)


class FarStore:
    """A store without local files that fails every third `put` once."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner = inner
        self.puts = 0
        self.gets: list[str] = []

    async def put(self, key: str, source: Path | AsyncIterator[bytes]) -> Stat:
        self.puts += 1
        if self.puts % 3 == 0:
            raise Unavailable("away for a moment")
        return await self.inner.put(key, source)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> AbstractAsyncContextManager[Body]:
        self.gets.append(key)
        return self.inner.get(key, start=start, length=length)

    async def stat(self, key: str) -> Stat:
        return await self.inner.stat(key)

    def local_path(self, key: str) -> Path | None:
        return None


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of moving pictures."""
    path = tmp_path_factory.mktemp("sources") / "late"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=10", "-c:v", "libx264", "-preset", "ultrafast",
        "-bf", "2", "-g", "25", "-crf", "16", "-pix_fmt", "yuv420p", "-f", "mpegts", str(path),
    )  # fmt: skip
    return path


def _likeness(picture: Path, source: Path, *, skip: int) -> float:
    """Average PSNR against the source from frame `skip` on."""
    graph = f"[0:v]settb=1/25,setpts=N[a];[1:v]trim=start_frame={skip},settb=1/25,setpts=N[b];[a][b]psnr=shortest=1"
    said = ffmpeg("-v", "info", "-i", str(picture), "-i", str(source), "-lavfi", graph, "-f", "null", "-")
    return float(re.findall(r"average:([0-9.]+|inf)", said)[-1])


X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
# A picture that is different in every frame; the second is a screen recording: pictures come when something moves.
_LAVFI = ("-f", "lavfi", "-i", "testsrc2=size=256x144:rate={rate}:duration={seconds}")
_UNEVEN = ("-vf", "select=not(mod(n\\,7))+not(mod(n\\,11))+between(n\\,90\\,110)", "-fps_mode", "vfr")


def _made(rate: str, seconds: str, *options: str) -> tuple[str, ...]:
    return (*(word.format(rate=rate, seconds=seconds) for word in _LAVFI), *options)


SOURCES = {
    "b-frames": _made("25", "9", *X264, "-bf", "3", "-g", "75", "-f", "mp4"),
    "starts-late": _made("25", "9", *X264, "-bf", "2", "-g", "40", "-output_ts_offset", "3.7", "-f", "mpegts"),
    "key-frames-far-apart": _made("25", "14", *X264, "-bf", "2", "-g", "250", "-f", "mpegts"),
    "ntsc": _made("30000/1001", "9", *X264, "-bf", "2", "-g", "60", "-f", "mp4"),
    "uneven": _made("30", "11", *_UNEVEN, *X264, "-bf", "2", "-g", "20", "-f", "matroska"),
}


@pytest.fixture(params=[*SOURCES, "edit-list", "vp8"])
def traits(request: pytest.FixtureRequest, tmp_path: Path, clip: Callable[[str], Path]) -> Path:
    """A short source with one trait that once moved frames."""
    path: Path = tmp_path / str(request.param)
    if request.param == "edit-list":  # cut amidst a GOP without encoding: what comes before is discarded by an edit
        ffmpeg(*SOURCES["b-frames"], f"{path}-whole")
        ffmpeg("-ss", "1.5", "-i", f"{path}-whole", "-c", "copy", "-f", "mp4", str(path))
    elif request.param == "vp8":
        whole = clip("bbb_720p24_30s_vp8_vorbis.webm")
        ffmpeg("-i", str(whole), "-t", "7", "-c", "copy", "-f", "webm", str(path))
    else:
        ffmpeg(*SOURCES[request.param], str(path))
    return path


def test_chunks_show_what_one_pass_shows(traits: Path, short_tmp: Path) -> None:
    """The encoders get the same pictures, and what they make has one init file, one timeline, and every frame."""

    async def scenario() -> None:
        runner = Runner(find_tools(SETTINGS))
        store = FileStore(short_tmp / "objects")
        await store.put("source/abcdefghijkm/u", traits)
        steps = Steps(store, runner, SETTINGS, short_tmp, chunk_s=2)
        planned = await steps.run(_task("probe", 0, None), {}, _folder(short_tmp), Progress())
        assert isinstance(planned, Planned)
        plan = planned.plan.video
        assert plan is not None
        assert plan.chunks >= 2
        one_pass = await _digests(runner, traits, plan, plan.chunks)
        assert len(one_pass) == plan.frames
        chunks, apart = [], []
        for part in range(plan.chunks):
            apart += await _digests(runner, traits, plan, part)
            made = await steps.run(_task("video", part, planned.plan), {}, _folder(short_tmp), Progress())
            assert isinstance(made, Made)
            chunks.append(Chunk.model_validate(made.result))
        assert apart == one_pass
        timeline = join(chunks, plan)
        assert timeline.frames == plan.frames
        (track,) = timeline.tracks
        whole = _assembled(short_tmp, len(track.segment_ticks))
        starts = [one.decode_ticks for one in index_bytes(whole.read_bytes()).fragments]
        assert starts == [number * plan.segment_frames * plan.frame_ticks for number in range(len(track.segment_ticks))]
        decoded = ffmpeg("-v", "info", "-i", str(whole), "-map", "0:v", "-f", "null", "-")
        assert re.findall(r"frame=\s*(\d+)", decoded)[-1] == str(plan.frames)
        if traits.name == "starts-late":
            assert _likeness(whole, traits, skip=0) > _likeness(whole, traits, skip=1) + 6
        await store.close()

    run(scenario())


async def _digests(runner: Runner, source: Path, plan: VideoPlan, part: int) -> list[str]:
    """Number and MD5 of every picture that the encoders of a task get."""
    lines: list[str] = []
    await runner.ffmpeg(
        argv.picture_digests(source, plan, plan.window(part)), Limits(60, reads=(source,)), lines.append
    )
    fields = [line.split(",") for line in lines if line and not line.startswith("#")]
    return [f"{pts.strip()} {digest.strip()}" for _, _, pts, _, _, digest in fields]


def _task(kind: TaskKind, part: int, plan: Plan | None) -> Assignment:
    return Assignment(
        kind=kind, part=part, source_key="source/abcdefghijkm/u", asset=ASSET, revision=Revision(1), plan=plan
    )


def _folder(parent: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=parent))


def _assembled(root: Path, segments: int) -> Path:
    base = root / "objects" / "v" / ASSET / "1" / "144p"
    names = ["init.mp4", *(f"{number}.m4s" for number in range(1, segments + 1))]
    whole = root / "whole.mp4"
    whole.write_bytes(b"".join((base / name).read_bytes() for name in names))
    return whole


def test_a_source_that_says_much_about_itself_is_read(short_tmp: Path) -> None:
    """Downloaded videos carry their whole description, in one line of the report."""
    words = (
        "-metadata",
        f"comment={'word ' * 2000}",
    )
    (short_tmp / "objects" / "source" / ASSET).mkdir(parents=True)
    ffmpeg(*_made("25", "1", *X264, *words, "-f", "matroska"), str(short_tmp / "objects" / "source" / ASSET / "u"))

    async def scenario() -> None:
        store = FileStore(short_tmp / "objects")
        steps = Steps(store, Runner(find_tools(SETTINGS)), SETTINGS, short_tmp)
        planned = await steps.run(_task("probe", 0, None), {}, short_tmp, Progress())
        assert isinstance(planned, Planned)
        assert planned.plan.video is not None
        assert planned.plan.video.frames == 25
        await store.close()

    run(scenario())


def test_a_far_store_that_falters_gets_everything(
    source: Path, short_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packager, "_PATIENCE_S", (0.01, 0.01, 0.01))

    async def scenario() -> None:
        config = parse(f"data_dir: {short_tmp}\n", name="test", base=short_tmp)
        near = open_store(config, layout_of(config))
        await near.put("source/abcdefghijkm/u", source)
        far = FarStore(near)
        steps = Steps(cast(ObjectStore, far), Runner(find_tools(SETTINGS)), SETTINGS, short_tmp)
        plan, results = None, {}
        for kind in KINDS:
            folder = short_tmp / kind
            folder.mkdir()
            match await steps.run(_task(kind, 0, plan), results, folder, Progress()):
                case Planned(planned):
                    plan = planned
                case Made(result):
                    results[kind] = [result]
        stored = [stat.key async for stat in near.list("v/")]
        video = [f"144p/{name}" for name in ("init.mp4", "1.m4s", "2.m4s", "3.m4s", "4.m4s", "5.m4s")]
        thumbs = [f"thumbs/{name}" for name in ("poster.jpg", "sprite-1.jpg", "storyboard.vtt")]
        assert stored == sorted(f"v/{ASSET}/1/{name}" for name in (*video, *thumbs))
        assert far.puts > len(stored)
        assert far.gets.count("source/abcdefghijkm/u") == 1  # for probe and video together
        assert results["thumbs"][0]["storyboard"]["sheets"] == 1
        await near.close()

    run(scenario())


def test_far_sources_are_fetched_once_and_give_way(tmp_path: Path, short_tmp: Path) -> None:
    """While a source is in use there is one copy of it; of those not in use the last two stay, none that failed."""

    async def scenario() -> None:
        near = FileStore(short_tmp / "objects")
        upload = tmp_path / "upload"
        upload.write_bytes(b"x" * 1000)
        for name in ("a", "b", "c", "d"):
            await near.put(f"source/{name}", upload)
        far = FarStore(near)
        (short_tmp / "work").mkdir()
        sources = Sources(cast(ObjectStore, far), short_tmp / "work")

        async def use(name: str) -> Path:
            async with sources.open(f"source/{name}") as path:
                assert path.read_bytes() == upload.read_bytes()
                await asyncio.sleep(0)
                return path

        assert len(set(await asyncio.gather(use("a"), use("a"), use("a")))) == 1
        for name in ("b", "a", "c", "d", "c"):
            await use(name)
        assert far.gets == ["source/a", "source/b", "source/c", "source/d"]
        assert len(list((short_tmp / "work").iterdir())) == 2
        await near.delete("source/b")
        with pytest.raises(NotFound):
            await use("b")
        with pytest.raises(StorageFull, match="MiB are needed"):
            await sources.require_space(1 << 60)
        assert list((short_tmp / "work").iterdir()) == []
        await near.close()

    run(scenario())


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        pytest.param(Limits(0.3), "ended after", id="wall-clock"),
        pytest.param(Limits(30, file_bytes=1 << 16), "SIGXFSZ|status", id="file-size"),
    ],
)
def test_a_tool_that_goes_wild_is_ended(limits: Limits, reason: str, source: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        endless = ("-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=640x360", "-c:v", "rawvideo", "-f", "avi")
        inside = replace(limits, folder=tmp_path)
        with pytest.raises(ToolFailed, match=reason):
            await Runner(find_tools(SETTINGS)).ffmpeg((*endless, str(tmp_path / "out")), inside, lambda _: None)

    run(scenario())


def test_what_reads_the_output_can_stop_the_tool(tmp_path: Path) -> None:
    """An error in the reader ends the child and comes out as it is."""

    async def scenario() -> None:
        def refuse(_: str) -> None:
            raise MediaRejected("enough")

        endless = ("-f", "lavfi", "-i", "testsrc2", "-progress", "pipe:1", "-f", "null", "-")
        with pytest.raises(MediaRejected, match="enough"):
            await Runner(find_tools(SETTINGS)).ffmpeg(endless, Limits(30), refuse)
        assert "ffmpeg" not in _children()

    run(scenario())


def _children() -> str:
    """Names of this process's children, waited for or not."""
    pids = [pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()]
    return " ".join(Path(f"/proc/{pid}/comm").read_text() for pid in pids)


class _Crashing:
    """A decoder that a picture in the middle kills."""

    async def ffmpeg(self, argv: object, limits: Limits, feed: object) -> None:
        raise ToolFailed("ffmpeg was killed by SIGSEGV", status=-11, log="")


def test_a_chunk_that_kills_its_tool_every_time_is_made_in_one_go_at_last(source: Path, short_tmp: Path) -> None:
    async def scenario() -> None:
        store = FileStore(short_tmp / "objects")
        await store.put("source/abcdefghijkm/u", source)
        steps = Steps(store, Runner(find_tools(SETTINGS)), SETTINGS, short_tmp, chunk_s=2)
        planned = await steps.run(_task("probe", 0, None), {}, _folder(short_tmp), Progress())
        assert isinstance(planned, Planned)
        crashing = Steps(store, cast(Runner, _Crashing()), SETTINGS, short_tmp, chunk_s=2)
        chunk = _task("video", 1, planned.plan)
        with pytest.raises(ToolFailed, match="SIGSEGV"):
            await crashing.run(chunk, {}, _folder(short_tmp), Progress())
        assert isinstance(await crashing.run(replace(chunk, last=True), {}, _folder(short_tmp), Progress()), Unfit)
        whole = replace(chunk, part=planned.plan.video.chunks if planned.plan.video else 0, last=True)
        with pytest.raises(ToolFailed, match="SIGSEGV"):
            await crashing.run(whole, {}, _folder(short_tmp), Progress())
        await store.close()

    run(scenario())
