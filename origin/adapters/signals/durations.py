"""Which assets can be watched, and how long they play."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from origin.adapters.statements import SQL
from origin.core.recent import Recent
from playnet.db.pool import Connection
from playnet.media.records import Presentation
from playnet.names import AssetId

_MAX_KNOWN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Watchable:
    """An asset that plays."""

    revision: int
    duration_ms: int


class Durations:
    """A revision's duration never changes; which one is current is asked each time."""

    def __init__(self) -> None:
        self._known: Recent[tuple[AssetId, int], int] = Recent(_MAX_KNOWN)

    async def of(self, connection: Connection, assets: Iterable[AssetId]) -> Mapping[AssetId, Watchable]:
        """Those that live and play."""
        rows = await connection.fetch(SQL["watchable_assets"], sorted(set(assets)))
        return {
            AssetId(row["id"]): Watchable(
                row["revision"], await self.ask(connection, AssetId(row["id"]), row["revision"])
            )
            for row in rows
        }

    async def ask(self, connection: Connection, asset: AssetId, revision: int) -> int:
        """In milliseconds; 0 for a revision that has nothing to play."""
        known = self._known.get((asset, revision))
        if known is not None:
            return known
        stored = await connection.fetchval(SQL["presentation_of"], asset, revision)
        if not stored:
            return 0
        duration_ms = round(Presentation.model_validate(stored, strict=False).duration_s * 1000)
        self._known.put((asset, revision), duration_ms)
        return duration_ms
