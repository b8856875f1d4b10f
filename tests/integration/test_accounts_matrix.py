"""Who may call what: every route of the app x every kind of caller, generated from the app."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from origin.app import build
from origin.core.accounts.callers import ANONYMOUS, AUTOMATION, AccountId, Caller, Means
from origin.core.accounts.permissions import RULES, Route, refusal
from origin.core.accounts.roles import Permission, Role, permissions_of, token_permissions
from origin.routes.authorisation import checked_routes
from tests.aio import run
from tests.members import browser, enrol
from tests.origin import Api, Place, running

_REFUSED = {401, 403}
_ANY = AccountId("a" * 12)


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url, site="http://127.0.0.1:8080")


def _callers() -> dict[str, Caller]:
    """What the table says about: nobody, automation, every role with a session, every scope of an admin's token."""
    found = {"anonymous": ANONYMOUS, "automation": AUTOMATION}
    for role in Role:
        found[f"role-{role}"] = Caller(means=Means.SESSION, name=role, permissions=permissions_of([role]), account=_ANY)
    for scope in Permission:
        permissions = token_permissions([Role.ADMIN], [scope])
        found[f"scope-{scope}"] = Caller(means=Means.API_TOKEN, name=scope, permissions=permissions, account=_ANY)
    return found


@asynccontextmanager
async def _credentials(api: Api) -> AsyncIterator[Mapping[str, Mapping[str, str]]]:
    """Header fields of each of `_callers`."""
    found: dict[str, Mapping[str, str]] = {
        "anonymous": {},
        "automation": {"Authorization": f"Bearer {api.place.token}"},
    }
    async with AsyncExitStack() as stack:
        for role in Role:
            await enrol(api, f"{role}@example.org", role)
            one = await stack.enter_async_context(browser(api))
            await one.sign_in(f"{role}@example.org")
            found[f"role-{role}"] = {"Cookie": f"playnet-session={one.cookie()}", "Sec-Fetch-Site": "same-origin"}
            if role is Role.ADMIN:
                for scope in Permission:
                    body = {"name": scope, "scopes": [scope]}
                    _, made = await one.call("POST", "/api/v1/api-tokens", json=body)
                    found[f"scope-{scope}"] = {"Authorization": f"Bearer {made['token']}"}
        yield found


def test_every_route_asks_for_what_the_table_says(place: Place) -> None:
    routes = checked_routes(build(place.config, place.layout, web_folder=place.folder / "no-web").app)
    assert set(routes) == set(RULES), "none is missing"

    async def scenario() -> None:
        async with running(place) as api, _credentials(api) as credentials:
            assert credentials.keys() == _callers().keys()
            for name, caller in _callers().items():
                for route in routes:
                    if _ends_session(route, name):
                        continue
                    expected = refusal(RULES[route], caller)
                    status = await _ask(api, route, credentials[name])
                    if expected is None:
                        assert status not in _REFUSED, (route, name, status)
                    else:
                        assert status == expected.http_status, (route, name, status)

    run(scenario(), deadline_s=120)


def _ends_session(route: Route, caller: str) -> bool:
    """Signing oneself out would make the rest of the row anonymous; test_accounts_sessions has these."""
    return caller.startswith("role-") and route in {("DELETE", "/api/v1/session"), ("DELETE", "/api/v1/sessions")}


async def _ask(api: Api, route: Route, headers: Mapping[str, str]) -> int:
    """The status of a call that changes nothing: ids that nothing has, bodies that are refused."""
    method, pattern = route
    path = pattern.replace("{path:path}", "v/none").replace("{", "").replace("}", "")
    path = path.replace("asset_id", "aaaaaaaaaaaa").replace("account_id", "aaaaaaaaaaaa")
    options = {"data": b"{", "headers": {**headers, "Content-Type": "application/json"}}
    if method in {"GET", "HEAD", "DELETE", "OPTIONS"}:
        options = {"headers": dict(headers)}
    async with api.session.request(method, api.place.url + path, allow_redirects=False, **options) as response:  # type: ignore[arg-type]
        return response.status
