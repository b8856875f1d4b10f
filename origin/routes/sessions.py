"""`/api/v1/session` (this one) and `/api/v1/sessions` (all of mine): sign in, look, sign out, change the password."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import APIRouter, Response, Security
from starlette.requests import Request

from origin.adapters.accounts import Accounts
from origin.adapters.attempts import Attempts
from origin.adapters.callers import Callers, Known
from origin.adapters.sessions import Sessions
from origin.core.accounts.callers import AccountId, Means
from origin.core.accounts.csrf import token_of
from origin.core.accounts.emails import normalise
from origin.core.accounts.sessions import CookieRule, Session, device_of
from origin.core.accounts.views import Devices, DeviceView, Me, PasswordChange, SessionView, SignIn
from playnet.errors import Forbidden, NotFound, Unauthorized
from playnet.logs import logger

from .assets import problems
from .authorisation import actor_of, address_of, caller_of, documented_token, known_of, refuse_foreign

log = logger(__name__)

PLAIN_HTTP = (
    "passwords are not taken over plain http:// beyond this machine, where others could read them: the operator sets "
    "site.public_url to an https:// address, or auth.plain_http to true"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What sign-in works with, by password or by provider."""

    accounts: Accounts
    sessions: Sessions
    attempts: Attempts
    callers: Callers
    cookie: CookieRule


def signing_in(door: Door) -> APIRouter:
    """In, out, and who am I."""
    router = APIRouter(prefix="/api/v1/session", tags=["account"])

    @router.post("", status_code=201, responses=problems(400, 401, 403, 413, 429, 503))
    async def sign_in(given: SignIn, request: Request, response: Response) -> SessionView:
        """Sign in with e-mail address and password. The answer sets the session's cookie."""
        refuse_foreign(request.method, request.headers, None)
        if not door.cookie.sign_in:
            raise Forbidden(PLAIN_HTTP)
        email, address = normalise(given.email), address_of(request)
        await door.attempts.begin(email, address)
        account = await door.accounts.by_password(email, given.password)
        await door.attempts.succeeded(email, address)
        return await enter(door, account, request, response)

    @router.get("", responses=problems(401, 503))
    async def show_session(request: Request, response: Response) -> SessionView:
        """Show who asks and what they may do; `account` is null for everybody else."""
        if (error := getattr(request.state, "unidentified", None)) is not None:
            raise error
        response.headers["Cache-Control"] = "no-store"
        return represent(known_of(request))

    @router.delete("", status_code=204, responses=problems(401, 403, 503))
    async def sign_out(request: Request, response: Response) -> None:
        """Sign out here. Other devices stay signed in."""
        if (error := getattr(request.state, "unidentified", None)) is not None:
            raise error
        known = known_of(request)
        if known.secret is not None:
            await door.sessions.end(known.secret)
        response.headers["Set-Cookie"] = door.callers.drop_cookie()

    return router


def own_sessions(door: Door) -> APIRouter:
    """What somebody who has signed in sees and ends."""
    router = APIRouter(prefix="/api/v1", tags=["account"], dependencies=[Security(documented_token)])

    @router.put("/session/password", responses=problems(400, 401, 403, 413, 429, 503))
    async def change_password(given: PasswordChange, request: Request, response: Response) -> SessionView:
        """Change the password. Every other device is signed out."""
        caller = caller_of(request)
        account, email, address = caller.own_account(), caller.email or "", address_of(request)
        await door.attempts.begin(email, address)
        await door.accounts.change_password(account, given.current, given.new, actor_of(request))
        await door.attempts.succeeded(email, address)
        await door.sessions.end_all(account)
        return await enter(door, account, request, response)

    @router.get("/sessions", responses=problems(401, 403, 503))
    async def list_sessions(request: Request) -> Devices:
        """List the devices where this account is signed in."""
        caller = caller_of(request)
        found = await door.sessions.of(caller.own_account())
        return Devices(items=[_device(name, session, caller.session) for name, session in found])

    @router.delete("/sessions/{session_id}", status_code=204, responses=problems(401, 403, 404, 503))
    async def end_session(session_id: str, request: Request) -> None:
        """Sign one device out."""
        if not await door.sessions.end_named(caller_of(request).own_account(), session_id):
            raise NotFound("there is no such session: it has ended already")

    @router.delete("/sessions", status_code=204, responses=problems(401, 403, 503))
    async def end_sessions(request: Request, response: Response) -> None:
        """Sign all devices out, this one too."""
        account = caller_of(request).own_account()
        await door.accounts.end_sessions(account, actor_of(request))
        await door.sessions.end_all(account)
        response.headers["Set-Cookie"] = door.callers.drop_cookie()

    return router


async def enter(door: Door, account: AccountId, request: Request, response: Response) -> SessionView:
    """Open a session by password and set its cookie."""
    secret = await begin(door, SignedIn(account=account), request)
    response.headers["Set-Cookie"] = door.callers.set_cookie(secret)
    response.headers["Cache-Control"] = "no-store"
    return represent(await door.callers.of_session(secret))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """An account that has shown who it is: by password, or by what a provider says."""

    account: AccountId
    issuer: str | None = None
    subject: str | None = None
    provider_session: str | None = None


async def begin(door: Door, who: SignedIn, request: Request) -> str:
    """A session under a new name, whatever cookie came along; that one ends. Returns its secret."""
    rights = await door.callers.rights(who.account, who.issuer, who.subject)
    if rights is None:
        raise Unauthorized("this account has been disabled")
    now = max(time.time(), rights.since_s + 0.001)  # the database's clock decides what is over
    session = Session(
        account=who.account,
        created_s=now,
        seen_s=now,
        device=device_of(request.headers.get("user-agent")),
        address=address_of(request) or "unknown",
        stamp=rights.stamp,
        issuer=who.issuer,
        subject=who.subject,
        provider_session=who.provider_session,
    )
    former = door.callers.secret(request.headers)
    secret = await door.sessions.open(session)
    if former is not None:
        await door.sessions.end(former)
    log.info("session.opened", account=who.account, by=who.issuer or "password", device=session.device)
    return secret


def represent(known: Known) -> SessionView:
    """Who asks."""
    caller = known.caller
    me = None
    if caller.account is not None:
        me = Me(id=caller.account, email=caller.email or "", name=caller.name, roles=sorted(caller.roles))
    token = token_of(known.secret) if known.secret is not None and caller.means is Means.SESSION else None
    return SessionView(account=me, permissions=sorted(caller.permissions), csrf_token=token)


def _device(name: str, session: Session, current: str | None) -> DeviceView:
    return DeviceView(
        id=name,
        device=session.device,
        address=session.address,
        created_at=datetime.fromtimestamp(session.created_s, UTC),
        seen_at=datetime.fromtimestamp(session.seen_s, UTC),
        current=name == current,
    )
