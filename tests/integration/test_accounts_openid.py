"""Sign-in by OpenID Connect against npm's oidc-provider: the way there and back, keys that change, logout behind the scenes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.aio import run, until
from tests.members import Browser, browser, enrol
from tests.oidc import RealProvider, real_provider, walk
from tests.origin import Api, Place, running

_ROLES = ", roles: [{claim: groups, value: video, role: publisher}]"


class Stage:
    """A provider and a PlayNet that uses it."""

    def __init__(self, folder: Path, dsn: str, redis_url: str, free_port: Callable[[], int]) -> None:
        self.folder, self.dsn, self.redis_url = folder, dsn, redis_url
        self.port, self.provider_port = free_port(), free_port()

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def provider(self, **options: Any) -> Any:
        return real_provider(self.provider_port, self.site, self.folder / "provider.log", **options)

    def place(self, provider: RealProvider, more: str = "") -> Place:
        auth = f"providers: [{provider.settings(self.folder, more)}]"
        return Place(self.folder, self.port, self.dsn, self.redis_url, site=self.site, auth=auth)


@pytest.fixture
def stage(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Stage:
    return Stage(short_tmp, postgres_dsn, redis_url, free_port)


async def _enter(one: Browser, name: str, next_path: str = "/account") -> str:
    """Where somebody ends who signs in at the provider as `name`."""
    start = f"{one.url}/api/v1/providers/real/start?next={next_path}"
    return (await walk(one.session, start, name)).removeprefix(one.url)


async def _ends_at(api: Api, name: str) -> str:
    """The same in a fresh browser."""
    async with browser(api) as one:
        return await _enter(one, name)


async def _me(one: Browser) -> Any:
    return (await one.call("GET", "/api/v1/session"))[1]["account"]


@pytest.mark.parametrize("claims_in_userinfo", [False, True], ids=["claims-in-token", "claims-in-userinfo"])
def test_somebody_comes_signs_in_and_comes_again(stage: Stage, claims_in_userinfo: bool) -> None:
    async def scenario(provider: RealProvider) -> None:
        async with running(stage.place(provider, _ROLES)) as api, browser(api) as one, browser(api) as other:
            listed = (await one.call("GET", "/api/v1/providers"))[1]
            assert listed["items"] == [
                {"name": "real", "label": "The provider", "start_url": "/api/v1/providers/real/start"}
            ]
            assert await _enter(one, "ada") == "/account"
            me = await _me(one)
            assert (me["email"], me["name"]) == ("ada@example.org", "ada of the provider")
            assert me["roles"] == ["publisher", "viewer"]
            assert await _enter(other, "ada", "https://evil.example/") == "/"
            assert (await _me(other))["id"] == me["id"]
            acts = (await api.call("GET", f"/api/v1/audit?target={me['id']}"))[1]["items"]
            assert [act["action"] for act in acts] == ["identity.link", "account.create"]
            assert acts[0]["actor_name"] == "provider real"

    with stage.provider(people={"ada": {"groups": ["video"]}}, claims_in_userinfo=claims_in_userinfo) as provider:
        run(scenario(provider))


def test_an_answer_is_taken_once_and_only_from_the_browser_that_asked(stage: Stage) -> None:
    async def scenario(provider: RealProvider) -> None:
        async with running(stage.place(provider)) as api, browser(api) as one, browser(api) as other:
            answer = await _stopped_at_callback(one, "mallory")
            assert await _location(other, answer) == "/sign-in?problem=expired", "login CSRF"
            assert await _location(one, answer) == "/sign-in?problem=expired", "used up"
            fresh = await _stopped_at_callback(one, "mallory")
            assert await _location(one, fresh.replace("&iss=", "&iss=http%3A%2F%2Fevil.example&x=")) == (
                "/sign-in?problem=not-believed"
            ), "mix-up"
            assert await _ends_at(api, "") == "/sign-in?problem=declined"
            assert await _location(one, f"{one.url}/api/v1/providers/none/start") is None
            provider.stop()
            started = await _location(one, f"{one.url}/api/v1/providers/real/callback?state=x&code=y")
            assert started == "/sign-in?problem=expired"

    with stage.provider() as provider:
        run(scenario(provider))


async def _location(one: Browser, url: str) -> str | None:
    async with one.session.get(url, allow_redirects=False) as response:
        return response.headers.get("Location")


async def _stopped_at_callback(one: Browser, name: str) -> str:
    """The URL that brings the provider's answer, not opened yet."""
    return await walk(one.session, f"{one.url}/api/v1/providers/real/start", name, stop="/callback")


