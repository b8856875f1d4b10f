"""`/api/v1/purges`: make every edge forget."""

from typing import Annotated

from fastapi import APIRouter, Path, Response, Security

from origin.adapters.purges import Purges
from origin.core.representation import NewPurge, PurgeAccepted, PurgeReport

from .assets import problems
from .authorisation import documented_token

_MAX_ID = (1 << 63) - 1


def writing(purges: Purges) -> APIRouter:
    """What needs the token."""
    router = APIRouter(prefix="/api/v1/purges", tags=["purges"], dependencies=[Security(documented_token)])

    @router.post(
        "", status_code=202,
        responses={200: {"model": PurgeReport, "description": "A dry run: what would be forgotten."}, **problems(400, 401, 503)},
    )  # fmt: skip
    async def order_purge(purge: NewPurge, response: Response) -> PurgeAccepted | PurgeReport:
        """Order a purge. Accepted means: it reaches every edge, also those that are away now."""
        if purge.dry_run:
            response.status_code = 200
            return await purges.forecast(purge.order)
        return PurgeAccepted(id=await purges.order(purge.order))

    @router.get("/{purge_id}", responses=problems(400, 401, 503))
    async def show_purge(purge_id: Annotated[int, Path(ge=1, le=_MAX_ID)]) -> PurgeReport:
        """Which edges have applied an order, and how much each forgot. Edges' words are kept for ten minutes."""
        return await purges.progress(purge_id)

    return router
