"""The steps by themselves: windows that continue each other, and a store that is far away and sometimes gone."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast

import pytest

from playnet.config import Transcoder, parse
from playnet.errors import MediaRejected, ToolFailed, Unavailable
from playnet.jobs import TaskKind
from playnet.layout import layout_of
from playnet.media.cmaf import index_bytes
from playnet.names import AssetId, Revision
from playnet.store.open import open_store
from playnet.store.port import Body, ObjectStore, Stat
from tests.aio import run
from tests.integration.transcoding import ffmpeg
from transcoder.adapters import packager
from transcoder.adapters.ffmpeg import Limits, Runner, find_tools
from transcoder.adapters.steps import Made, Planned, Progress, Steps
from transcoder.core import argv
from transcoder.core.graph import Assignment
from transcoder.core.plan import VideoPlan, Window, make_plan
from transcoder.core.probe import PacketTimes, read_source
from transcoder.core.verify import check_video

ASSET = AssetId("abcdefghijkm")
KINDS: tuple[TaskKind, ...] = ("probe", "video", "thumbs")
SETTINGS = Transcoder.model_validate(
    {"preset": "ultrafast", "ladder": [{"short_side": 180, "max_bitrate": "4Mbps", "crf": 16}]}
)


class FarStore:
    """A store without local files that fails every third `put` once."""

    def __init__(self, inner: ObjectStore) -> None:
        self.inner = inner
        self.puts = 0

    async def put(self, key: str, source: Path | AsyncIterator[bytes]) -> Stat:
        self.puts += 1
        if self.puts % 3 == 0:
            raise Unavailable("away for a moment")
        return await self.inner.put(key, source)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> AbstractAsyncContextManager[Body]:
        return self.inner.get(key, start=start, length=length)

    async def stat(self, key: str) -> Stat:
        return await self.inner.stat(key)

    def local_path(self, key: str) -> Path | None:
        return None


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds of moving pictures that start at 3.7 s in an MPEG transport stream."""
    path = tmp_path_factory.mktemp("sources") / "late"
    ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=10", "-c:v", "libx264", "-preset", "ultrafast",
        "-bf", "2", "-g", "25", "-crf", "16", "-pix_fmt", "yuv420p", "-output_ts_offset", "3.7", "-f", "mpegts", str(path),
    )  # fmt: skip
    return path


async def _plan(runner: Runner, source: Path) -> VideoPlan:
    lines: list[str] = []
    times = PacketTimes()
    await runner.ffprobe(argv.probe(source), Limits(30), lines.append)
    await runner.ffprobe(argv.packet_times(source, 0), Limits(30), times.feed)
    plan = make_plan(read_source(json.loads("\n".join(lines))), times.span(), SETTINGS).video
    assert plan is not None
    return plan


def _likeness(picture: Path, source: Path, *, skip: int) -> float:
    """Average PSNR against the source from frame `skip` on."""
    graph = f"[0:v]settb=1/25,setpts=N[a];[1:v]trim=start_frame={skip},settb=1/25,setpts=N[b];[a][b]psnr=shortest=1"
    said = ffmpeg("-v", "info", "-i", str(picture), "-i", str(source), "-lavfi", graph, "-f", "null", "-")
    return float(re.findall(r"average:([0-9.]+|inf)", said)[-1])


def test_windows_continue_each_other(source: Path, tmp_path: Path) -> None:
    """Encoded apart, they share one init file and one timeline, and show the same pictures as the source."""

    async def scenario() -> None:
        runner = Runner(find_tools(SETTINGS))
        plan = await _plan(runner, source)
        assert (plan.frames, plan.segment_frames) == (250, 100)
        pieces: list[bytes] = []
        heads: set[bytes] = set()
        for window in (Window(n0=0, n1=100), Window(n0=100, n1=200), Window(n0=200, n1=250)):
            folder = tmp_path / str(window.n0)
            folder.mkdir()
            made = argv.video(source, plan, window, folder, preset="ultrafast")
            await runner.ffmpeg(made.argv, Limits(30), lambda _: None)
            data = made.outputs[0].read_bytes()
            movie = index_bytes(data)
            assert check_video([movie], plan, window).complete
            heads.add(data[: movie.init_bytes])
            pieces.append(data[movie.init_bytes :])
        assert len(heads) == 1
        whole = tmp_path / "whole.mp4"
        whole.write_bytes(heads.pop() + b"".join(pieces))
        movie = index_bytes(whole.read_bytes())
        assert [one.decode_ticks // plan.frame_ticks for one in movie.fragments] == [0, 100, 200]
        assert _likeness(whole, source, skip=0) > _likeness(whole, source, skip=1) + 6

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
        steps = Steps(cast(ObjectStore, far), Runner(find_tools(SETTINGS)), SETTINGS)
        plan, results = None, {}
        for kind in KINDS:
            folder = short_tmp / kind
            folder.mkdir()
            task = Assignment(
                kind=kind, part=0, source_key="source/abcdefghijkm/u", asset=ASSET, revision=Revision(1), plan=plan
            )
            match await steps.run(task, results, folder, Progress()):
                case Planned(planned):
                    plan = planned
                    assert not (folder / "source").exists()
                case Made(result):
                    results[kind] = [result]
        stored = [stat.key async for stat in near.list("v/")]
        video = [f"180p/{name}" for name in ("init.mp4", "1.m4s", "2.m4s", "3.m4s")]
        thumbs = [f"thumbs/{name}" for name in ("poster.jpg", "sprite-1.jpg", "storyboard.vtt")]
        assert stored == sorted(f"v/{ASSET}/1/{name}" for name in (*video, *thumbs))
        assert far.puts > len(stored)
        assert results["thumbs"][0]["storyboard"]["sheets"] == 1
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
        with pytest.raises(ToolFailed, match=reason):
            await Runner(find_tools(SETTINGS)).ffmpeg((*endless, str(tmp_path / "out")), limits, lambda _: None)

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
