"""What a tool may reach: nothing but its source and its folder, whatever the file makes it want."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from playnet.config import Transcoder
from playnet.errors import StartupFailed, ToolFailed
from tests.aio import run, until
from transcoder.adapters import sandbox
from transcoder.adapters.ffmpeg import Limits, Runner, find_tools
from transcoder.adapters.sandbox import Sandbox

_WIDE = ("-v", "error", "-y", "-protocol_whitelist", "file,pipe,fd,http,tcp,concat,subfile,crypto,data")
_PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=64x64:duration=0.2", "-c:v", "mjpeg", "-f", "avi")


@dataclass(frozen=True)
class Outside:
    """What must stay untouched, and a folder that may be used."""

    listener: socket.socket
    canary: Path
    elsewhere: Path
    own: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/"

    def was_called(self) -> bool:
        """Whether anybody connected: a connection waits in the backlog from the kernel's handshake on."""
        self.listener.setblocking(False)
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def outside(short_tmp: Path) -> Iterator[Outside]:
    for name in ("elsewhere", "own"):
        (short_tmp / name).mkdir()
    canary = short_tmp / "elsewhere" / "canary"
    canary.write_text("nobody may see this")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield Outside(listener, canary, short_tmp / "elsewhere", short_tmp / "own")


def _ffmpeg(*argv: str, limits: Limits) -> str:
    """What it said, when it failed; empty when it did what it was told."""

    async def scenario() -> str:
        try:
            await Runner(find_tools(Transcoder())).ffmpeg((*_WIDE, *argv), limits, lambda _: None)
        except ToolFailed as exc:
            return f"{exc} {exc.context.get('log')}"
        return ""

    return run(scenario())


def test_a_tool_works_in_its_folder_and_reads_its_source(outside: Outside) -> None:
    limits = Limits(30, folder=outside.own)
    assert _ffmpeg(*_PICTURE, str(outside.own / "made"), limits=limits) == ""
    shutil.move(outside.own / "made", outside.elsewhere / "source")
    again = ("-i", str(outside.elsewhere / "source"), "-c", "copy", "-f", "avi", str(outside.own / "copy"))
    reads = Limits(30, reads=(outside.elsewhere / "source",), folder=outside.own)
    assert _ffmpeg(*again, limits=reads) == ""
    assert (outside.own / "copy").stat().st_size > 0


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        pytest.param(("-f", "data", "-i", "{canary}", "-map", "0", "-f", "data", "{own}/x"), "Permission", id="read"),
        pytest.param(("-f", "data", "-i", "concat:{canary}", "-f", "data", "{own}/x"), "Permission", id="concat"),
        pytest.param((*_PICTURE, "{elsewhere}/x"), "Permission", id="write"),
        pytest.param(("-i", "{url}"), "not permitted", id="connect"),
        pytest.param((*_PICTURE, "{url}"), "not permitted", id="send"),
    ],
)
def test_a_tool_reaches_nothing_else(argv: tuple[str, ...], said: str, outside: Outside) -> None:
    """Even when nothing of ours filters protocols: the walls are the kernel's."""
    words = {"canary": outside.canary, "own": outside.own, "elsewhere": outside.elsewhere, "url": outside.url}
    assert said in _ffmpeg(*(word.format(**words) for word in argv), limits=Limits(30, folder=outside.own))
    assert not outside.was_called()
    assert [path.name for path in outside.elsewhere.iterdir()] == ["canary"]


def test_memory_is_bounded(outside: Outside) -> None:
    settings = Transcoder.model_validate({"memory": "512MiB"})

    async def scenario() -> None:
        huge = (
            "-f",
            "lavfi",
            "-i",
            "color=size=8192x8192",
            "-vf",
            "format=gbrp16,random=frames=200",
            "-f",
            "null",
            "-",
        )
        with pytest.raises(ToolFailed) as failed:
            await Runner(find_tools(settings)).ffmpeg(("-v", "error", *huge), Limits(60), lambda _: None)
        assert "Cannot allocate memory" in str(failed.value.context["log"])

    run(scenario())


_ATTEMPTS = """
def refused(attempt):
    try:
        attempt()
    except OSError as exc:
        return exc.errno == 1
    return False
def kill():
    os.kill(policy["parent"], 0)
"""


