"""One appliance on one data directory."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from playnet.errors import StartupFailed
from playnet.supervise.lock import Lock, is_held, owner_of
from tests.aio import run, until

_HOLDER = """
import sys
from pathlib import Path
from playnet.supervise.lock import Lock
with Lock.acquire(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_appliance_is_refused_by_pid(short_tmp: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(short_tmp)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        owner = owner_of(short_tmp)
        assert owner is not None
        assert owner.pid == holder.pid
        with pytest.raises(StartupFailed, match=rf"another appliance .*\(pid {holder.pid}\).*`playnet down`"):
            Lock.acquire(short_tmp)
        holder.kill()
    assert owner_of(short_tmp) is None
    with Lock.acquire(short_tmp):
        assert is_held(short_tmp)
    assert not is_held(short_tmp)


def test_a_recycled_pid_is_nobody(short_tmp: Path) -> None:
    """After a power loss the pid in the file may be another program's: the start time tells."""
    (short_tmp / "lock").write_text(f"{os.getppid()} 1\n")
    assert owner_of(short_tmp) is None
    with Lock.acquire(short_tmp):
        assert re.fullmatch(rf"{os.getpid()} \d+\n", (short_tmp / "lock").read_text())


def test_the_lock_waits_for_the_children_of_a_killed_holder(short_tmp: Path) -> None:
    heir = subprocess.Popen(["sleep", "60"], pass_fds=(fd := _leaked(short_tmp),))
    os.close(fd)
    (short_tmp / "lock").write_text("4194399 1\n")
    assert is_held(short_tmp)

    async def scenario() -> None:
        waiting = asyncio.create_task(asyncio.to_thread(Lock.acquire, short_tmp))
        heir.kill()
        with await waiting:
            assert is_held(short_tmp)

    run(scenario())
    heir.wait()
    run(until(lambda: not is_held(short_tmp)))


def _leaked(root: Path) -> int:
    lock = Lock.acquire(root)
    return lock.fd
