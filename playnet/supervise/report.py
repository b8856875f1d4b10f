"""How a supervisor in the background tells the command that started it how far it is: JSON lines over a pipe."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from playnet.errors import ConfigError, PlayNetError, StartupFailed
from playnet.logs import logger

from .child import Snapshot
from .host import Watch

log = logger(__name__)

_LINE_LIMIT = 4 << 20  # a thousand children fit
_CLEAN_END_S = 120.0


class Reporter:
    """The background side: tells the pipe until everything is up, and its log file from then on."""

    def __init__(self, fd: int) -> None:
        self._fd: int | None = fd
        self._states: dict[str, str] = {}

    def say(self, text: str) -> None:
        self._tell({"say": text})

    def show(self, snapshots: Sequence[Snapshot]) -> None:
        self._tell({"children": [asdict(snapshot) for snapshot in snapshots]})
        for child in snapshots if self._fd is None else ():
            if self._states.get(child.name) != child.state:
                self._states[child.name] = child.state
                log.info("child.changed", child=child.name, state=child.state, pid=child.pid, note=child.note)

    def up(self) -> None:
        self._tell({"up": True})
        self.close()

    def failed(self, exc: PlayNetError) -> None:
        self._tell({"failed": str(exc), "configuration": isinstance(exc, ConfigError)})
        self.close()

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _tell(self, message: dict[str, object]) -> None:
        if self._fd is None:
            return
        try:
            with open(self._fd, "w", encoding="utf-8", closefd=False) as pipe:
                pipe.write(json.dumps(message) + "\n")
        except BrokenPipeError:  # the command is gone: nobody to tell
            self.close()


async def start_in_background(file: Path | None, data_dir: Path | None, watch: Watch) -> None:
    """Start a supervisor that outlives this process; return when all is ready. StartupFailed or ConfigError otherwise."""
    ours, theirs = os.pipe()
    argv = [sys.executable, "-m", "playnet.supervise", "--report", str(theirs)]
    if file is not None:
        argv += ["--config", str(file.absolute())]
    if data_dir is not None:
        argv += ["--data", str(data_dir.absolute())]
    process = await asyncio.to_thread(
        subprocess.Popen, argv, stdin=subprocess.DEVNULL, start_new_session=True, pass_fds=(theirs,)
    )
    os.close(theirs)
    ready = False
    try:
        ready = await _follow(ours, watch)
        if not ready:
            code = await asyncio.to_thread(_ended, process)
            raise StartupFailed(f"the supervisor ended at start (exit code {code})")
    finally:
        if not ready:
            process.terminate()
            await asyncio.to_thread(_ended, process)
    process.returncode = 0  # it lives on, and not as our business: keeps Popen from warning about that


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """The exit code; one that does not end is killed, and the kernel takes its children along."""
    try:
        return process.wait(_CLEAN_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


async def _follow(fd: int, watch: Watch) -> bool:
    """Pass on what the pipe says: True at `up`, False when it ends without; a failure is raised here as it was there."""
    reader = asyncio.StreamReader(limit=_LINE_LIMIT)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb")
    )
    try:
        async for line in reader:
            match json.loads(line):
                case {"say": str(text)}:
                    watch.say(text)
                case {"children": list(children)}:
                    watch.show([Snapshot(**child) for child in children])
                case {"failed": str(reason), "configuration": wrong}:
                    raise ConfigError(reason) if wrong else StartupFailed(reason)
                case {"up": True}:
                    watch.up()
                    return True
        return False
    finally:
        transport.close()
