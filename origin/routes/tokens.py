"""`/api/v1/tokens`, `/api/v1/revocations`: addresses to play private video, and their end."""

from fastapi import APIRouter, Security

from origin.adapters.playback import Revoking, Signing, Visibilities
from origin.core.playback import AssetEdit, NewRevocation, NewToken, PlaybackView, RevocationAccepted, VisibilityView

from .assets import known, problems
from .authorisation import documented_token


def writing(signing: Signing, revoking: Revoking, visibilities: Visibilities) -> APIRouter:
    """What needs the token."""
    router = APIRouter(prefix="/api/v1", tags=["playback"], dependencies=[Security(documented_token)])

    @router.post("/tokens", status_code=201, responses=problems(400, 401, 404, 503))
    async def sign_token(wanted: NewToken) -> PlaybackView:
        """Make addresses that play one asset, public or private, for as long as they are valid."""
        return await signing.sign(known(wanted.asset), wanted)

    @router.post("/revocations", status_code=202, responses=problems(400, 401, 503))
    async def order_revocation(wanted: NewRevocation) -> RevocationAccepted:
        """Revoke all tokens of a subject, a session or a key, or for a path, that were issued until now."""
        return await revoking.order(wanted)

    @router.patch("/assets/{asset_id}", responses=problems(400, 401, 404, 503))
    async def edit_asset(asset_id: str, edit: AssetEdit) -> VisibilityView:
        """Make an asset private or public. The answer takes three seconds and means: no edge goes by the old one."""
        asset = known(asset_id)
        await visibilities.set(asset, edit.visibility)
        return VisibilityView(id=asset, visibility=edit.visibility)

    return router
