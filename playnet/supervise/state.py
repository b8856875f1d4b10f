"""What the running supervisor tells other commands: one small JSON file in `run`, replaced on every change."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playnet.errors import StartupFailed
from playnet.logs import logger

from .child import Snapshot

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """The file's content."""

    pid: int
    started_s: float
    public_url: str
    children: tuple[Snapshot, ...]


def state_file(run: Path) -> Path:
    return run / "state.json"


class StateFile:
    """The supervisor's side."""

    def __init__(self, run: Path, public_url: str) -> None:
        self._path = state_file(run)
        self._public_url = public_url
        self._started_s = time.time()

    def write(self, children: Sequence[Snapshot]) -> None:
        """Replace the file. It is not synced: after a power loss nobody may believe it.

        On a full disk it stays as it was: what runs must not stop for want of a status.
        """
        told = Told(os.getpid(), self._started_s, self._public_url, tuple(children))
        partial = self._path.with_suffix(".new")
        try:
            partial.write_text(json.dumps(asdict(told)), encoding="utf-8")
            partial.replace(self._path)
        except OSError as exc:
            log.warning("state.not-written", path=str(self._path), reason=exc.strerror)


def read(run: Path) -> Told | None:
    """What the supervisor told last; None before its first word. StartupFailed when the folder is closed to us."""
    try:
        document: dict[str, Any] = json.loads(state_file(run).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except PermissionError as exc:
        raise StartupFailed(f"{run} is closed to this account: ask as the one that started the appliance") from exc
    children = tuple(Snapshot(**child) for child in document.pop("children"))
    return Told(**document, children=children)
