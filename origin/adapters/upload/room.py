"""Whether there is room for a source."""

from dataclasses import dataclass

from playnet.errors import StorageFull, TooLarge
from playnet.store.port import ObjectStore


@dataclass(frozen=True, slots=True)
class Room:
    """`max_bytes`: of one source. `spare_bytes`: of the store, left free."""

    store: ObjectStore
    max_bytes: int
    spare_bytes: int

    async def check(self, size_bytes: int) -> None:
        """Raise TooLarge or StorageFull when a source of this size cannot be taken now."""
        if size_bytes > self.max_bytes:
            raise TooLarge(f"a source may have at most {self.max_bytes} bytes, this one has {size_bytes}")
        free = await self.store.free_bytes()
        if free is not None and free - size_bytes < self.spare_bytes:
            raise StorageFull(
                f"{size_bytes} bytes do not fit: {free} are free, of which {self.spare_bytes} must stay free"
            )
