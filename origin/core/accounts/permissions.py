"""What every route asks of its caller: one table. Pure.

A route without an entry, or an entry without a route, stops the start (`check`), so nobody can add a call and forget
who may make it. Requests are matched against the same patterns as the router's, before a body is read.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from playnet.errors import Forbidden, PlayNetError, StartupFailed, Unauthorized

from .callers import Caller, Means
from .roles import PERMISSIONS, Permission, Role

Route = tuple[str, str]
"""Method and path pattern, as the app declares them. HEAD goes by GET's entry where there is one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`needs` None: open to everybody; with `identify`, who has credentials is recognised where that is possible.

    `personal`: only for credentials of an account. `audit`: recorded before it is
    done under this name; routes without it that administer write their own, more telling entries.

    `by_session`: not by an API token, so that a leaked one cannot make more of its kind or lock its owner out.
    """

    needs: Permission | None
    identify: bool = False
    personal: bool = False
    by_session: bool = False
    audit: str | None = None


_OPEN: Final = Rule(None)
_OPEN_TO_KNOWN: Final = Rule(None, identify=True)
_SELF: Final = Rule(Permission.WATCH, personal=True)
_SELF_SEEN: Final = Rule(Permission.WATCH, personal=True, by_session=True)
_ADMIN: Final = Rule(Permission.ADMINISTER)
_PUBLISH: Final = Rule(Permission.PUBLISH)

RULES: Final[Mapping[Route, Rule]] = {
    # Pages, media, health: public, or guarded elsewhere (/metrics is not passed on by the front).
    ("GET", "/"): _OPEN,
    ("GET", "/watch/{asset}"): _OPEN,
    ("GET", "/sign-in"): _OPEN,
    ("GET", "/account"): _OPEN,
    ("GET", "/docs/errors"): _OPEN,
    ("GET", "/healthz"): _OPEN,
    ("GET", "/readyz"): _OPEN,
    ("GET", "/metrics"): _OPEN,
    ("GET", "/v/{path:path}"): _OPEN,
    ("OPTIONS", "/v/{path:path}"): _OPEN,
    ("GET", "/api/v1/openapi.json"): _OPEN,
    ("GET", "/{path:path}"): _OPEN,
    # Assets
    ("GET", "/api/v1/assets"): _OPEN_TO_KNOWN,
    ("GET", "/api/v1/assets/{asset_id}"): _OPEN_TO_KNOWN,
    ("GET", "/api/v1/search"): _OPEN,
    ("POST", "/api/v1/assets"): _PUBLISH,
    ("PUT", "/api/v1/assets/{asset_id}/source"): _PUBLISH,
    ("DELETE", "/api/v1/assets/{asset_id}"): Rule(Permission.PUBLISH, audit="asset.delete"),
    ("PATCH", "/api/v1/assets/{asset_id}"): _PUBLISH,
    ("POST", "/api/v1/assets/{asset_id}/restore"): Rule(Permission.PUBLISH, audit="asset.restore"),
    ("POST", "/api/v1/tokens"): _PUBLISH,
    ("POST", "/api/v1/revocations"): Rule(Permission.OPERATE, audit="revocation.order"),
    ("POST", "/api/v1/purges"): Rule(Permission.OPERATE, audit="purge.order"),
    ("GET", "/api/v1/purges/{purge_id}"): Rule(Permission.OPERATE),
    ("OPTIONS", "/api/v1/uploads"): _OPEN,
    ("POST", "/api/v1/uploads"): _PUBLISH,
    ("HEAD", "/api/v1/uploads/{upload}"): _PUBLISH,
    ("PATCH", "/api/v1/uploads/{upload}"): _PUBLISH,
    ("DELETE", "/api/v1/uploads/{upload}"): _PUBLISH,
    # Signals: by a device's cookie where nobody has signed in
    ("POST", "/api/v1/beats"): _OPEN_TO_KNOWN,
    ("GET", "/api/v1/resume/{asset_id}"): _OPEN_TO_KNOWN,
    ("PUT", "/api/v1/resume/{asset_id}"): _OPEN_TO_KNOWN,
    ("GET", "/api/v1/continue-watching"): _OPEN_TO_KNOWN,
    ("GET", "/api/v1/history"): _OPEN_TO_KNOWN,
    ("DELETE", "/api/v1/history"): _OPEN_TO_KNOWN,
    ("DELETE", "/api/v1/history/{asset_id}"): _OPEN_TO_KNOWN,
    ("GET", "/api/v1/assets/{asset_id}/most-replayed"): _OPEN_TO_KNOWN,
    ("GET", "/api/v1/assets/{asset_id}/reaction"): _OPEN_TO_KNOWN,
    ("PUT", "/api/v1/assets/{asset_id}/reaction"): _SELF,
    ("DELETE", "/api/v1/assets/{asset_id}/reaction"): _SELF,
    ("GET", "/api/v1/watch-later"): _SELF,
    ("PUT", "/api/v1/watch-later/{asset_id}"): _SELF,
    ("DELETE", "/api/v1/watch-later/{asset_id}"): _SELF,
    # One's own account
    ("POST", "/api/v1/session"): _OPEN,
    ("GET", "/api/v1/session"): _OPEN_TO_KNOWN,
    ("DELETE", "/api/v1/session"): _OPEN_TO_KNOWN,
    ("PUT", "/api/v1/session/password"): _SELF_SEEN,
    ("GET", "/api/v1/sessions"): _SELF,
    ("DELETE", "/api/v1/sessions"): _SELF_SEEN,
    ("DELETE", "/api/v1/sessions/{session_id}"): _SELF_SEEN,
    ("GET", "/api/v1/api-tokens"): _SELF,
    ("POST", "/api/v1/api-tokens"): _SELF_SEEN,
    ("DELETE", "/api/v1/api-tokens/{token_id}"): _SELF_SEEN,
    # Administration
    ("GET", "/api/v1/accounts"): _ADMIN,
    ("POST", "/api/v1/accounts"): _ADMIN,
    ("GET", "/api/v1/accounts/{account_id}"): _ADMIN,
    ("PATCH", "/api/v1/accounts/{account_id}"): _ADMIN,
    ("PUT", "/api/v1/accounts/{account_id}/password"): _ADMIN,
    ("DELETE", "/api/v1/accounts/{account_id}/sessions"): _ADMIN,
    ("GET", "/api/v1/audit"): Rule(Permission.AUDIT),
    # Sign-in by a provider
    ("GET", "/api/v1/providers"): _OPEN,
    ("GET", "/api/v1/providers/{provider}/start"): _OPEN,
    ("GET", "/api/v1/providers/{provider}/callback"): _OPEN,
    ("POST", "/api/v1/providers/{provider}/logout"): _OPEN,
}


def check(routes: Iterable[Route], rules: Mapping[Route, Rule] = RULES) -> None:
    """StartupFailed unless routes and entries are the same."""
    declared = set(routes)
    if missing := declared - rules.keys():
        raise StartupFailed(f"origin.core.accounts.permissions has no entry for {_listed(missing)}")
    if left := rules.keys() - declared:
        raise StartupFailed(f"origin.core.accounts.permissions names {_listed(left)}, which the app does not have")


def refusal(rule: Rule, caller: Caller) -> PlayNetError | None:
    """Why `caller` may not, or None."""
    if rule.needs is None:
        return None
    if not caller.is_known:
        return Unauthorized("this call needs you to sign in, or the header `Authorization: Bearer TOKEN`")
    if rule.needs not in caller.permissions:
        holders = ", ".join(role for role in Role if rule.needs in PERMISSIONS[role])
        scope = f" and the scope `{rule.needs}`" if caller.means is Means.API_TOKEN else ""
        return Forbidden(f"this call needs one of the roles {holders}{scope}")
    if rule.personal and caller.account is None:
        return Forbidden("this credential belongs to no account: sign in, or use an account's API token")
    if rule.by_session and caller.means is not Means.SESSION:
        return Forbidden("this call is for people who have signed in, not for tokens")
    return None


def _listed(routes: Iterable[Route]) -> str:
    return ", ".join(sorted(f"{method} {path}" for method, path in routes))
