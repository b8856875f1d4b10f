"""Whether a request may know of an asset: by who makes it, or by a playback token that it carries."""

from typing import Any, Final

from starlette.requests import Request

from origin.adapters.assets import Assets
from origin.adapters.playback import Signing
from origin.core.accounts.callers import AUTOMATION
from origin.core.visibility import Standing
from playnet.names import AssetId

from .authorisation import address_of, caller_of

HEADER: Final = "Playback-Token"
DOCUMENTED: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "Shows a private video to who may play it.",
        }
    ]
}


class Sight:
    """Asks `origin.core.visibility`."""

    def __init__(self, assets: Assets, signing: Signing) -> None:
        self._assets = assets
        self._signing = signing

    async def require(self, request: Request, asset: AssetId) -> Standing:
        """NotFound, the same for what is not there and for what this request may not know of."""
        token = request.headers.get(HEADER)
        admitted = token is not None and self._signing.admits(token, asset, address_of(request))
        return await self._assets.require_seen(asset, AUTOMATION if admitted else caller_of(request))
