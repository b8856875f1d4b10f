"""`/api/v1/api-tokens`: tokens of one's own for scripts."""

from datetime import UTC, datetime

from fastapi import APIRouter, Response, Security
from starlette.requests import Request

from origin.adapters.api_tokens import ApiToken, ApiTokens
from origin.core.accounts import views
from origin.core.accounts.views import ApiTokenView, CreatedApiToken, NewApiToken
from playnet.errors import InvalidInput

from .accounts import clean_name
from .assets import problems
from .authorisation import actor_of, caller_of, documented_token


def owning(tokens: ApiTokens) -> APIRouter:
    """Create, list, revoke."""
    router = APIRouter(prefix="/api/v1/api-tokens", tags=["account"], dependencies=[Security(documented_token)])

    @router.get("", responses=problems(401, 403, 503))
    async def list_api_tokens(request: Request) -> views.ApiTokens:
        """List one's tokens, newest first."""
        found = await tokens.of(caller_of(request).own_account())
        return views.ApiTokens(items=[ApiTokenView(**_fields(token)) for token in found])

    @router.post("", status_code=201, responses=problems(400, 401, 403, 409, 413, 503))
    async def create_api_token(new: NewApiToken, request: Request, response: Response) -> CreatedApiToken:
        """Create a token. Its text is in this answer and nowhere else."""
        expires_at = _expiry(new.expires_at, datetime.now(UTC))
        account = caller_of(request).own_account()
        name, scopes = clean_name(new.name), frozenset(new.scopes)
        token, text = await tokens.create(account, name, scopes, expires_at, actor_of(request))
        response.headers["Location"] = f"/api/v1/api-tokens/{token.id}"
        return CreatedApiToken(**_fields(token), token=text)

    @router.delete("/{token_id}", status_code=204, responses=problems(401, 403, 404, 503))
    async def revoke_api_token(token_id: str, request: Request) -> None:
        """Revoke a token: it opens nothing from now on."""
        await tokens.revoke(caller_of(request).own_account(), token_id.replace("\x00", ""), actor_of(request))

    return router


def _expiry(wanted: datetime | None, now: datetime) -> datetime | None:
    """InvalidInput for a time without zone or in the past."""
    if wanted is None:
        return None
    if wanted.tzinfo is None:
        raise InvalidInput("expires_at: expected a time with its zone, for example 2027-01-31T00:00:00Z")
    if wanted <= now:
        raise InvalidInput("expires_at: expected a time to come")
    return wanted


def _fields(token: ApiToken) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
    }
