"""Password hashes by argon2id: one at a time, in a thread behind everything else, with a short queue.

One lane instead of RFC 9106's four (§4, second recommended option: t=3, m=64 MiB): it costs an attacker the same, and
keeps a hash on one core. The figures are in docs/decisions/accounts.md.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from playnet.errors import Unavailable

T = TypeVar("T")

_PASSES: Final = 3
_MEMORY_KIB: Final = 64 << 10
_LANES: Final = 1
_QUEUE: Final = 16  # about two seconds of waiting; who comes later is told to come back
_NICE: Final = 10
_DEADLINE_S: Final = 20.0


class Hashing:
    """Hash and verify. Raises Unavailable when too many ask at once."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._thread = ThreadPoolExecutor(1, "argon2", initializer=_step_back)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: bytes) -> str:
        """A PHC string with a fresh salt."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password: bytes, stored: str | None) -> bool:
        """Whether it is the password. Without a stored hash it is not, and takes as long to say so."""
        return await self._run(lambda: self._verify(password, stored))

    def is_dated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Forget what waits."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _verify(self, password: bytes, stored: str | None) -> bool:
        if self._nobodys is None:
            self._nobodys = self._hasher.hash(os.urandom(16))
        try:
            return self._hasher.verify(stored or self._nobodys, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _QUEUE:
            raise Unavailable("too many people sign in at this moment: try again in a few seconds")
        self._waiting += 1
        try:
            async with asyncio.timeout(_DEADLINE_S):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except TimeoutError as exc:
            raise Unavailable("the password could not be checked in time: try again in a few seconds") from exc
        finally:
            self._waiting -= 1


def _step_back() -> None:
    """On Linux a thread has a niceness of its own: requests go before hashes."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
