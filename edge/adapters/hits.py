"""Direct hits, as nginx reports them: one JSON line per request, over a datagram socket in syslog's framing.

Recency is all that hangs on a report, so one that is lost does no harm; none ever makes nginx wait.
"""

import asyncio
import json
import os
import socket
from pathlib import Path
from typing import Final

from edge.core.key import Key
from playnet.errors import StartupFailed

from .metrics import Metrics
from .store import Store

_DATAGRAM_BYTES: Final = 4096  # nginx sends at most 2 KiB
_BUFFER_BYTES: Final = 1 << 20
_BURST: Final = 256  # reports read in one turn of the event loop


class Hits:
    """Listens from `start` to `close`."""

    def __init__(self, path: Path, store: Store, metrics: Metrics) -> None:
        self._path, self._store, self._metrics = path, store, metrics
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)

    def start(self) -> None:
        """Replace a stale socket and listen. Raises StartupFailed."""
        self._path.unlink(missing_ok=True)
        try:
            self._socket.bind(str(self._path))
        except OSError as exc:
            self._socket.close()
            raise StartupFailed(f"cannot listen on {self._path}: {exc.strerror}") from exc
        self._path.chmod(0o666)  # nginx's workers may have another account; a report is worth nothing to anybody
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)

    def close(self) -> None:
        """Stop listening."""
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _readable(self) -> None:
        for _ in range(_BURST):
            try:
                datagram = os.read(self._socket.fileno(), _DATAGRAM_BYTES)
            except BlockingIOError:
                return
            self._report(datagram)

    def _report(self, datagram: bytes) -> None:
        try:
            line = json.loads(datagram[datagram.index(b"{") :])
            path, sent_bytes = str(line["path"]), int(line["bytes"])
        except (ValueError, KeyError, TypeError):
            self._metrics.hot_reports_lost.inc()
            return
        self._store.hit(Key(path))
        self._metrics.requests.labels("hot").inc()
        self._metrics.hits.labels("hot").inc()
        self._metrics.sent_bytes.labels("hot").inc(max(sent_bytes, 0))
