"""Room within the quota, promised before the bytes come."""

from dataclasses import dataclass
from typing import Protocol


class _Store(Protocol):
    async def make_room(self, size_bytes: int) -> bool: ...

    def give_back(self, size_bytes: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """`quota_bytes`: of all bodies. `spare_bytes`: of the file system, left to others. `memory_bytes`: of small bodies at hand."""

    quota_bytes: int
    spare_bytes: int = 0
    memory_bytes: int = 64 << 20


class Reservation:
    """Room within the quota for one body that is arriving."""

    def __init__(self, store: _Store) -> None:
        self._store = store
        self.held_bytes = 0

    async def grow(self, size_bytes: int) -> bool:
        """Hold at least `size_bytes`, evicting others; False when even an empty cache would not have the room."""
        missing = size_bytes - self.held_bytes
        if missing >= 0 and not await self._store.make_room(missing):
            return False
        self.held_bytes = max(self.held_bytes, size_bytes)
        return True

    def release(self) -> None:
        """Give the room back; the store counts what was published."""
        self._store.give_back(self.held_bytes)
        self.held_bytes = 0
