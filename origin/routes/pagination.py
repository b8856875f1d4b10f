"""Pages of lists as answers: the JSON text as pydantic writes it, and where the next page is (RFC 8288)."""

from typing import Any, Final, Protocol

from fastapi import Response
from starlette.requests import Request

NEXT: Final[dict[str, Any]] = {
    "Link": {"description": "The page after this one, `rel=next`. RFC 8288.", "schema": {"type": "string"}}
}


class _Page(Protocol):
    next: str | None

    def model_dump_json(self) -> str: ...


def paged(request: Request, page: _Page, **instead: str | None) -> Response:
    """The page; `instead`: parameters that the next one is asked for with. FastAPI would convert it a second time."""
    response = Response(page.model_dump_json(), media_type="application/json")
    if page.next is not None:
        following = request.url.include_query_params(
            cursor=page.next, **{name: value for name, value in instead.items() if value is not None}
        )
        response.headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return response