def test_addresses_join_accounts_only_where_the_operator_says_so(stage: Stage) -> None:
    people = {
        "eve": {"email": "ada@example.org", "email_verified": False},
        "stranger": {"email": "s@elsewhere.example"},
    }

    async def without_domains(provider: RealProvider) -> None:
        async with running(stage.place(provider)) as api:
            await enrol(api, "ada@example.org", "admin")
            assert await _ends_at(api, "eve") == "/sign-in?problem=unverified"
            assert await _ends_at(api, "ada") == "/sign-in?problem=email-taken"

    async def with_domains(provider: RealProvider) -> None:
        place = stage.place(provider, ", allowed_domains: [example.org], sign_up: false")
        async with running(place) as api, browser(api) as one:
            assert await _ends_at(api, "eve") == "/sign-in?problem=unverified"
            assert await _ends_at(api, "stranger") == "/sign-in?problem=domain"
            assert await _ends_at(api, "bob") == "/sign-in?problem=no-sign-up"
            assert await _enter(one, "ada") == "/account"
            me = await _me(one)
            assert me["roles"] == ["admin"]
            await enrol(api, "other@example.org", "admin")
            await api.call("PATCH", f"/api/v1/accounts/{me['id']}", json={"disabled": True})
            assert await _me(one) is None
            assert await _ends_at(api, "ada") == "/sign-in?problem=disabled"

    with stage.provider(people=people) as provider:
        run(without_domains(provider))
        run(with_domains(provider))


def test_a_logout_at_the_provider_ends_the_session_here(stage: Stage) -> None:
    async def scenario(provider: RealProvider) -> None:
        async with running(stage.place(provider)) as api, browser(api) as one, browser(api) as two:
            await _enter(one, "ada")
            await _enter(two, "ada")
            await _leave(one, provider)

            async def is_out() -> bool:
                return await _me(one) is None

            await until(is_out)
            assert (await _me(two))["email"] == "ada@example.org", "another sign-in, another session"
            for token in ("", "no.such.token", "a" * 40_000):
                url = f"{one.url}/api/v1/providers/real/logout"
                async with api.session.post(url, data={"logout_token": token}) as response:
                    assert response.status == 400

    with stage.provider() as provider:
        run(scenario(provider))


async def _leave(one: Browser, provider: RealProvider) -> None:
    async with one.session.get(f"{provider.issuer}/session/end") as response:
        page = await response.text()
    xsrf = page.partition('name="xsrf" value="')[2].partition('"')[0]
    async with one.session.post(
        f"{provider.issuer}/session/end/confirm", data={"xsrf": xsrf, "logout": "yes"}
    ) as response:
        assert response.status == 200


def test_new_keys_are_fetched_when_they_are_named(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("origin.adapters.provider._REFETCH_S", 0.0)

    async def scenario(provider: RealProvider) -> None:
        async with running(stage.place(provider)) as api, browser(api) as one, browser(api) as two:
            assert await _enter(one, "ada") == "/account"
            provider.stop()
            assert await _me(one) is not None, "a provider that is away signs nobody out"
            provider.start()
            assert await _enter(two, "ada") == "/account", "signed by a key that was not there before"

    with stage.provider() as provider:
        run(scenario(provider))
