"""Gives up whatever a decoder does not need, then becomes the tool: `python -I -S confine.py POLICY -- TOOL ARGUMENT…`

Imported by nobody and importing nothing of ours: between its start and `exec` stand 30 ms. Three walls that the kernel
may or may not offer (docs/decisions/sandbox.md), each one by itself enough for what it is there for:

    namespace   no network interface but a loopback that is down
    landlock    files: only those of the policy; no TCP, no signals to others (landlock(7))
    seccomp     no socket, no new process, no mount, no tracing (seccomp(2)); threads are allowed

and what every kernel has: limits, no new privileges, SIGKILL when the parent dies. POLICY is JSON: `read` and `run`
(paths), `write` (a folder or null), `limits` (names of RLIMIT_* and values), `parent` (its process id), `required`.
Without TOOL it prints which walls stand, and what it still reaches of `reach` (a TCP port, a file, a folder).
"""

import ctypes
import errno
import json
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

_CANNOT = 125  # exit status, as env(1) has it; the reason stands on stderr
_LIBC = ctypes.CDLL(None, use_errno=True)

_NEW_USER, _NEW_NET, _NEW_IPC, _THREAD = 0x10000000, 0x40000000, 0x08000000, 0x00010000  # linux/sched.h
_PDEATHSIG, _CAPBSET_DROP, _SECCOMP, _NO_NEW_PRIVS = 1, 24, 22, 38  # linux/prctl.h
_KEPT_CAPABILITIES = {1, 2}  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root reads other accounts' uploads

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 14
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | 1 << 15
_OF_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}  # from 5 on also ioctls on devices
_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
_SYSTEM = ("/dev/null", "/dev/urandom", "/sys/devices/system")  # encoders ask how many cores there are

# Numbers of system calls: x86-64, arm64.
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_FORBIDDEN: dict[str, tuple[int, int | None]] = {
    "socket": (41, 198), "socketpair": (53, 199), "io_uring_setup": (425, 425), "fork": (57, None), "vfork": (58, None),
    "kill": (62, 129), "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsmount": (432, 432), "mount_setattr": (442, 442), "bpf": (321, 280),
    "perf_event_open": (298, 241), "kexec_load": (246, 104), "init_module": (175, 105), "finit_module": (313, 273),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
}  # fmt: skip
_CLONE, _CLONE3, _TGKILL = (56, 220), (435, 435), (234, 131)
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000


def main() -> int:
    """Build the walls, then exec; returns only without a tool."""
    policy, tool = json.loads(sys.argv[1]), sys.argv[3:]
    standing = walls(policy)
    missing = {name: why for name, why in standing.items() if why is not None}
    if missing and policy["required"] and tool:
        print(f"the kernel refuses {missing}", file=sys.stderr)
        return _CANNOT
    if tool:
        os.execve(tool[0], tool, {})
    print(json.dumps({"missing": missing, "reached": reached(policy["reach"])}))
    return 0


def walls(policy: dict[str, Any]) -> dict[str, str | None]:
    """Everything in its order; for each wall None or why it does not stand."""
    _die_with(policy["parent"])
    for name, value in policy["limits"].items():
        _limit(getattr(resource, f"RLIMIT_{name}"), value)
    _check(_LIBC.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))
    standing = {"namespace": _tried(namespace), "landlock": _tried(landlock, policy)}
    _tried(drop_capabilities)
    _die_with(policy["parent"])  # a change of credentials forgot it
    standing["seccomp"] = _tried(seccomp)
    return standing


def _die_with(parent: int) -> None:
    """SIGKILL when the parent ends; at once when it has."""
    _check(_LIBC.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        raise SystemExit(_CANNOT)


def namespace() -> None:
    """A network of its own; root needs no user namespace for it, others do."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0 and _LIBC.unshare(_NEW_NET | _NEW_IPC) == 0:
        return
    _check(_LIBC.unshare(_NEW_USER | _NEW_NET | _NEW_IPC))
    for file, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{file}", "w") as target:
            target.write(text)


def landlock(policy: dict[str, Any]) -> None:
    """Only the files of the policy."""
    abi = _check(_LIBC.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    handled = _OF_ABI.get(abi, (1 << 16) - 1)
    attributes = struct.pack("=3Q", handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    rules = _check(_LIBC.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0))
    read = _READ_FILE | _READ_DIR
    for paths, allowed in (
        (policy["read"] + list(_SYSTEM), read),
        (policy["run"] + list(_LIBRARIES), read | _EXECUTE),
        ([policy["write"]] if policy["write"] else [], handled & ~_EXECUTE),
    ):
        for path in paths:
            _allow(rules, path, allowed & handled)
    _check(_LIBC.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


def _allow(rules: int, path: str, allowed: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no rule
    if not os.path.isdir(path):
        allowed &= _OF_FILES
    _check(_LIBC.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", allowed, place), 0))
    os.close(place)


def drop_capabilities() -> None:
    """What root still has after exec is what the bounding set holds."""
    for capability in range(64):
        if capability not in _KEPT_CAPABILITIES:
            _LIBC.prctl(_CAPBSET_DROP, capability, 0, 0, 0)


def seccomp() -> None:
    """A filter that refuses with EPERM; programs of another architecture are killed."""
    machine = platform.machine()
    if machine not in _AUDIT_ARCH:
        raise OSError(errno.ENOSYS, f"no system call numbers for {machine}")
    column = list(_AUDIT_ARCH).index(machine)
    refuse, unknown = _REFUSE | errno.EPERM, _REFUSE | errno.ENOSYS
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, _AUDIT_ARCH[machine]), (0x06, 0, 0, _KILL), (0x20, 0, 0, 0)]
    if machine == "x86_64":
        code += [(0x35, 0, 1, 0x40000000), (0x06, 0, 0, _KILL)]  # the x32 numbers
    for numbers in _FORBIDDEN.values():
        if (number := numbers[column]) is not None:
            code += [(0x15, 0, 1, number), (0x06, 0, 0, refuse)]
    code += [(0x15, 0, 1, _CLONE3[column]), (0x06, 0, 0, unknown)]  # its flags lie in memory: use the old one
    for entry, permitted in ((_CLONE[column], (0x45, 1, 0, _THREAD)), (_TGKILL[column], (0x15, 1, 0, os.getpid()))):
        code += [(0x15, 0, 4, entry), (0x20, 0, 0, 16), permitted, (0x06, 0, 0, refuse), (0x06, 0, 0, _ALLOW)]
    code += [(0x06, 0, 0, _ALLOW)]
    filters = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in code))
    program = struct.pack("@HP", len(code), ctypes.addressof(filters))
    _check(_LIBC.prctl(_SECCOMP, 2, program, 0, 0))


def reached(targets: dict[str, Any]) -> list[str]:
    """Names of what must not be reachable and is."""
    attempts = {
        "network": lambda: _connect(targets["port"]),
        "files": lambda: open(targets["file"], "rb").close(),
        "folders": lambda: open(os.path.join(targets["folder"], "written"), "xb").close(),
    }
    return [name for name, attempt in attempts.items() if _tried(attempt) is None]


def _connect(port: int) -> None:
    import socket  # noqa: PLC0415 - only here: it costs 5 ms

    socket.create_connection(("127.0.0.1", port), timeout=1).close()


def _limit(which: int, value: int) -> None:
    """Never above what we were given ourselves."""
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _tried(build: Callable[..., object], *arguments: object) -> str | None:
    try:
        build(*arguments)
    except OSError as exc:
        return exc.strerror or str(exc)
    return None


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


if __name__ == "__main__":
    sys.exit(main())
