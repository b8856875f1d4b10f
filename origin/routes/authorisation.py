"""Who may change things: the holder of the API token. Reads are public.

Checked before a body is read, so that nobody without the token makes the origin take one. Accounts and roles, when
they come, replace the comparison and keep the place.
"""

import hmac

from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from playnet.asgi.problems import answer
from playnet.errors import Unauthorized

_READING = frozenset({"GET", "HEAD", "OPTIONS"})

# Only documents the scheme in OpenAPI; `WriteToken` has decided before.
documented_token = HTTPBearer(auto_error=False, description="The API token, see `auth.api_token_file`.")


class WriteToken:
    """Lets writing requests below `/api/` pass only with the token. Pure ASGI."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self._expected = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _READING or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        error = self._refusal(Headers(scope=scope).get("authorization"))
        if error is None:
            await self.app(scope, receive, send)
        else:
            await answer(Request(scope), error)(scope, receive, send)

    def _refusal(self, authorization: str | None) -> Unauthorized | None:
        """RFC 6750 §2.1. The comparison takes the same time wherever the difference is."""
        if authorization is None:
            return Unauthorized("this call needs the header `Authorization: Bearer TOKEN`")
        scheme, _, token = authorization.partition(" ")
        given = token.strip().encode("utf-8", "replace")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, self._expected):
            return Unauthorized("the bearer token is not this appliance's API token")
        return None
