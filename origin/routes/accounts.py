"""`/api/v1/accounts` and `/api/v1/audit`: for administrators."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, Security
from starlette.requests import Request

from origin.adapters.accounts import Account, Accounts, Edit, NewAccount, absent
from origin.adapters.attempts import Attempts
from origin.adapters.audit import Audit
from origin.adapters.sessions import Sessions
from origin.core.accounts.callers import AccountId
from origin.core.accounts.emails import normalise
from origin.core.accounts.views import (
    AccountEdit,
    AccountPage,
    AccountView,
    ActPage,
    ActView,
    NewAccountBody,
    NewPassword,
)
from origin.core.paging import DEFAULT_LIMIT, MAX_LIMIT, Cursor, read_cursor, write_cursor
from origin.core.titles import clean_text
from playnet.errors import InvalidInput, Unavailable
from playnet.logs import logger
from playnet.names import AssetId, parse_asset_id

from .assets import problems
from .authorisation import actor_of, documented_token

log = logger(__name__)

MAX_NAME_CHARS = 200

_NEXT = {"Link": {"description": "The page after this one, `rel=next`. RFC 8288.", "schema": {"type": "string"}}}
_TAG = {"ETag": {"description": "Give it as `If-Match` with an edit.", "schema": {"type": "string"}}}


def administering(accounts: Accounts, sessions: Sessions, attempts: Attempts) -> APIRouter:
    """Create, look at, change and lock accounts."""
    router = APIRouter(prefix="/api/v1/accounts", tags=["accounts"], dependencies=[Security(documented_token)])

    @router.get("", responses={200: {"headers": _NEXT}, **problems(400, 401, 403, 503)})
    async def list_accounts(
        response: Response,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        cursor: Annotated[str | None, Query(description="`next` of the page before.")] = None,
        email: Annotated[str | None, Query(description="Only the account with this address.", max_length=1000)] = None,
    ) -> AccountPage:
        """List accounts, newest first, or the one with an address."""
        if email is not None:
            found = await accounts.find(normalise(email))
            return AccountPage(items=[represent(found)] if found else [], next=None)
        page, more = await accounts.page(read_cursor(cursor) if cursor else None, limit)
        place = write_cursor(Cursor(page[-1].created_at, AssetId(page[-1].id))) if page and more else None
        if place is not None:
            response.headers["Link"] = f'</api/v1/accounts?limit={limit}&cursor={place}>; rel="next"'
        return AccountPage(items=[represent(account) for account in page], next=place)

    @router.post("", status_code=201, responses={201: {"headers": _TAG}, **problems(400, 401, 403, 409, 413, 503)})
    async def create_account(new: NewAccountBody, request: Request, response: Response) -> AccountView:
        """Create an account."""
        email = normalise(new.email)
        name = clean_name(new.name) if new.name is not None else email
        wanted = NewAccount(email=email, name=name, roles=frozenset(new.roles), password=new.password)
        account = await accounts.create(wanted, actor_of(request))
        response.headers["Location"] = f"/api/v1/accounts/{account.id}"
        return _tagged(account, response)

    @router.get("/{account_id}", responses={200: {"headers": _TAG}, **problems(401, 403, 404, 503)})
    async def show_account(account_id: str, response: Response) -> AccountView:
        """Show one account."""
        return _tagged(await accounts.show(known(account_id)), response)

    @router.patch(
        "/{account_id}", responses={200: {"headers": _TAG}, **problems(400, 401, 403, 404, 409, 412, 413, 503)}
    )
    async def edit_account(
        account_id: str,
        edit: AccountEdit,
        request: Request,
        response: Response,
        if_match: Annotated[str | None, Header(description="The `ETag` that was read. RFC 9110 §13.1.1.")] = None,
    ) -> AccountView:
        """Change name, roles, or whether it may sign in. It takes effect with the account's next request."""
        wanted = Edit(
            name=clean_name(edit.name) if edit.name is not None else None,
            roles=frozenset(edit.roles) if edit.roles is not None else None,
            disabled=edit.disabled,
            version=_version(if_match),
        )
        account = await accounts.edit(known(account_id), wanted, actor_of(request))
        if account.disabled_at is not None:
            await _forget(sessions, account)
        return _tagged(account, response)

    @router.put("/{account_id}/password", responses=problems(400, 401, 403, 404, 413, 503))
    async def set_password(account_id: str, given: NewPassword, request: Request) -> AccountView:
        """Give a new password: every device is signed out, and a lock-out ends."""
        account = await accounts.set_password(known(account_id), given.password, actor_of(request))
        await _forget(sessions, account)
        try:
            await attempts.forgive(account.email)
        except Unavailable as exc:  # the lock-out ends by itself
            log.warning("attempts.not_forgiven", detail=str(exc))
        return represent(account)

    @router.delete("/{account_id}/sessions", status_code=204, responses=problems(401, 403, 404, 503))
    async def end_sessions(account_id: str, request: Request) -> None:
        """Sign an account out everywhere."""
        account = known(account_id)
        await accounts.end_sessions(account, actor_of(request))
        await _forget(sessions, await accounts.show(account))

    return router


def auditing(audit: Audit) -> APIRouter:
    """The record of administrative acts."""
    router = APIRouter(prefix="/api/v1/audit", tags=["accounts"], dependencies=[Security(documented_token)])

    @router.get("", responses={200: {"headers": _NEXT}, **problems(400, 401, 403, 503)})
    async def list_acts(
        response: Response,
        limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="`next` of the page before.")] = None,
        target: Annotated[str | None, Query(max_length=300, description="Only acts on this.")] = None,
    ) -> ActPage:
        """List administrative acts, newest first: who did what, when, in which request."""
        if target is not None and "\x00" in target:
            raise InvalidInput("target: expected text without NUL")
        found, more = await audit.page(before, limit, target)
        place = found[-1].id if found and more else None
        if place is not None:
            response.headers["Link"] = f'</api/v1/audit?limit={limit}&before={place}>; rel="next"'
        return ActPage(
            items=[ActView.model_validate(entry, from_attributes=True) for entry in found],
            next=place,
        )

    return router


def represent(account: Account) -> AccountView:
    """One account for administrators."""
    return AccountView(
        id=account.id,
        email=account.email,
        name=account.name,
        roles=sorted(account.roles),
        disabled=account.disabled_at is not None,
        has_password=account.has_password,
        created_at=account.created_at,
        updated_at=account.updated_at,
    )


def known(text: str) -> AccountId:
    """A well-formed account id. NotFound otherwise."""
    if parse_asset_id(text) is None:
        raise absent(text)
    return AccountId(text)


def clean_name(text: str) -> str:
    """A name for people, as plain as a title. InvalidInput."""
    return clean_text(text, "name", MAX_NAME_CHARS)


async def _forget(sessions: Sessions, account: Account) -> None:
    """They are over already; this only makes them leave the lists, so it may wait for Redis to come back."""
    try:
        await sessions.end_all(account.id)
    except Unavailable as exc:
        log.warning("sessions.not_forgotten", account=account.id, detail=str(exc))


def _tagged(account: Account, response: Response) -> AccountView:
    response.headers["ETag"] = f'"{account.version}"'
    return represent(account)


def _version(if_match: str | None) -> int | None:
    """The version that an If-Match names: 0, which nothing has, for what no account's tag looks like."""
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix('"').removesuffix('"')
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