def test_a_tool_starts_no_process_and_signals_nobody_but_may_use_threads() -> None:
    """The filter by itself, in an interpreter that has everything loaded already."""
    confine = Path(sandbox.__file__).with_name("confine.py")
    script = f"""
import importlib.util, json, os, threading
spec = importlib.util.spec_from_file_location("confine", {str(confine)!r})
confine = importlib.util.module_from_spec(spec); spec.loader.exec_module(confine)
policy = {{"read": [], "run": [], "write": None, "limits": {{"CORE": 0}}, "parent": os.getppid(), "required": True}}
found = {{"missing": {{k: v for k, v in confine.walls(policy).items() if v}}}}
{_ATTEMPTS}
found["fork"], found["kill"] = refused(os.fork), refused(kill)
thread = threading.Thread(target=lambda: found.update(thread=True)); thread.start(); thread.join()
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout) == {"missing": {}, "fork": True, "kill": True, "thread": True}


def test_the_kernel_is_asked_at_the_start() -> None:
    assert Sandbox(1 << 30, required=True).examine() is None


def test_other_accounts_are_confined_as_well(outside: Outside) -> None:
    confine = Path(sandbox.__file__).with_name("confine.py")
    shutil.copy(confine, outside.own / "confine.py")
    policy = {
        "read": [], "run": [], "write": str(outside.own), "limits": {"NOFILE": 64}, "required": False,
        "reach": {
            "port": outside.listener.getsockname()[1], "file": str(outside.canary), "folder": str(outside.elsewhere),
        },
    }  # fmt: skip
    outside.elsewhere.chmod(0o777)
    script = f"""
import json, os, subprocess, sys
policy = json.loads(sys.argv[1]) | {{"parent": os.getpid()}}
done = subprocess.run([sys.executable, "-I", "-S", {str(outside.own / "confine.py")!r}, json.dumps(policy)], capture_output=True, text=True)
print(done.stdout or done.stderr)
"""
    nobody = [] if os.geteuid() else ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    argv = [*nobody, "/usr/bin/python3", "-I", "-c", script, json.dumps(policy)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30, cwd="/")
    told = json.loads(done.stdout)
    probe = [*nobody, "unshare", "--user", "--net", "true"]
    gives = subprocess.run(probe, capture_output=True, timeout=30, cwd="/", check=False).returncode == 0
    assert told["reached"] == []
    assert set(told["missing"]) == (
        set() if gives else {"namespace"}
    )  # a chroot's kernel gives none to others than root
    assert not outside.was_called()


_DEAF = """
import sys
sys.argv[0] = {confine!r}
source = open({confine!r}).read()
scope = {{"__name__": "confine", "__file__": {confine!r}}}
exec(compile(source, {confine!r}, "exec"), scope)
def refuse(*_):
    raise OSError(38, "Function not implemented")
for wall in {walls!r}:
    scope[wall] = refuse
sys.exit(scope["main"]())
"""


@pytest.fixture
def deaf(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> "_Deaf":
    return _Deaf(short_tmp, monkeypatch)


class _Deaf:
    """A kernel that knows some walls not."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        self._monkeypatch = monkeypatch
        self._confine = str(Path(sandbox.__file__).with_name("confine.py"))

    def to(self, *walls: str) -> None:
        script = self._folder / "confine.py"
        script.write_text(_DEAF.format(confine=self._confine, walls=walls))
        self._monkeypatch.setattr(sandbox, "_CONFINE", script)


def test_what_the_kernel_refuses_is_said(deaf: _Deaf) -> None:
    """One wall stands in for another: without namespaces seccomp keeps the network shut."""
    deaf.to("namespace")
    assert Sandbox(1 << 30).examine() is None
    with pytest.raises(StartupFailed, match="namespace: Function not implemented"):
        Sandbox(1 << 30, required=True).examine()
    deaf.to("namespace", "landlock", "seccomp")
    findings = Sandbox(1 << 30).examine()
    assert findings is not None
    assert findings.open == ("open network connections", "read files", "write files")
    assert "could open network connections and read files and write files (namespace: Function" in str(findings)


def test_a_tool_that_must_be_confined_is_not_started_without(deaf: _Deaf, outside: Outside) -> None:
    deaf.to("landlock")
    settings = Transcoder.model_validate({"sandbox": "required"})

    async def scenario() -> None:
        with pytest.raises(ToolFailed, match="status 125") as failed:
            await Runner(find_tools(settings)).ffmpeg(("-version",), Limits(30, folder=outside.own), lambda _: None)
        assert "the kernel refuses" in str(failed.value.context["log"])

    run(scenario())


def test_a_tool_dies_with_its_whole_group(outside: Outside) -> None:
    async def scenario() -> None:
        endless = ("-v", "error", "-f", "lavfi", "-i", "testsrc2", "-f", "null", "-")
        work = asyncio.create_task(
            Runner(find_tools(Transcoder())).ffmpeg(endless, Limits(60, folder=outside.own), lambda _: None)
        )
        await until(lambda: bool(_using(outside.own)))
        found = _using(outside.own)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert not any(Path(f"/proc/{pid}").exists() for pid in found)

    run(scenario())


def _using(folder: Path) -> list[int]:
    """Processes whose working directory that is."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if place.readlink() == folder:
                found.append(int(place.parts[2]))
        except OSError:
            continue
    return found
