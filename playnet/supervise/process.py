"""One operating-system process of a child: started in a session of its own, tied to our life, ended with its group.

`setpriv` (util-linux) sets the parent-death signal after the change of user, which would clear it (prctl(2)), and
then becomes the program: no process stays in between. The signal is tied to the thread that forks, so children are
only started from the main thread, where the event loop runs.
"""

import asyncio
import os
import pwd
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from playnet.errors import StartupFailed

from .child import Child

_LOG_LIMIT_BYTES = 16 << 20  # one former file of this size is kept beside it
_TAIL_BYTES = 8 << 10
_TAIL_LINES = 6
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_program(name: str) -> str | None:
    """Absolute path of a program; also in the system folders that users' PATH often lacks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")


def drop_to(user: str, *, low_ports: bool = False) -> tuple[str, ...]:
    """Arguments of setpriv that become `user`; with `low_ports` the right to bind below 1024 stays."""
    account = pwd.getpwnam(user)
    drop = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--init-groups")
    if low_ports:
        return (*drop, "--inh-caps=-all,+net_bind_service", "--ambient-caps=-all,+net_bind_service")
    return (*drop, "--inh-caps=-all", "--ambient-caps=-all")


def _environment(user: str | None, extra: Mapping[str, str]) -> dict[str, str]:
    env = {**os.environ, **extra}
    if user is not None:
        env.update(HOME=pwd.getpwnam(user).pw_dir, USER=user, LOGNAME=user)
    return env


def _command(name: str, argv: Sequence[str], drop: Sequence[str], death: signal.Signals) -> list[str]:
    setpriv = find_program("setpriv")
    if setpriv is None:
        raise StartupFailed("setpriv (package util-linux) is not installed: run `make setup`")
    program = argv[0] if "/" in argv[0] else find_program(argv[0])
    if program is None or not os.access(program, os.X_OK):
        raise StartupFailed(f"{name}: {argv[0]} is not installed: run `make setup`")
    return [setpriv, *drop, f"--pdeathsig={death.name.removeprefix('SIG')}", "--", program, *argv[1:]]


class Process:
    """A started child. `log_start` is where its lines begin in the log file."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path | None, log_start: int) -> None:
        self._process = process
        self._log = log
        self._log_start = log_start

    @classmethod
    async def start(cls, child: Child, pass_fds: Sequence[int] = ()) -> "Process":
        """Start `child`. StartupFailed when its program is missing or its log cannot be written."""
        drop = drop_to(child.user, low_ports=child.low_ports) if child.user is not None else ()
        command = _command(child.name, child.argv, drop, child.death_signal)
        log = _open_log(child)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(child.user, child.env),
                cwd="/",
                start_new_session=True,
                pass_fds=pass_fds,
            )
        except OSError as exc:
            raise StartupFailed(f"{child.name}: {command[0]} cannot be started: {exc.strerror}") from exc
        finally:
            log_start = log.tell() if log is not None else 0
            if log is not None:
                log.close()
        return cls(process, child.log, log_start)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.returncode

    async def exited(self) -> int:
        """Wait for the end: the exit code, negative for a signal."""
        return await self._process.wait()

    def send(self, sig: signal.Signals) -> None:
        """Signal the process alone; a process that is gone is fine."""
        if self._process.returncode is None:
            self._process.send_signal(sig)

    def kill_group(self) -> None:
        """SIGKILL everything that is left of its session's process group."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    async def stop(self, sig: signal.Signals, grace_s: float) -> int:
        """Ask for an end, wait `grace_s`, then make one. Returns the exit code."""
        self.send(sig)
        try:
            async with asyncio.timeout(grace_s):
                return await self.exited()
        except TimeoutError:
            self.kill_group()
            return await self.exited()
        finally:
            self.kill_group()

    def last_lines(self) -> str:
        """The end of what it logged since its start, one line each; empty without a log file."""
        return tail(self._log, self._log_start) if self._log is not None else ""


async def run_to_end(argv: Sequence[str], *, user: str | None, timeout_s: float, text: str = "") -> None:
    """Run one command that ends by itself, with `text` as its input. StartupFailed carries its last lines."""
    name = Path(argv[0]).name
    process = await asyncio.create_subprocess_exec(
        *_command(name, argv, drop_to(user) if user is not None else (), signal.SIGKILL),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(user, {}),
        cwd="/",
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, _ = await process.communicate(text.encode())
    except TimeoutError as exc:
        raise StartupFailed(f"{name} did not end within {timeout_s:g} s") from exc
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = "\n".join(out.decode(errors="replace").splitlines()[-_TAIL_LINES:])
        raise StartupFailed(f"{name}: {described(process.returncode or 0)}; its last lines:\n{lines}")


def tail(log: Path, start: int = 0) -> str:
    """The last few lines of a log file after byte `start`."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(start if start <= size else 0, size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(line[:400] for line in text.splitlines()[-_TAIL_LINES:])


def _open_log(child: Child) -> IO[bytes] | None:
    if child.log is None:
        return None
    try:
        bound_log(child.log)
        log = child.log.open("ab")
    except OSError as exc:
        raise StartupFailed(f"{child.name}: {child.log} cannot be written: {exc.strerror}") from exc
    log.seek(0, os.SEEK_END)
    return log


def bound_log(log: Path) -> None:
    """Move a log above the limit aside. Writers append, so they go on at the new end; a line or two may be lost.

    On a full disk its lines are given up: the space is what everybody waits for.
    """
    if not log.exists() or log.stat().st_size <= _LOG_LIMIT_BYTES:
        return
    aside = log.with_suffix(".log.1")
    try:
        shutil.copyfile(log, aside)
    except OSError:
        aside.unlink(missing_ok=True)
    os.truncate(log, 0)


def described(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
