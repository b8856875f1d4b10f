"""What the supervisor is told about a process, and what it tells about it. Records only."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .ready import Ready

State = Literal["waiting", "starting", "ready", "restarting", "stopping", "stopped", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Child:
    """One process to keep alive.

    `user`: account to run as; only root may set it. `needs`: names of children that are ready before this one
    starts and that stop after it. `stop_signal` asks for a clean end, SIGKILL of the whole process group follows
    after `grace_s`. `death_signal` is what the kernel sends when the supervisor itself dies: SIGKILL suits
    everything that has no children of its own; an nginx master needs SIGTERM, because its workers survive its
    SIGKILL. `log` takes standard output and error (bounded); without it both go where the supervisor's go.
    """

    name: str
    argv: tuple[str, ...]
    ready: Ready
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    low_ports: bool = False
    needs: tuple[str, ...] = ()
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    grace_s: float = 15
    ready_timeout_s: float = 60
    log: Path | None = None
    address: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One child at one moment. `since_s` is the Unix time of the last start; `note` says what is wrong, if anything."""

    name: str
    state: State
    pid: int | None
    since_s: float | None
    restarts: int
    address: str
    note: str = ""
