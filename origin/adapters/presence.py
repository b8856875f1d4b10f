"""Which assets may be served, and to whom: asked of PostgreSQL at most every two seconds for each.

Media files do not need the database, but a deleted asset's must stop at once: an edge that fetched one between the
purge and the sweep would keep it for a year.
"""

import asyncio
import time
from typing import Final

from origin.core.recent import Recent
from origin.core.visibility import Visibility
from playnet.errors import Unavailable
from playnet.names import AssetId

from .assets import Assets, absent

TRUSTED_S: Final = 2.0
_ASK_S: Final = 2.0  # a viewer's buffer is short: a database that is silent must not cost each segment its time-out
_SILENT_S: Final = (
    5.0  # how long a database that was just found silent is not asked for an asset of which nothing is known
)
_MAX_ASSETS: Final = 10_000


_Known = tuple[Visibility | None, float]  # None: it does not live; and when that was known


class Presence:
    """A short memory of which assets live."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._seen: Recent[AssetId, _Known] = Recent(_MAX_ASSETS)
        self._silent_until_s = 0.0

    async def require(self, asset: AssetId) -> Visibility | None:
        """Who may play it; NotFound for a deleted or unknown asset. Without the database the last answer counts, or None."""
        known = self._seen.get(asset)
        now_s = time.monotonic()
        if (known is None or now_s - known[1] > TRUSTED_S) and now_s >= self._silent_until_s:
            known = await self._ask(asset) or known
        if known is not None and known[0] is None:
            raise absent(asset)
        return known[0] if known is not None else None

    async def _ask(self, asset: AssetId) -> _Known | None:
        """Whether it lives, and when that was known; None when the database does not say."""
        try:
            async with asyncio.timeout(_ASK_S):
                answer = (await self._assets.visibility(asset), time.monotonic())
        except (Unavailable, TimeoutError):
            self._silent_until_s = time.monotonic() + _SILENT_S
            return None
        self._seen.put(asset, answer)
        return answer

    def note(self, asset: AssetId, visibility: Visibility) -> None:
        """It was just read with something else."""
        self._seen.put(asset, (visibility, time.monotonic()))

    def forget(self, asset: AssetId) -> None:
        """Ask again next time: it was just deleted here."""
        self._seen.drop(asset)
