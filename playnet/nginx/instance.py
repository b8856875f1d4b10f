"""One nginx in one folder: prepare it, and let a configuration become live only after nginx itself accepted it.

    nginx = Instance(find_nginx(), layout.nginx("lb"))
    nginx.prepare()                         # once, before the start
    nginx.install(text)                     # before the start and before every reload
    Child("nginx", nginx.argv, …)           # SIGHUP reloads, SIGQUIT drains, SIGTERM ends

Calls block for as long as `nginx -t` takes: run them in a thread.
"""

import grp
import os
import pwd
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from playnet.errors import ConfigError, StartupFailed

from .binary import Binary
from .text import Process

_DEADLINE_S = 60  # `nginx -t` resolves every host name in the file
_OPEN_FILES = 32_768  # 16,384 connections cost a worker about 7 MiB


@dataclass(frozen=True, slots=True)
class Instance:
    """nginx with its own prefix, temp folders and pid file below `folder`."""

    binary: Binary
    folder: Path

    @property
    def conf(self) -> Path:
        """The live configuration."""
        return self.folder / "nginx.conf"

    @property
    def argv(self) -> tuple[str, ...]:
        """The foreground command; the file itself says `daemon off`."""
        return self._command(self.conf)

    def process(self, *, run_as: str | None = None, workers: int | None = None) -> Process:
        """What the renderers need to know: see `host_process`."""
        return host_process(self.folder, run_as=run_as, workers=workers)

    def prepare(self) -> None:
        """Make the folders and drop what a killed nginx left in them. Never while it runs."""
        temp = Process(folder=self.folder).temp
        try:
            shutil.rmtree(temp, ignore_errors=True)
            temp.mkdir(mode=0o755, parents=True, exist_ok=True)  # nginx itself makes and owns the folders below
            (self.folder / "nginx.pid").unlink(missing_ok=True)
        except OSError as exc:
            raise StartupFailed(f"nginx folder {self.folder} cannot be prepared: {exc.strerror}") from exc

    def install(self, text: str) -> None:
        """Replace the live configuration by `text`, atomically, if `nginx -t` accepts it.

        ConfigError carries nginx's own words; the live file and a running nginx are then untouched.
        """
        candidate = self.folder / "nginx.conf.candidate"
        try:
            candidate.write_text(text, encoding="utf-8")
        except OSError as exc:
            raise StartupFailed(f"{candidate} cannot be written: {exc.strerror}") from exc
        self.check(candidate)
        candidate.replace(self.conf)

    def check(self, candidate: Path) -> None:
        """`nginx -t` on a file. ConfigError when nginx refuses it; the file stays for inspection."""
        try:
            done = subprocess.run(
                [*self._command(candidate), "-t", "-q"],
                capture_output=True, text=True, timeout=_DEADLINE_S, check=False, cwd=self.folder,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise StartupFailed(f"nginx -t on {candidate} did not end: {exc}") from exc
        if done.returncode != 0:
            raise ConfigError(f"nginx does not accept {candidate}: {_reason(done.stderr)}")

    def _command(self, conf: Path) -> tuple[str, ...]:
        return (*self.binary.base_argv, "-p", f"{self.folder}/", "-c", str(conf))


def host_process(folder: Path, *, run_as: str | None = None, workers: int | None = None) -> Process:
    """What renderers need to know of this host.

    `run_as` is the account of the workers when the master is root; None then keeps them root. Without root it
    has no meaning: everything runs as the calling user. StartupFailed when there is no such account.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_files = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    user = _user_and_group(run_as or "root") if os.geteuid() == 0 else None
    return Process(folder=folder, user=user, workers=workers, open_files=open_files)


def _reason(stderr: str) -> str:
    """The messages above warnings; all of it when there are none."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    grave = [line for line in lines if "[emerg]" in line or "[alert]" in line or "[crit]" in line]
    return "; ".join(grave or lines) or "it gave no reason"


def _user_and_group(account: str) -> str:
    """Both names: nginx would otherwise look for a group called like the user, which `nobody` does not have."""
    try:
        entry = pwd.getpwnam(account)
        return f"{account} {grp.getgrgid(entry.pw_gid).gr_name}"
    except KeyError as exc:
        raise StartupFailed(f"there is no account {account!r} (site.run_as): `make setup` creates it") from exc
