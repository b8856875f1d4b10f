"""Errors as RFC 9457 problem documents, made in one place for all services."""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from playnet.errors import PlayNetError, Unavailable
from playnet.logs import logger

log = logger(__name__)


def problem(request: Request, *, status: int, code: str, title: str, detail: str, **extra: Any) -> JSONResponse:
    """One problem document. `type` is a relative reference to the code's page in the documentation."""
    body = {"type": f"/docs/errors#{code}", "title": title, "status": status, "detail": detail, "code": code}
    body["request_id"] = getattr(request.state, "request_id", None)
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "2"
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="playnet"'
    return JSONResponse({**body, **extra}, status, headers, media_type="application/problem+json")


async def _playnet_error(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, PlayNetError)
    if exc.http_status >= 500:
        level = log.warning if isinstance(exc, Unavailable) else log.error
        level("request.failed", code=exc.code, detail=str(exc), **exc.context)
    return problem(request, status=exc.http_status, code=exc.code, title=exc.title, detail=str(exc))


async def _http_exception(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    code = "not-found" if exc.status_code == 404 else "http"
    response = problem(request, status=exc.status_code, code=code, title=exc.detail, detail=exc.detail)
    response.headers.update(exc.headers or {})
    return response


async def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    log.exception("request.crashed", exc_info=exc)
    return problem(
        request,
        status=500,
        code=PlayNetError.code,
        title=PlayNetError.title,
        detail="The operator finds the cause in the service's log under this request id.",
    )


def install(app: Starlette) -> None:
    """Give `app` the handlers for the whole error tree."""
    app.add_exception_handler(PlayNetError, _playnet_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)
