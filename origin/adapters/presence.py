"""Which assets may be served: asked of PostgreSQL at most every two seconds for each.

Media files do not need the database, but a deleted asset's must stop at once: an edge that fetched one between the
purge and the sweep would keep it for a year.
"""

import time
from typing import Final

from origin.core.recent import Recent
from playnet.errors import Unavailable
from playnet.names import AssetId

from .assets import Assets, absent

_TRUSTED_S: Final = 2.0
_MAX_ASSETS: Final = 10_000


class Presence:
    """A short memory of which assets live."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._seen: Recent[AssetId, tuple[bool, float]] = Recent(_MAX_ASSETS)

    async def require(self, asset: AssetId) -> None:
        """NotFound for a deleted or unknown asset. Without the database the last answer counts, or yes."""
        known = self._seen.get(asset)
        if known is None or time.monotonic() - known[1] > _TRUSTED_S:
            try:
                known = (await self._assets.lives(asset), time.monotonic())
                self._seen.put(asset, known)
            except Unavailable:
                known = known or (True, 0.0)
        if not known[0]:
            raise absent(asset)

    def forget(self, asset: AssetId) -> None:
        """Ask again next time: it was just deleted here."""
        self._seen.drop(asset)
