"""Asks of every request what `origin.core.accounts.permissions` says, before a body is read.

Pure ASGI, outside the app: nobody without the right makes the origin take a body. Handlers find the caller by
`caller_of`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from origin.adapters.audit import Actor, Audit
from origin.adapters.callers import NOBODY, Callers, Known
from origin.core.accounts.addresses import Network, client_address
from origin.core.accounts.callers import Caller, Means
from origin.core.accounts.csrf import TOKEN_HEADER, Sender, is_foreign, token_of
from origin.core.accounts.permissions import RULES, Route, Rule, check, refusal
from origin.core.accounts.roles import Permission
from playnet.asgi.problems import answer
from playnet.errors import Forbidden, PlayNetError, StartupFailed, TooLarge, Unauthorized, Unavailable

_API: Final = "/api/"
_MAX_AUDITED_BYTES: Final = 64 << 10

# Only documents the scheme in OpenAPI; `Authorisation` has decided before.
documented_token = HTTPBearer(auto_error=False, description="An API token, or a configured provider's ID token.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What `Authorisation` works with."""

    callers: Callers
    audit: Audit
    trusted: Sequence[Network]


class Authorisation:
    """Lets a request pass when its caller may make it."""

    def __init__(self, app: ASGIApp, gate: Gate, routes: Sequence[Route]) -> None:
        self.app = app
        self._gate = gate
        self._rules = [(method, compile_path(path)[0], RULES[method, path]) for method, path in routes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        headers = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else None
        state["address"] = client_address(peer, headers.get("x-forwarded-for"), self._gate.trusted)
        state["known"] = NOBODY
        rule = self._rule(scope)
        try:
            if rule is not None and (rule.needs is not None or rule.identify):
                state["known"] = await self._admit(rule, scope, headers)
            if rule is not None and rule.audit is not None:
                receive = await self._audited(rule.audit, Request(scope), receive)
        except PlayNetError as error:
            await answer(Request(scope), error)(scope, receive, send)
            return
        await self.app(scope, receive, _marked(send, state["known"]))

    def _rule(self, scope: Scope) -> Rule | None:
        """None: no such call, the router answers 404 or 405. Pages and media outside the API are open."""
        if not scope["path"].startswith(_API):
            return None
        wanted = {"HEAD", "GET"} if scope["method"] == "HEAD" else {scope["method"]}
        found = (rule for method, path, rule in self._rules if method in wanted and path.match(scope["path"]))
        return next(found, None)

    async def _admit(self, rule: Rule, scope: Scope, headers: Headers) -> Known:
        try:
            known = await self._gate.callers.of(headers)
        except Unavailable as error:
            if rule.needs is not None:
                raise
            scope["state"]["unidentified"] = error  # reading goes on, as for anybody
            return NOBODY
        if known.caller.means is Means.SESSION:
            assert known.secret is not None
            refuse_foreign(scope["method"], headers, token_of(known.secret))
        refused = refusal(rule, known.caller)
        if refused is not None:
            raise refused
        return known

    async def _audited(self, action: str, request: Request, receive: Receive) -> Receive:
        """Record the act with its body, then give the body on."""
        body, again = await _buffered(receive)
        try:
            details: Any = json.loads(body) if body else None
        except ValueError:
            details = None  # the handler refuses it
        target = request.url.path
        await self._gate.audit.ordered(actor_of(request), action, target, body=details)
        return again


def caller_of(request: Request) -> Caller:
    """Who makes this request."""
    return known_of(request).caller


def known_of(request: Request) -> Known:
    """And by which session."""
    known: Known = request.state.known
    return known


def identified(request: Request) -> Caller:
    """Who makes this request, where the answer depends on it. Unauthorized; Unavailable when it cannot be told just now."""
    told_apart(request)
    caller = caller_of(request)
    if not caller.is_known:
        raise Unauthorized("this needs you to sign in, or the header `Authorization: Bearer TOKEN`")
    return caller


def told_apart(request: Request) -> None:
    """Unavailable when somebody showed credentials that could not be looked at: a refusal would be a lie."""
    error: Unavailable | None = getattr(request.state, "unidentified", None)
    if error is not None:
        raise error


def require_administrator(caller: Caller) -> None:
    """Forbidden for everybody else."""
    if Permission.ADMINISTER not in caller.permissions:
        raise Forbidden("only administrators see what belongs to others")


def actor_of(request: Request) -> Actor:
    """For the record of acts."""
    state = request.state
    return Actor(caller=caller_of(request), request_id=getattr(state, "request_id", None), address=address_of(request))


def address_of(request: Request) -> str | None:
    """Where it comes from."""
    address: str | None = request.state.address
    return address


def refuse_foreign(method: str, headers: Headers, expected_token: str | None) -> None:
    """Forbidden for a writing request from another site's page. See `origin.core.accounts.csrf`."""
    sender = Sender(
        method=method,
        fetch_site=headers.get("sec-fetch-site"),
        origin=headers.get("origin"),
        host=headers.get("host"),
        token=headers.get(TOKEN_HEADER),
    )
    if is_foreign(sender, expected_token):
        raise Forbidden("this request was not made by PlayNet's own pages: open PlayNet and do it there")


def checked_routes(app: FastAPI) -> list[Route]:
    """All routes of the app in the router's order. StartupFailed when the table of permissions differs."""
    routes = list(_routes(app.routes))
    check(routes)
    return routes


def _routes(routes: Iterable[Any]) -> Iterator[Route]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _routes(inner.routes)
            continue
        methods: set[str] | None = getattr(route, "methods", None)
        if methods is None:
            raise StartupFailed(f"the permissions of {route!r} cannot be told: it is no plain route")
        for method in sorted(methods - {"HEAD"} if "GET" in methods else methods):
            yield method, route.path


async def _buffered(receive: Receive) -> tuple[bytes, Receive]:
    """The whole body, and a `receive` that gives it again. TooLarge beyond what JSON may have."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and message["type"] == "http.request"
        if len(body) > _MAX_AUDITED_BYTES:
            raise TooLarge(f"expected a body of at most {_MAX_AUDITED_BYTES} bytes")
    pending: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return bytes(body), again


def _marked(send: Send, known: Known) -> Send:
    """Answers for somebody in particular are kept by nobody in between; a renamed session's cookie goes along."""
    if not known.caller.is_known:
        return send

    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "no-store")
            if known.set_cookie is not None:
                headers.append("Set-Cookie", known.set_cookie)
        await send(message)

    return marked
