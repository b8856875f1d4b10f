"""`/api/v1/tokens`, `/api/v1/revocations`: addresses to play private video, and their end."""

from fastapi import APIRouter, Security
from starlette.requests import Request

from origin.adapters.assets import Assets
from origin.adapters.playback import Revoking, Signing
from origin.core.accounts.roles import Permission
from origin.core.playback import NewRevocation, NewToken, PlaybackView, RevocationAccepted

from .assets import known, problems
from .authorisation import caller_of, documented_token


def writing(signing: Signing, revoking: Revoking, assets: Assets) -> APIRouter:
    """What needs the token."""
    router = APIRouter(prefix="/api/v1", tags=["playback"], dependencies=[Security(documented_token)])

    @router.post("/tokens", status_code=201, responses=problems(400, 401, 404, 503))
    async def sign_token(wanted: NewToken, request: Request) -> PlaybackView:
        """Make addresses that play one asset, public or private, for as long as they are valid."""
        asset = known(wanted.asset)
        caller = caller_of(request)
        if Permission.ADMINISTER not in caller.permissions:  # who may see everything needs no look at the database
            await assets.require_seen(asset, caller)
        return await signing.sign(asset, wanted)

    @router.post("/revocations", status_code=202, responses=problems(400, 401, 503))
    async def order_revocation(wanted: NewRevocation) -> RevocationAccepted:
        """Revoke all tokens of a subject, a session or a key, or for a path, that were issued until now."""
        return await revoking.order(wanted)

    return router
