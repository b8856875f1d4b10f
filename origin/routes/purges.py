"""`/api/v1/purges`: make every edge forget."""

from fastapi import APIRouter, Security

from origin.adapters.purges import Purges
from origin.core.representation import PurgeAccepted
from playnet.purge.order import PurgeOrder

from .assets import problems
from .authorisation import documented_token


def writing(purges: Purges) -> APIRouter:
    """What needs the token."""
    router = APIRouter(prefix="/api/v1/purges", tags=["purges"], dependencies=[Security(documented_token)])

    @router.post("", status_code=202, responses=problems(400, 401, 503))
    async def order_purge(order: PurgeOrder) -> PurgeAccepted:
        """Order a purge. Accepted means: it reaches every edge, also those that are away now."""
        return PurgeAccepted(id=await purges.order(order))

    return router
