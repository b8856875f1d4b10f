"""The parts of an nginx.conf that every instance shares. Pure.

Nothing here names a path outside the instance's folder: the defaults compiled into distribution packages do
(/var/log, /var/lib, /run), and a plain user could not write there.
"""

from dataclasses import dataclass
from pathlib import Path

from playnet.names import CONNECTION_FIELD

_TEMP_KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What one instance gets from its host.

    `user`: value of the `user` directive (`ACCOUNT GROUP`), only meaningful for a master that is root; None leaves it out.
    `open_files`: descriptors that each worker may hold.
    """

    folder: Path
    user: str | None = None
    workers: int | None = None
    open_files: int = 1024

    @property
    def temp(self) -> Path:
        """Bodies that nginx spills to disk; emptied at start."""
        return self.folder / "temp"


def quoted(value: object) -> str:
    """One nginx argument, whatever it contains except a NUL or a `$` (variables expand in most directives)."""
    text = str(value)
    if "\0" in text or "$" in text:
        raise ValueError(f"nginx cannot take {text!r} as a plain value")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main_block(process: Process) -> str:
    """Directives above `http`: foreground, messages to stderr, workers and their limits.

    Half of the descriptors become connections: a proxied or file-backed request needs two.
    """
    lines = [
        "daemon off;",
        f"pid {quoted(process.folder / 'nginx.pid')};",
        f"lock_file {quoted(process.folder / 'nginx.lock')};",
        "error_log stderr warn;",
        f"worker_processes {process.workers or 'auto'};",
        f"worker_rlimit_nofile {process.open_files};",
        "worker_shutdown_timeout 30s;",  # a reload lets old workers finish, but not for ever
        f"events {{ worker_connections {max(process.open_files // 2, 64)}; }}",
    ]
    if process.user is not None:
        lines.insert(0, f"user {process.user};")
    return "\n".join(lines) + "\n"


def temp_paths(process: Process) -> list[str]:
    """Directives for the `http` block that keep spilled bodies below the instance's folder."""
    return [f"{kind}_temp_path {quoted(process.temp / kind)};" for kind in _TEMP_KINDS]


def connection_named(variable: str) -> list[str]:
    """A map for `http`: the fields that Connection named at this hop and at an nginx of ours before it."""
    before = f"$http_{CONNECTION_FIELD.replace('-', '_')}"
    return [
        f'map "$http_connection,{before}" {variable} {{',
        f'    default "$http_connection,{before}";',
        '    , "";',
        "}",
    ]
