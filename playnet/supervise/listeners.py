"""Whether the addresses that the YAML names are free, asked before anything starts."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from playnet.config import Address, Config
from playnet.errors import StartupFailed


def listeners(config: Config) -> dict[str, Address]:
    """Every address that this box will listen on, by the key of its setting."""
    edges = {f"edges.{index}.listen": edge.listen for index, edge in enumerate(config.edges)}
    return {"lb.listen": config.lb.listen, "origin.listen": config.origin.listen, **edges}


def check_free(wanted: dict[str, Address]) -> None:
    """Bind each once. StartupFailed, in one line, names setting, address, and the process that has it."""
    with ExitStack() as stack:
        for setting, address in wanted.items():
            _bind(stack, setting, address)


def _bind(stack: ExitStack, setting: str, address: Address) -> None:
    host = address.host.strip("[]")
    try:
        found = socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as exc:
        raise StartupFailed(f"{setting}: {address}: no such host: {exc.strerror}") from exc
    family, kind, protocol, _, target = found[0]
    sock = stack.enter_context(socket.socket(family, kind, protocol))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(target)
        sock.listen(1)
    except OSError as exc:
        raise StartupFailed(f"{setting}: {_reason(exc, address)}") from exc


def _reason(exc: OSError, address: Address) -> str:
    match exc.errno:
        case errno.EADDRINUSE:
            return f"{address} is taken by {holder(address.port) or 'another process'}: stop it or set another port"
        case errno.EADDRNOTAVAIL:
            return f"{address}: this host has no such address"
        case errno.EACCES:
            return f"{address}: ports below 1024 need root"
        case _:
            return f"{address} cannot be listened on: {exc.strerror}"


def holder(port: int) -> str | None:
    """`name (pid N)` of a process that listens on a TCP port; None when /proc does not show it to us."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _holds(process, inodes):
            name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
            return f"{name} (pid {process.name})"
    return None


def _listening_inodes(port: int) -> Iterator[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if not table.exists():
            continue
        for line in table.read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            local, state, inode = fields[1], fields[3], fields[9]
            if state == "0A" and int(local.rpartition(":")[2], 16) == port:  # 0A: LISTEN
                yield inode


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir())
    except OSError:  # gone meanwhile, or not ours to look at
        return False
