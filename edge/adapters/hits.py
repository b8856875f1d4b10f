"""Direct hits, as nginx reports them: one JSON line per request in a file that nginx writes in blocks.

A block holds hundreds of lines, so a hit costs nginx no system call and the brain no wake-up. Recency is all that hangs
on a line: they come a moment late, a brain begins with those that nginx writes after its start, and the few that fall
between the last look and the cut of a file that has grown are lost. nginx appends (O_APPEND), so cutting is safe.
"""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from edge.core.key import Key
from playnet.errors import StartupFailed

from .metrics import Metrics
from .prefetch import Prefetch
from .store.store import Store

_POLL_S: Final = 0.5
_BLOCK_BYTES: Final = 128 << 10  # read in one turn of the event loop: a few milliseconds
_CUT_BYTES: Final = 4 << 20


class Hits:
    """Follows one file from `start` to `close`, while `run` runs."""

    def __init__(self, path: Path, store: Store, metrics: Metrics, prefetch: Prefetch | None = None) -> None:
        self._path, self._store, self._metrics, self._prefetch = path, store, metrics, prefetch
        self._fd = -1
        self._position = 0
        self._rest = b""

    def start(self) -> None:
        """Open the file and forget what it says. Raises StartupFailed."""
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            os.ftruncate(self._fd, 0)
        except OSError as exc:
            self.close()
            raise StartupFailed(f"nginx's report {self._path} cannot be read: {exc.strerror}") from exc

    def close(self) -> None:
        """The file stays: nginx goes on writing to it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    async def run(self) -> None:
        """Read for ever. OSError when the disk refuses."""
        while True:
            has_more = self.read()
            if not has_more:
                self.cut()
            await asyncio.sleep(0 if has_more else _POLL_S)

    def read(self) -> bool:
        """Take in the next block; False at the end of the file."""
        block = os.pread(self._fd, _BLOCK_BYTES, self._position)
        self._position += len(block)
        *lines, self._rest = (self._rest + block).split(b"\n")
        self._report(lines)
        return len(block) == _BLOCK_BYTES

    def cut(self) -> None:
        """Empty a file that has grown and was read to its end; one that somebody else has emptied starts anew."""
        size_bytes = os.fstat(self._fd).st_size
        if size_bytes == self._position and size_bytes >= _CUT_BYTES:
            os.ftruncate(self._fd, 0)
            size_bytes = 0
        if size_bytes < self._position:
            self._position, self._rest = 0, b""

    def _report(self, lines: Sequence[bytes]) -> None:
        heard, sent_bytes = 0, 0
        for line in _parsed(lines):
            try:
                path, more_bytes = str(line["path"]), int(line["bytes"])
            except (ValueError, KeyError, TypeError):
                continue
            self._store.hit(Key(path))
            if self._prefetch is not None:
                self._prefetch.asked(Key(path))
                self._prefetch.seen(Key(path), _told(str(line.get("cmcd", ""))))
            sent_bytes += max(more_bytes, 0)
            heard += 1
        self._metrics.hot_reports_lost.inc(len(lines) - heard)
        self._metrics.requests.labels("hot").inc(heard)
        self._metrics.hits.labels("hot").inc(heard)
        self._metrics.sent_bytes.labels("hot").inc(sent_bytes)


def _told(cmcd: str) -> str:
    """What the player told: its header field as it is, or behind a question mark its query argument, still escaped."""
    return unquote(cmcd[1:]) if cmcd.startswith("?") else cmcd


def _parsed(lines: Sequence[bytes]) -> list[Any]:
    """All lines at once; one by one, without those that are none, when that fails."""
    try:
        together: list[Any] = json.loads(b"[%b]" % b",".join(lines))
        return together
    except ValueError:
        return [value for value in map(_one, lines) if value is not None]


def _one(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None
