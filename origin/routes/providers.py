"""`/api/v1/providers`: sign in by OpenID Connect. People come here by links, so mistakes end on the sign-in page."""

import hashlib
import re
import secrets
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Query, Response
from starlette.requests import Request
from starlette.responses import RedirectResponse

from origin.adapters.callers import read_cookie
from origin.adapters.openid import OpenId, Where
from origin.core.accounts.flow import FLOW_S, safe_next
from origin.core.accounts.sessions import CookieRule
from origin.core.accounts.views import Providers, ProviderView
from playnet.errors import InvalidInput, NotFound, PlayNetError, TooManyTries, Unauthorized, Unavailable
from playnet.logs import logger

from .assets import problems
from .authorisation import address_of
from .sessions import Door, SignedIn, begin

log = logger(__name__)

_FLOW_COOKIE: Final = "flow"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_QUERY: Final = 8 << 10
_MAX_FORM: Final = 32 << 10
_SEE_OTHER: Final[dict[int | str, dict[str, Any]]] = {303: {"description": "Go on there."}}
_LOGOUT_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "properties": {"logout_token": {"type": "string"}},
                    "required": ["logout_token"],
                }
            }
        },
    }
}


def providing(openid: OpenId, door: Door) -> APIRouter:
    """The buttons, the way there and back, and the provider's word that somebody left."""
    router = APIRouter(prefix="/api/v1/providers", tags=["account"])

    @router.get("", responses=problems(503))
    async def list_providers() -> Providers:
        """List the ways to sign in."""
        items = [
            ProviderView(
                name=each.name, label=each.label or each.name, start_url=f"/api/v1/providers/{each.name}/start"
            )
            for each in openid.buttons
        ]
        return Providers(passwords=door.cookie.sign_in, items=items)

    @router.get(
        "/{provider}/start", status_code=303, response_class=Response, responses={**_SEE_OTHER, **problems(404, 503)}
    )
    async def start_sign_in(
        provider: str,
        request: Request,
        next_path: Annotated[str | None, Query(alias="next", description="A path to come back to.")] = None,
    ) -> Response:
        """Go to the provider. Open it in the browser."""
        secret = _flow_secret(request, door.cookie) or secrets.token_urlsafe(32)
        try:
            url = await openid.start(provider, next_path, _hash(secret), address_of(request))
        except (Unavailable, TooManyTries) as error:
            return _mistake(error, next_path)
        response = _redirect(url)
        response.headers["Set-Cookie"] = door.cookie.header(_FLOW_COOKIE, secret, max_age_s=FLOW_S)
        return response

    @router.get(
        "/{provider}/callback", status_code=303, response_class=Response, responses={**_SEE_OTHER, **problems(404, 503)}
    )
    async def finish_sign_in(provider: str, request: Request) -> Response:
        """Come back from the provider."""
        query = request.query_params if len(request.url.query) <= _MAX_QUERY else {}
        browser = _hash(_flow_secret(request, door.cookie) or "")
        where = Where(request_id=getattr(request.state, "request_id", None), address=address_of(request))
        try:
            arrival = await openid.finish(provider, query, browser, where)
            who = SignedIn(
                account=arrival.account,
                issuer=arrival.issuer,
                subject=arrival.subject,
                provider_session=arrival.provider_session,
            )
            secret = await begin(door, who, request)
        except NotFound:
            raise
        except PlayNetError as error:
            return _mistake(error, None)
        response = _redirect(arrival.next)
        response.headers.append("Set-Cookie", door.callers.set_cookie(secret))
        return response

    @router.post("/{provider}/logout", openapi_extra=_LOGOUT_BODY, responses=problems(400, 404, 413, 503))
    async def provider_logout(provider: str, request: Request, response: Response) -> None:
        """Back-channel logout: the provider tells that somebody signed out there. OpenID Connect Back-Channel Logout 1.0."""
        response.headers["Cache-Control"] = "no-store"
        body = await request.body()
        if len(body) > _MAX_FORM:
            raise InvalidInput("expected a logout token")
        tokens = parse_qs(body.decode("ascii", "replace")).get("logout_token", [])
        if len(tokens) != 1:
            raise InvalidInput("expected one form field `logout_token`")
        await openid.logout(provider, tokens[0])

    return router


def _flow_secret(request: Request, cookie: CookieRule) -> str | None:
    found = read_cookie(request.headers, cookie.name(_FLOW_COOKIE))
    return found if found is not None and _SECRET.fullmatch(found) else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _redirect(url: str) -> RedirectResponse:
    return RedirectResponse(url, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _mistake(error: PlayNetError, next_path: str | None) -> Response:
    """To the sign-in page, which has words for each reason."""
    reason = str(error.context.get("reason") or _REASONS.get(type(error), "failed"))
    log.info("provider.sign_in_failed", reason=reason, detail=str(error))
    place = safe_next(next_path)
    return _redirect("/sign-in?" + urlencode({"problem": reason, **({"next": place} if place != "/" else {})}))


_REASONS: Final[dict[type[PlayNetError], str]] = {
    Unavailable: "unavailable",
    TooManyTries: "busy",
    Unauthorized: "not-believed",
}
