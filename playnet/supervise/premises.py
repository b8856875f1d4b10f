"""The data directory on disk: folders with the right owners, secrets of its own, and a clean `run` folder.

Everything but `make_root` is called with the lock held, so whatever lies in `run` is a leftover.
"""

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from playnet.config import Config
from playnet.errors import StartupFailed
from playnet.layout import Layout
from playnet.nginx import end_orphans
from playnet.token_keys import fresh_keys

from .account import Accounts, hand_over
from .process import drop_to, find_program

_OURS = {"lock", "run", "postgres", "redis", "objects", "logs", "secrets"}


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    mode: int
    user: str | None


def make_root(root: Path) -> None:
    """Make the data directory. StartupFailed for a folder that cannot be made or that holds something else."""
    missing = [path for path in (root, *root.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir()
            path.chmod(0o755)  # whatever the umask says: the services' account must get through
        inside = {path.name for path in root.iterdir()}
    except OSError as exc:
        raise StartupFailed(f"data directory {root}: {exc.strerror} ({exc.filename})") from exc
    if inside and not inside & _OURS:
        raise StartupFailed(f"data directory {root} is not empty and not PlayNet's: choose another one (`--data DIR`)")


def prepare(config: Config, layout: Layout, accounts: Accounts) -> None:
    """Make all folders, check who owns them, sweep `run`, make secrets, leave the settings for the services."""
    _check_owner(layout, accounts)
    try:
        for folder in _folders(config, layout, accounts):
            folder.path.mkdir(parents=True, exist_ok=True)
            folder.path.chmod(folder.mode)
            if folder.user is not None:
                hand_over(folder.path, folder.user)
        sweep(layout)
        if config.auth.api_token_file is None and not layout.api_token.exists():
            _write(layout.api_token, secrets.token_urlsafe(32) + "\n", 0o600, accounts.services)
        if config.edge_tuning.parents.key_file is None and config.is_one_host and not layout.fleet_key.exists():
            _write(layout.fleet_key, secrets.token_urlsafe(32) + "\n", 0o600, accounts.services)
        if config.tokens.keys_file is None and not layout.token_keys.exists():
            _write(layout.token_keys, fresh_keys().dumped(), 0o600, accounts.services)
        settings = config.model_copy(update={"data_dir": layout.root}).model_dump(mode="json")
        _write(settings_file(layout), yaml.safe_dump(settings, sort_keys=False), 0o644, accounts.services)
    except OSError as exc:
        raise StartupFailed(f"data directory {layout.root}: {exc.strerror} ({exc.filename})") from exc
    _check_reach(layout.run, accounts)


def settings_file(layout: Layout) -> Path:
    """What the services of this run read: the YAML as it was at start, so that a restarted child agrees with the others."""
    return layout.run / "playnet.yaml"


def sweep(layout: Layout) -> None:
    """Empty the `run` folder. Only while no process of the appliance runs."""
    for path in layout.run.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def end_orphans_of(layout: Layout) -> None:
    """End what nginx masters left that were killed. Only with the data directory's lock held."""
    for folder in (layout.root / "nginx").glob("*"):
        end_orphans(folder)


def _folders(config: Config, layout: Layout, accounts: Accounts) -> list[_Folder]:
    services = accounts.services
    folders = [
        _Folder(layout.run, 0o700, accounts.engines),  # trust authentication rests on this mode
        _Folder(layout.redis, 0o700, accounts.engines),
        _Folder(layout.secrets, 0o700, services),
        _Folder(layout.objects, 0o750, services),
        _Folder(layout.staging, 0o750, services),
        _Folder(layout.work, 0o750, services),
        _Folder(layout.logs, 0o750, services),
        _Folder(layout.root / "edges", 0o750, services),
        _Folder(layout.root / "nginx", 0o750, services),
    ]
    if config.storage.kind == "file" and config.storage.path is not None:
        folders.append(_Folder(config.storage.path, 0o750, services))
    caches = [edge.cache_dir for edge in config.edges if edge.cache_dir is not None]
    return [*folders, *(_Folder(path, 0o750, services) for path in caches)]


def _check_owner(layout: Layout, accounts: Accounts) -> None:
    """The cluster's owner decides: PostgreSQL refuses a folder of anybody else."""
    if not layout.postgres.exists():
        return
    owner = layout.postgres.stat().st_uid
    wanted = pwd.getpwnam(accounts.engines).pw_uid if accounts.engines is not None else os.geteuid()
    if owner == wanted:
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"uid {owner}"
    account = accounts.engines or pwd.getpwuid(os.geteuid()).pw_name
    remedy = f"`chown -R {account} {layout.root}` hands it over" if os.geteuid() == 0 else f"start as {name} or as root"
    raise StartupFailed(
        f"data directory {layout.root} belongs to {name}, this appliance would run as {account}: {remedy}"
    )


def _check_reach(folder: Path, accounts: Accounts) -> None:
    if accounts.engines is None:
        return
    setpriv = find_program("setpriv") or "setpriv"
    command = [setpriv, *drop_to(accounts.engines), "--", "test", "-x", str(folder)]
    if subprocess.run(command, cwd="/", capture_output=True, timeout=20, check=False).returncode != 0:
        closed = [path for path in reversed(folder.parents) if not path.stat().st_mode & 0o001]
        where = closed[0] if closed else folder
        raise StartupFailed(
            f"account {accounts.engines} cannot enter {where}: `chmod o+x {where}`, or choose another data_dir"
        )


def _write(path: Path, text: str, mode: int, user: str | None) -> None:
    """Write a small file whole, on disk before it has its name."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)
    partial.chmod(mode)
    if user is not None:
        hand_over(partial, user)
    partial.replace(path)
