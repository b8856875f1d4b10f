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
_MODULES = re.compile(r"--modules-path=(\S+)")
_PREFIX = re.compile(r"--prefix=(\S+)")


@dataclass(frozen=True, slots=True)
class Binary:
    """An nginx that is new enough. `modules`: where its dynamic modules stand."""

    path: Path
    version: tuple[int, int, int]
    modules: Path | None = None

    @property
    def base_argv(self) -> tuple[str, ...]:
        """The command without prefix and file. `-e` keeps it from opening the packaged error log first."""
        return (str(self.path), *(("-e", "stderr") if self.version >= _HAS_ERROR_LOG_OPTION else ()))

    def module(self, name: str) -> Path | None:
        """The file of a dynamic module such as `ngx_http_js_module`; None when it is not installed."""
        path = self.modules / f"{name}.so" if self.modules is not None else None
        return path if path is not None and path.is_file() else None


def find_nginx(search: str | None = None) -> Binary:
    """The nginx on `search` (default: PATH and the sbin folders). StartupFailed when it is missing or too old."""
    folders = search if search is not None else os.pathsep.join((os.environ.get("PATH", os.defpath), *_ALSO))
    found = shutil.which("nginx", path=folders)
    if found is None:
        raise StartupFailed("nginx is not installed: `make setup` installs it (Debian, Ubuntu: apt-get install nginx)")
    path = Path(found)
    told = _ask_version(path)
    version = parse_version(told)
    if version is None:
        raise StartupFailed(f"{path} does not tell its version as nginx does: is it nginx?")
    if version < _OLDEST:
        raise StartupFailed(f"{path} is {_dotted(version)}: nginx {_dotted(_OLDEST)} or later is needed")
    return Binary(path, version, parse_modules(told))


def parse_version(printed: str) -> tuple[int, int, int] | None:
    """The version in the output of `nginx -V`; None when there is none."""
    match = _VERSION.search(printed)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def parse_modules(printed: str) -> Path | None:
    """The folder of dynamic modules in the output of `nginx -V`."""
    modules, prefix = _MODULES.search(printed), _PREFIX.search(printed)
    if modules is not None:
        return Path(prefix[1] if prefix else "/", modules[1])
    return Path(prefix[1], "modules") if prefix else None


def _ask_version(path: Path) -> str:
    try:
        done = subprocess.run([path, "-V"], capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise StartupFailed(f"{path} cannot be started: {exc}") from exc
    return done.stderr + done.stdout


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))
