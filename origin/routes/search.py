"""`/api/v1/search`: find public assets."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from starlette.requests import Request

from origin.adapters.search import Search
from origin.core.searching import Found, Sought, query_language, read_place, represent_hits

from .assets import problems
from .pagination import NEXT, paged


def searching(search: Search, public_url: str) -> APIRouter:
    """What everybody may call."""
    router = APIRouter(prefix="/api/v1/search", tags=["assets"])

    @router.get("", responses={200: {"headers": NEXT, "model": Found}, **problems(400, 503)})
    async def search_assets(
        request: Request,
        sought: Annotated[Sought, Query()],
        accept_language: Annotated[str | None, Header(description="Whose word endings the query has.")] = None,
    ) -> Response:
        """Search titles, tags, categories and descriptions of public assets, the best first."""
        after = read_place(sought.cursor) if sought.cursor is not None else None
        language = sought.language or query_language(accept_language)
        hits = await search.find(sought.text(), language, sought.labels(), after, sought.limit)
        return paged(request, represent_hits(hits, public_url), q=hits.corrected)

    return router
