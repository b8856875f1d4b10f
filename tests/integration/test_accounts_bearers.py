"""ID tokens of a configured issuer, and API tokens, as bearers."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.aio import run
from tests.issuer import Issuer, claims_of, issuing, rsa, sign
from tests.members import browser, enrol
from tests.origin import Api, Place, running


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url, site="http://127.0.0.1:8080")


async def _create(api: Api, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return (await api.call("POST", "/api/v1/assets", json={"title": "x"}, headers=headers))[0]


def test_id_tokens_of_a_configured_issuer(place: Place, free_port: Callable[[], int]) -> None:
    key = rsa("k1")

    async def scenario() -> None:
        async with issuing(Issuer(free_port(), key)) as issuer:
            roles = "roles: [{claim: realm_access.roles, value: maker, role: publisher}]"
            auth = (
                f"providers: [{{name: app, issuer: '{issuer.url}', client_id: other, audiences: [playnet-app], "
                f"bearer: true, sign_in: false, {roles}}}]"
            )
            config = Place(place.folder, place.port, place.dsn, place.redis_url, auth=auth)
            async with running(config) as api:
                maker = {"realm_access": {"roles": ["maker"]}}
                assert await _create(api, sign(key, claims_of(issuer.url, **maker))) == 201
                assert await _create(api, sign(key, claims_of(issuer.url))) == 403, "the role went with the claim"
                assert await _create(api, sign(key, claims_of(issuer.url, aud="else", **maker))) == 401
                assert await _create(api, sign(key, claims_of("http://127.0.0.1:1", **maker))) == 401
                assert issuer.reads == 1
                forged = [sign(rsa(f"f{n}"), claims_of(issuer.url, **maker)) for n in range(4)]
                assert set(await asyncio.gather(*(_create(api, token) for token in forged))) == {401}
                assert issuer.reads == 1, "the keys were read a moment ago"
                account = (await api.call("GET", "/api/v1/accounts"))[1]["items"][0]
                assert (account["email"], account["roles"]) == ("ada@example.org", ["viewer"])
                await api.call("PATCH", f"/api/v1/accounts/{account['id']}", json={"disabled": True})
                assert await _create(api, sign(key, claims_of(issuer.url, **maker))) == 403
                assert (await api.call("GET", "/api/v1/providers"))[1]["items"] == []

    run(scenario())


def test_api_tokens_reach_as_far_as_scope_and_owner(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            account = await enrol(api, "ada@example.org", "publisher")
            await one.sign_in("ada@example.org")
            soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            body = {"name": "script", "scopes": ["publish", "operate"], "expires_at": soon}
            status, made = await one.call("POST", "/api/v1/api-tokens", json=body)
            assert status == 201
            token = made["token"]
            assert await _create(api, token) == 201
            bearer = {"Authorization": f"Bearer {token}"}
            purge = {"kind": "all", "value": "", "soft": True}
            assert (await api.call("POST", "/api/v1/purges", json=purge, headers=bearer))[0] == 403, "no operator"
            assert (await api.call("POST", "/api/v1/api-tokens", json=body, headers=bearer))[0] == 403
            listed = (await one.call("GET", "/api/v1/api-tokens"))[1]["items"]
            assert [(item["name"], "token" in item) for item in listed] == [("script", False)]
            assert listed[0]["used_at"] is not None
            await api.call("PATCH", f"/api/v1/accounts/{account}", json={"roles": ["viewer"]})
            assert await _create(api, token) == 403, "its owner publishes no more"
            await api.call("PATCH", f"/api/v1/accounts/{account}", json={"roles": ["publisher"]})
            assert await _create(api, token[:-1] + ("A" if token[-1] != "A" else "B")) == 401
            assert (await one.call("DELETE", f"/api/v1/api-tokens/{made['id']}"))[0] == 204
            assert await _create(api, token) == 401
            past = {**body, "expires_at": "2020-01-01T00:00:00Z"}
            assert (await one.call("POST", "/api/v1/api-tokens", json=past))[0] == 400

    run(scenario())
