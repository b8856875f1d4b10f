"""What a tool may use and reach, as the command line that confines it; and whether this kernel keeps the promise.

The walls are built by `confine.py`, in the child. Here it is started once more at the beginning of a process, without a
tool, to try what must not be possible: the answer is the kernel's, not that of a table of versions.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playnet.errors import StartupFailed

_CONFINE = Path(__file__).with_name("confine.py")
_OPEN_FILES = 256
_CHECK_S = 30.0
_PARTS = {"network": "open network connections", "files": "read files", "folders": "write files"}


@dataclass(frozen=True, slots=True)
class Limits:
    """`wall_s` ends the child, `file_bytes` bounds each file that it writes. It reads `reads` and nothing else, and
    writes into `folder` and nowhere else.
    """

    wall_s: float
    file_bytes: int = 1 << 30
    reads: tuple[Path, ...] = ()
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """`open`: what a tool could do although it must not, in words; `missing`: walls that the kernel refused, and why."""

    open: tuple[str, ...]
    missing: dict[str, str]

    def __str__(self) -> str:
        return f"a tool that a hostile file takes over could {' and '.join(self.open)} ({_reasons(self.missing)})"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """`memory_bytes` bounds each tool; `required`: rather no tool than one without all walls."""

    memory_bytes: int
    required: bool = False

    def command(self, binary: Path, limits: Limits) -> list[str]:
        """What comes before the tool's own arguments."""
        return [*_command(self._policy(limits, run=(binary,))), "--", str(binary)]

    def examine(self) -> Findings | None:
        """Try to break out; None when nothing is open. StartupFailed when the walls cannot even be tried.

        Walls that are missing without anything being open are those that another one stands in for.
        """
        with tempfile.TemporaryDirectory(prefix="playnet-sandbox-") as name, socket.socket() as listener:
            folder = Path(name)
            (folder / "canary").write_text("seen")
            (folder / "own").mkdir()
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            policy = self._policy(Limits(_CHECK_S, folder=folder / "own"), run=())
            policy["reach"] = {
                "port": listener.getsockname()[1], "file": str(folder / "canary"), "folder": str(folder),
            }  # fmt: skip
            found = _tried(policy)
        opened = tuple(words for part, words in _PARTS.items() if part in found["reached"])
        if not opened and not (self.required and found["missing"]):
            return None
        findings = Findings(opened, found["missing"])
        if self.required:
            why = f"transcoder.sandbox is `required`, but the kernel refuses part of it: {_reasons(found['missing'])}"
            raise StartupFailed(f"{why}; start it where it is allowed, or set `best-effort`")
        return findings

    def _policy(self, limits: Limits, *, run: tuple[Path, ...]) -> dict[str, object]:
        # DATA, not AS: glibc reserves 64 MiB of addresses for every thread that allocates, and never uses them
        numbers = {
            "DATA": self.memory_bytes,
            "CPU": int(limits.wall_s * (os.cpu_count() or 1)) + 1,
            "FSIZE": limits.file_bytes,
            "NOFILE": _OPEN_FILES,
            "CORE": 0,
        }
        return {
            "read": [str(path) for path in limits.reads],
            "run": [str(path) for path in run],
            "write": None if limits.folder is None else str(limits.folder),
            "limits": numbers,
            "parent": os.getpid(),
            "required": self.required,
        }


def _command(policy: dict[str, object]) -> list[str]:
    return [sys.executable, "-I", "-S", str(_CONFINE), json.dumps(policy)]


def _tried(policy: dict[str, object]) -> dict[str, dict[str, str]]:
    try:
        done = subprocess.run(_command(policy), capture_output=True, text=True, timeout=_CHECK_S, check=True, env={})
        found: dict[str, dict[str, str]] = json.loads(done.stdout)
    except subprocess.CalledProcessError as exc:
        raise StartupFailed(f"ffmpeg cannot be confined: {exc.stderr.strip() or exc}") from exc
    except (OSError, subprocess.TimeoutExpired, ValueError) as exc:
        raise StartupFailed(f"ffmpeg cannot be confined: {exc}") from exc
    return found


def _reasons(missing: dict[str, str]) -> str:
    return ", ".join(f"{wall}: {why}" for wall, why in missing.items())
