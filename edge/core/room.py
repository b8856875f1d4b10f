"""How much a cache may hold: its quota, and what the disk has left for others. Pure.

A cache is worth nothing to a host whose database has no room to write, so a node leaves some of the disk alone even
when its quota would allow more, and gives bytes back when others fill the disk.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """What a node knows of its room, in bytes. `reserved`: promised to bodies that arrive, counted as not written yet;
    `free`: left on the file system; `spare`: of that, what must stay free."""

    quota: int
    held: int
    reserved: int
    free: int
    spare: int

    def excess(self, wanted: int) -> int | None:
        """How many held bytes have to go before `wanted` more may come; None when not even all of them would do."""
        promised = self.reserved + wanted
        excess = max(0, self.held + promised - self.quota, promised + self.spare - self.free)
        return excess if excess <= self.held else None
