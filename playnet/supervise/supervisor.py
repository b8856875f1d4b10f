"""Keeps a set of processes alive: starts them in the order of their needs, restarts what crashes, stops in reverse.

One task per child. A child whose first start fails ends the whole set: an appliance is up with all of its parts or
not at all. After that nothing is given up on: a crashed child is tried again, ever more slowly, up to every 30 s.
"""

import asyncio
import random
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace

from playnet.errors import StartupFailed
from playnet.logs import logger

from .child import Child, Snapshot, State
from .process import Process, bound_log, described
from .ready import probe
from .schedule import Schedule

log = logger(__name__)

Observe = Callable[[tuple[Snapshot, ...]], None]

_FIRST_PROBE_PAUSE_S, _LONGEST_PROBE_PAUSE_S = 0.05, 0.5
_LOG_CHECK_S = 60.0


class Supervisor:
    """`observe` is called with all snapshots after every change, from the event loop: it must not block."""

    def __init__(
        self, children: Sequence[Child], *, observe: Observe | None = None, pass_fds: Sequence[int] = ()
    ) -> None:
        _check_needs(children)
        self._observe = observe
        self._halt = asyncio.Event()
        self._failure: StartupFailed | None = None
        self._keepers = {child.name: _Keeper(child, self._halt, self._changed, pass_fds) for child in children}

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The children now, in the order given."""
        return tuple(keeper.snapshot for keeper in self._keepers.values())

    async def run(self, stop: asyncio.Event, up: asyncio.Event | None = None) -> None:
        """Run until `stop` is set; sets `up` when every child has been ready.

        Returns when all processes are gone. StartupFailed, also after all are gone, when a first start failed.
        Cancelled, it kills what runs.
        """
        async with asyncio.TaskGroup() as group:
            for keeper in self._keepers.values():
                group.create_task(self._kept(keeper), name=f"child:{keeper.child.name}")
            rounds = group.create_task(self._bound_logs(), name="bound-logs")
            await self._until_up(stop, up)
            await _any_of(stop.wait(), self._halt.wait())
            self._halt.set()
            rounds.cancel()
        if self._failure is not None:
            raise self._failure

    def signal(self, name: str, sig: signal.Signals) -> None:
        """Signal one running child; KeyError for an unknown name."""
        self._keepers[name].send(sig)

    async def _until_up(self, stop: asyncio.Event, up: asyncio.Event | None) -> None:
        async def all_ready() -> None:
            for keeper in self._keepers.values():
                await keeper.was_ready.wait()
            if up is not None:
                up.set()

        await _any_of(all_ready(), stop.wait(), self._halt.wait())

    async def _kept(self, keeper: "_Keeper") -> None:
        needs = [self._keepers[name].was_ready for name in keeper.child.needs]
        dependents = [other.gone for other in self._keepers.values() if keeper.child.name in other.child.needs]
        try:
            await keeper.keep(needs, dependents)
        except StartupFailed as exc:
            self._failure = self._failure or exc
            self._halt.set()
        finally:
            keeper.gone.set()

    async def _bound_logs(self) -> None:
        logs = [keeper.child.log for keeper in self._keepers.values() if keeper.child.log is not None]
        while True:
            await asyncio.sleep(_LOG_CHECK_S)
            for path in logs:
                try:
                    await asyncio.to_thread(bound_log, path)
                except OSError as exc:
                    log.warning("log.not-bounded", path=str(path), reason=exc.strerror)

    def _changed(self) -> None:
        if self._observe is not None:
            self._observe(self.snapshots)


class _Keeper:
    """The life of one child, start after start."""

    def __init__(self, child: Child, halt: asyncio.Event, changed: Callable[[], None], pass_fds: Sequence[int]) -> None:
        self.child = child
        self.was_ready = asyncio.Event()
        self.gone = asyncio.Event()
        self._halt = halt
        self._changed = changed
        self._pass_fds = pass_fds
        self._process: Process | None = None
        self.snapshot = Snapshot(
            name=child.name, state="waiting", pid=None, since_s=None, restarts=0, address=child.address
        )

    def send(self, sig: signal.Signals) -> None:
        if self._process is not None:
            self._process.send(sig)

    async def keep(self, needs: Sequence[asyncio.Event], dependents: Sequence[asyncio.Event]) -> None:
        """Wait for `needs`, keep the process until halt, then wait for `dependents` and stop it."""

        async def all_set(events: Sequence[asyncio.Event]) -> None:
            for event in events:
                await event.wait()

        await _any_of(all_set(needs), self._halt.wait())
        schedule = Schedule()
        while not self._halt.is_set():
            healthy_s, why = await self._live(dependents)
            if self._halt.is_set():
                break
            if not self.was_ready.is_set():
                self._show("failed", note=why)
                raise StartupFailed(why, child=self.child.name)
            schedule = schedule.after_exit(healthy_s=healthy_s)
            self._show("restarting", note=why, restarts=self.snapshot.restarts + 1)
            await _any_of(asyncio.sleep(schedule.delay_s(jitter=random.random())), self._halt.wait())  # noqa: S311
        if self.snapshot.state != "failed":
            self._show("stopped")

    async def _live(self, dependents: Sequence[asyncio.Event]) -> tuple[float, str]:
        """One start, up to its end: for how long it was ready, and why it ended."""
        try:
            process = self._process = await Process.start(self.child, self._pass_fds)
        except StartupFailed as exc:
            return 0.0, str(exc)
        try:
            self._show("starting", pid=process.pid, since_s=time.time())
            ready_at = await self._until_ready(process)
            if ready_at is not None:
                self.was_ready.set()
                self._show("ready", note="")
                await _any_of(process.exited(), self._halt.wait())
            why = self._why(process, ready=ready_at is not None)
            healthy_s = time.monotonic() - ready_at if ready_at is not None else 0.0
            if self._halt.is_set():
                for dependent in dependents:
                    await dependent.wait()
                self._show("stopping")
            await process.stop(self.child.stop_signal, self.child.grace_s)
            return healthy_s, why
        finally:
            process.kill_group()
            await process.exited()
            self._process = None

    async def _until_ready(self, process: Process) -> float | None:
        """The monotonic time at which the child was ready; None when it ended, was too slow or is to stop."""

        async def poll() -> None:
            pause_s = _FIRST_PROBE_PAUSE_S
            while (note := await probe(self.child.ready)) is not None:
                self._note = note
                await asyncio.sleep(pause_s)
                pause_s = min(_LONGEST_PROBE_PAUSE_S, pause_s * 1.5)

        self._note = ""
        polling = asyncio.ensure_future(poll())
        try:
            async with asyncio.timeout(self.child.ready_timeout_s):
                await _any_of(polling, process.exited(), self._halt.wait())
        except TimeoutError:
            return None
        if polling.cancelled() or process.returncode is not None:
            return None
        polling.result()
        return time.monotonic()

    def _why(self, process: Process, *, ready: bool) -> str:
        if process.returncode is not None:
            why = f"{self.child.name}: {described(process.returncode)}" + ("" if ready else " before it was ready")
        else:
            why = f"{self.child.name}: not ready after {self.child.ready_timeout_s:g} s ({self._note})"
        lines = process.last_lines()
        return f"{why}; the last lines of its log:\n{lines}" if lines else why

    def _show(self, state: State, **changes: object) -> None:
        if state in {"restarting", "stopped", "failed"}:
            changes["pid"] = None
        self.snapshot = replace(self.snapshot, state=state, **changes)  # type: ignore[arg-type]
        self._changed()


def _check_needs(children: Sequence[Child]) -> None:
    """Every need exists and none goes in a circle. ValueError: a programming error."""
    needs: Mapping[str, tuple[str, ...]] = {child.name: child.needs for child in children}
    if len(needs) != len(children):
        raise ValueError("two children of one name")
    started: set[str] = set()
    while len(started) < len(needs):
        startable = {name for name, wanted in needs.items() if name not in started and started.issuperset(wanted)}
        if not startable:
            raise ValueError(f"needs that are unknown or go in a circle: {sorted(set(needs) - started)}")
        started |= startable


async def _any_of(*waits: Coroutine[object, object, object] | asyncio.Future[None]) -> None:
    """Return when the first is done; the others are cancelled and awaited."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
