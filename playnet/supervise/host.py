"""One box from nothing to running to nothing: every step in order, each failure one clear line."""

import asyncio
import signal
from collections.abc import Sequence
from typing import Protocol

from playnet.config import Config
from playnet.layout import Layout, layout_of

from . import premises
from .account import Accounts, accounts
from .appliance import Programs, children, find_programs
from .child import Child, Snapshot
from .engines import check_postmaster, make_cluster
from .listeners import check_free, listeners
from .lock import Lock
from .state import StateFile
from .supervisor import Supervisor

_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # SIGHUP: the terminal was closed


class Watch(Protocol):
    """Somebody who looks on. Called from the event loop: must not block."""

    def say(self, text: str) -> None:
        """One line about what happens now."""

    def show(self, snapshots: Sequence[Snapshot]) -> None:
        """All children, after a change."""

    def up(self) -> None:
        """Everything is ready."""


async def run_appliance(config: Config, watch: Watch) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP; returns when all processes are gone. StartupFailed or ConfigError before that."""
    layout = layout_of(config)
    programs = find_programs(config, layout)
    who = await asyncio.to_thread(accounts, config.site.run_as)
    if who.note:
        watch.say(who.note)
    premises.make_root(layout.root)
    with await asyncio.to_thread(Lock.acquire, layout.root) as lock:
        await _make_ready(config, layout, programs, who, watch)
        try:
            await _supervise(config, layout, children(config, layout, programs, who), lock.fd, watch)
        finally:
            premises.sweep(layout)


async def _make_ready(config: Config, layout: Layout, programs: Programs, who: Accounts, watch: Watch) -> None:
    await asyncio.to_thread(premises.end_orphans_of, layout)
    check_free(listeners(config))
    await asyncio.to_thread(premises.prepare, config, layout, who)
    if programs.postgres is None:
        return
    if layout.postgres.exists():
        check_postmaster(layout.postgres)
    else:
        watch.say("first start: making the database")
        await make_cluster(programs.postgres, layout.postgres, who.engines)


async def _supervise(config: Config, layout: Layout, family: Sequence[Child], lock_fd: int, watch: Watch) -> None:
    state = StateFile(layout.run, config.public_url)

    def observe(snapshots: tuple[Snapshot, ...]) -> None:
        state.write(snapshots)
        watch.show(snapshots)

    stop, up = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for sig in _END_SIGNALS:
        loop.add_signal_handler(sig, stop.set)

    async def announce() -> None:
        await up.wait()
        watch.up()

    announcing = asyncio.create_task(announce(), name="announce")
    try:
        await Supervisor(family, observe=observe, pass_fds=(lock_fd,)).run(stop, up)
    finally:
        announcing.cancel()
        for sig in _END_SIGNALS:
            loop.remove_signal_handler(sig)
