"""Which accounts the processes run as when the appliance is started by root. Nobody else can choose."""

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from playnet.errors import StartupFailed

from .process import drop_to, find_program

_CHECK_TIMEOUT_S = 60  # a cold import on a slow disk


@dataclass(frozen=True, slots=True)
class Accounts:
    """None: stay who we are. `note` says once why services kept root, if they did."""

    services: str | None
    engines: str | None
    note: str = ""


def accounts(run_as: str) -> Accounts:
    """Accounts for services and for engines (PostgreSQL refuses root). StartupFailed when root finds none."""
    if os.geteuid() != 0:
        return Accounts(None, None)
    if not _exists(run_as):
        if not _exists("postgres"):
            raise StartupFailed(f"site.run_as: there is no account {run_as}: run `make setup` as root")
        return Accounts(None, "postgres", f"no account {run_as} (`make setup` makes it): the services run as root")
    if not _runs_services(run_as):
        return Accounts(
            None, run_as, f"{run_as} may not execute {sys.executable} or read its packages: the services run as root"
        )
    return Accounts(run_as, run_as)


def hand_over(path: Path, user: str) -> None:
    """Make `path` the account's and its group's."""
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _runs_services(user: str) -> bool:
    """Ask the kernel, not the mode bits: start the interpreter as that account and import us.

    Through a shell, because setpriv itself still finds its program with root's rights.
    """
    setpriv = find_program("setpriv")
    if setpriv is None:
        raise StartupFailed("setpriv (package util-linux) is not installed: run `make setup`")
    script = 'exec "$0" -c "import playnet.config"'
    command = [setpriv, *drop_to(user), "--", "/bin/sh", "-c", script, sys.executable]
    try:
        done = subprocess.run(command, cwd="/", capture_output=True, timeout=_CHECK_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
