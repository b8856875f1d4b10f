"""Finding the host's nginx and what it is able to do. Starts it only to ask for its version."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from playnet.errors import StartupFailed

# A plain user's PATH on Debian and Ubuntu lacks the sbin folders, where their packages put nginx.
_ALSO = ("/usr/sbin", "/usr/local/sbin", "/usr/local/nginx/sbin", "/opt/homebrew/bin")
_OLDEST = (1, 18, 0)  # Ubuntu 22.04
_HAS_ERROR_LOG_OPTION = (1, 19, 5)
_DEADLINE_S = 20
_VERSION = re.compile(r"nginx version: \S+?/(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Binary:
    """An nginx that is new enough."""

    path: Path
    version: tuple[int, int, int]

    @property
    def base_argv(self) -> tuple[str, ...]:
        """The command without prefix and file. `-e` keeps it from opening the packaged error log first."""
        return (str(self.path), *(("-e", "stderr") if self.version >= _HAS_ERROR_LOG_OPTION else ()))


def find_nginx(search: str | None = None) -> Binary:
    """The nginx on `search` (default: PATH and the sbin folders). StartupFailed when it is missing or too old."""
    folders = search if search is not None else os.pathsep.join((os.environ.get("PATH", os.defpath), *_ALSO))
    found = shutil.which("nginx", path=folders)
    if found is None:
        raise StartupFailed("nginx is not installed: `make setup` installs it (Debian, Ubuntu: apt-get install nginx)")
    path = Path(found)
    version = parse_version(_ask_version(path))
    if version is None:
        raise StartupFailed(f"{path} does not tell its version as nginx does: is it nginx?")
    if version < _OLDEST:
        raise StartupFailed(f"{path} is {_dotted(version)}: nginx {_dotted(_OLDEST)} or later is needed")
    return Binary(path, version)


def parse_version(printed: str) -> tuple[int, int, int] | None:
    """The version in the output of `nginx -v`; None when there is none."""
    match = _VERSION.search(printed)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def _ask_version(path: Path) -> str:
    try:
        done = subprocess.run([path, "-v"], capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise StartupFailed(f"{path} cannot be started: {exc}") from exc
    return done.stderr + done.stdout


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))
