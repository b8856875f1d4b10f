"""Errors as RFC 9457 problem documents, made in one place for all services."""

from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from playnet.errors import PlayNetError, TooLarge, TooManyTries, Unavailable
from playnet.logs import logger

log = logger(__name__)

RETRY_AFTER_S = 2
MEDIA_TYPE = "application/problem+json"

_CODES = {404: "not-found", 405: "method-not-allowed", 413: TooLarge.code, 431: "head-too-large"}


def problem(request: Request, *, status: int, code: str, title: str, detail: str, **extra: Any) -> JSONResponse:
    """One problem document. `type` is a relative reference to the code's page in the documentation."""
    body = {"type": f"/docs/errors#{code}", "title": title, "status": status, "detail": detail, "code": code}
    body["request_id"] = getattr(request.state, "request_id", None)
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="playnet"'
    return JSONResponse({**body, **extra}, status, headers, media_type=MEDIA_TYPE)


def answer(request: Request, error: PlayNetError) -> JSONResponse:
    """The document for an error of the tree. What an operator has to look at is logged."""
    if error.http_status >= 500:
        level = log.warning if isinstance(error, Unavailable) else log.error
        level("request.failed", code=error.code, detail=str(error), **error.context)
    document = problem(request, status=error.http_status, code=error.code, title=error.title, detail=str(error))
    if isinstance(error, TooManyTries):
        document.headers["Retry-After"] = str(error.retry_after_s)
    return document


async def _playnet_error(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, PlayNetError)
    return answer(request, exc)


async def _http_exception(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)
    phrase = HTTPStatus(exc.status_code).phrase
    code = _CODES.get(exc.status_code, "http")
    response = problem(request, status=exc.status_code, code=code, title=phrase, detail=exc.detail or phrase)
    response.headers.update(exc.headers or {})
    return response


def crash(request: Request) -> JSONResponse:
    """What nobody foresaw, told without a detail; the caller has logged it."""
    return problem(
        request,
        status=500,
        code=PlayNetError.code,
        title=PlayNetError.title,
        detail="The operator finds the cause in the service's log under this request id.",
    )


async def _unexpected(request: Request, exc: Exception) -> JSONResponse:
    log.exception("request.crashed", exc_info=exc)
    return crash(request)


def install(app: Starlette) -> None:
    """Give `app` the handlers for the whole error tree."""
    app.add_exception_handler(PlayNetError, _playnet_error)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_exception_handler(Exception, _unexpected)
