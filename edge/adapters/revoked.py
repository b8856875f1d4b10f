"""What a node knows of revocations: one file each, whose mtime is the moment until which tokens are refused.

nginx looks at the same files (edge/njs/tokens.js), so a revocation counts in both as soon as it is here. `position` says
how far the log of revocations was applied; files are on disk before it moves on. Blocking calls, each of microseconds
but for the fsyncs of `apply`.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from playnet.errors import StartupFailed, Unavailable
from playnet.tokens.revocation import ALL, NEWEST, Revocation

_POSITION: Final = "position"
_TEMP: Final = ".new-"  # in front of names that are not complete; no revocation's name starts so
_FOLDER_MODE: Final = 0o755  # nginx's workers read here, perhaps under another account
_FILE_MODE: Final = 0o644


class Revoked:
    """The folder. StartupFailed when it cannot be made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            for left in folder.glob(f"{_TEMP}*"):
                left.unlink()
        except OSError as exc:
            raise StartupFailed(f"folder of revocations {folder}: {exc.strerror}") from exc

    def at(self, name: str) -> int | None:
        """The moment under a name, None when there is none. What cannot be told counts as now and ever."""
        try:
            return int((self._folder / name).stat().st_mtime)
        except FileNotFoundError:
            return None
        except OSError:
            return 10**12

    def apply(self, revocation: Revocation) -> None:
        """Refuse what it names from here on. Raises Unavailable: then nothing may count as applied."""
        self._stamp(revocation.name, revocation.at)

    def lapse(self, at: int) -> None:
        """Revocations were missed: whatever was issued until `at` is refused. Raises Unavailable."""
        self._stamp(ALL, at)

    def position(self) -> int:
        """How far the log was applied; 0 without any memory."""
        try:
            return int((self._folder / _POSITION).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def remember_position(self, position: int) -> None:
        """Keep it across restarts. Raises Unavailable."""
        self._write(_POSITION, str(position), None)

    def sweep(self, before: int) -> int:
        """Forget moments before `before`, when every token of then has expired; gives their number."""
        count = 0
        for path in list(self._folder.iterdir()):
            with suppress(OSError):
                if path.name != _POSITION and path.stat().st_mtime < before:
                    path.unlink()
                    count += 1
        return count

    def _stamp(self, name: str, at: int) -> None:
        """The moment itself first: who sees the newest looks for it."""
        for file in (name, NEWEST):
            known = self.at(file)
            if known is None or known < at:
                self._write(file, "", at)

    def _write(self, name: str, text: str, at: int | None) -> None:
        temp = self._folder / f"{_TEMP}{secrets.token_hex(8)}"
        try:
            fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
            try:
                os.write(fd, text.encode("ascii"))
                if at is not None:
                    os.utime(fd, (at, at))
                os.fsync(fd)
            finally:
                os.close(fd)
            temp.rename(self._folder / name)
            self._sync_folder()
        except OSError as exc:
            raise Unavailable("a revocation cannot be kept", cause=exc.strerror) from exc
        finally:
            temp.unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
