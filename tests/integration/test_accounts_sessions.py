"""Signing in, the session's life, other devices, and what happens when Redis is away."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests.aio import run
from tests.members import PASSWORD, browser, enrol
from tests.origin import Place, running
from tests.servers import RedisServer


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url, site="http://127.0.0.1:8080")


def test_a_session_from_sign_in_to_sign_out(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one, browser(api) as other:
            await enrol(api, "Ada@Example.ORG", "publisher")
            assert (await one.call("GET", "/api/v1/session"))[1]["account"] is None
            status, me = await one.sign_in(" ADA@example.org ")
            assert (status, me["account"]["email"], me["permissions"]) == (201, "ada@example.org", ["publish", "watch"])
            first = one.cookie()
            assert (await one.call("POST", "/api/v1/assets", json={"title": "mine"}))[0] == 201
            await one.sign_in("ada@example.org")
            assert first != one.cookie(), "signing in gives a new name to the session"
            assert (await _with_cookie(one.url, first))["account"] is None, "and ends the former one"
            await other.sign_in("ada@example.org")
            devices = (await one.call("GET", "/api/v1/sessions"))[1]["items"]
            assert sorted(device["current"] for device in devices) == [False, True]
            far = next(device for device in devices if not device["current"])
            assert (await one.call("DELETE", f"/api/v1/sessions/{far['id']}"))[0] == 204
            assert (await one.call("DELETE", f"/api/v1/sessions/{far['id']}"))[0] == 404
            assert (await other.call("GET", "/api/v1/sessions"))[0] == 401
            last = one.cookie()
            assert (await one.call("DELETE", "/api/v1/session"))[0] == 204
            assert (await _with_cookie(one.url, last))["account"] is None

    run(scenario())


async def _with_cookie(url: str, secret: str) -> dict[str, object]:
    headers = {"Cookie": f"playnet-session={secret}"}
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/session", headers=headers) as response:
        found: dict[str, object] = await response.json()
        return found


def test_the_cookie_is_closed_to_scripts_and_other_sites(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            await enrol(api, "ada@example.org", "publisher")
            body = {"email": "ada@example.org", "password": PASSWORD}
            async with one.session.post(f"{one.url}/api/v1/session", json=body) as response:
                assert "HttpOnly; SameSite=Lax" in response.headers["Set-Cookie"]
                assert response.headers["Cache-Control"] == "no-store"
                token = (await response.json())["csrf_token"]
            bare = aiohttp.ClientSession(cookie_jar=one.session.cookie_jar)
            async with bare:
                for headers, expected in (
                    ({}, 403),
                    ({"X-CSRF-Token": token}, 201),
                    ({"X-CSRF-Token": token, "Sec-Fetch-Site": "cross-site"}, 403),
                    ({"Origin": "http://evil.example"}, 403),
                    ({"Origin": one.url}, 201),
                    ({"Sec-Fetch-Site": "same-site"}, 403),
                ):
                    url = f"{one.url}/api/v1/assets"
                    async with bare.post(url, json={"title": "x"}, headers=headers) as response:
                        assert response.status == expected, headers
            async with one.session.post(
                f"{one.url}/api/v1/session", json=body, headers={"Sec-Fetch-Site": "cross-site"}
            ) as response:
                assert response.status == 403, "nobody is signed in from elsewhere either"

    run(scenario())


def test_rights_change_at_once_and_rename_the_session(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            account = await enrol(api, "ada@example.org", "viewer")
            await one.sign_in("ada@example.org")
            assert (await one.call("POST", "/api/v1/assets", json={"title": "x"}))[0] == 403
            before = one.cookie()
            assert (await api.call("PATCH", f"/api/v1/accounts/{account}", json={"roles": ["publisher"]}))[0] == 200
            assert (await one.call("POST", "/api/v1/assets", json={"title": "x"}))[0] == 201
            assert one.cookie() != before
            former = (await _with_cookie(one.url, before))["permissions"]
            assert former == ["watch"], "the former name, good for requests under way, gained nothing"
            assert len((await one.call("GET", "/api/v1/sessions"))[1]["items"]) == 1
            assert (await api.call("PATCH", f"/api/v1/accounts/{account}", json={"disabled": True}))[0] == 200
            assert (await one.call("GET", "/api/v1/sessions"))[0] == 401
            assert (await one.sign_in("ada@example.org"))[0] == 401

    run(scenario())


def test_requests_at_once_rename_a_session_once(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            account = await enrol(api, "ada@example.org", "viewer")
            await one.sign_in("ada@example.org")
            await api.call("PATCH", f"/api/v1/accounts/{account}", json={"roles": ["publisher"]})
            answers = await asyncio.gather(*(one.call("GET", "/api/v1/sessions") for _ in range(10)))
            assert {status for status, _ in answers} == {200}, "none of them is signed out"
            devices = (await one.call("GET", "/api/v1/sessions"))[1]["items"]
            assert [device["current"] for device in devices] == [True]

    run(scenario())


def test_a_new_password_signs_every_other_device_out(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one, browser(api) as other:
            account = await enrol(api, "ada@example.org")
            await one.sign_in("ada@example.org")
            await other.sign_in("ada@example.org")
            wrong = {"current": "no", "new": "another good sentence"}
            assert (await one.call("PUT", "/api/v1/session/password", json=wrong))[0] == 401
            right = {"current": PASSWORD, "new": "another good sentence"}
            assert (await one.call("PUT", "/api/v1/session/password", json=right))[0] == 200
            assert (await one.call("GET", "/api/v1/sessions"))[0] == 200, "this one stays, under a new name"
            assert (await other.call("GET", "/api/v1/sessions"))[0] == 401
            assert (await other.sign_in("ada@example.org"))[0] == 401
            assert (await other.sign_in("ada@example.org", "another good sentence"))[0] == 201
            assert (await api.call("DELETE", f"/api/v1/accounts/{account}/sessions"))[0] == 204
            assert (await one.call("GET", "/api/v1/sessions"))[0] == 401
            assert (await other.call("GET", "/api/v1/sessions"))[0] == 401

    run(scenario())


def test_guessing_is_slowed_down_and_tells_nothing(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            await enrol(api, "ada@example.org")
            await enrol(api, "provider-only@example.org", password=None)
            said = {}
            for email in ("ada@example.org", "provider-only@example.org", "nobody@example.org"):
                guesses = await asyncio.gather(*(one.sign_in(email, "wrong") for _ in range(7)))
                assert sorted(status for status, _ in guesses) == [401] * 6 + [429], "five are free, the sixth locks"
                said[email] = {problem["detail"] for status, problem in guesses if status == 401}
            assert len({frozenset(words) for words in said.values()}) == 1
            body = {"email": "ada@example.org", "password": PASSWORD}
            account = (await api.call("GET", "/api/v1/accounts?email=ada@example.org"))[1]["items"][0]["id"]
            new = {"password": "another good sentence"}
            assert (await api.call("PUT", f"/api/v1/accounts/{account}/password", json=new))[0] == 200
            assert (await one.call("POST", "/api/v1/session", json=body | new))[0] == 201, "a reset ends the lock-out"

    run(scenario())


def test_without_redis_signing_in_says_so_and_the_rest_goes_on(place: Place, redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            await enrol(api, "ada@example.org", "publisher")
            await one.sign_in("ada@example.org")
            asset = await api.create()
            redis_server.stop()
            for call in (
                one.sign_in("ada@example.org"),
                one.call("GET", "/api/v1/session"),
                one.call("GET", "/api/v1/sessions"),
            ):
                status, problem = await call
                assert (status, problem["code"]) == (503, "unavailable")
                assert "signing in is not possible" in problem["detail"]
            assert (await one.call("GET", "/api/v1/assets"))[0] == 200
            assert (await one.call("GET", f"/api/v1/assets/{asset}"))[0] == 200
            assert (await api.call("DELETE", f"/api/v1/assets/{asset}"))[0] == 204, "automation needs no session"
            redis_server.start()
            assert (await one.call("GET", "/api/v1/session"))[1]["account"]["email"] == "ada@example.org"

    run(scenario())


def test_passwords_are_not_taken_over_plain_http_beyond_this_machine(place: Place) -> None:
    async def scenario() -> None:
        far = Place(place.folder, place.port, place.dsn, place.redis_url, site="http://video.example.org")
        async with running(far) as api, browser(api) as one:
            status, problem = await one.sign_in("ada@example.org")
            assert status == 403
            assert "auth.plain_http" in problem["detail"]
        near = Place(place.folder, place.port, place.dsn, place.redis_url, site="https://video.example.org")
        async with running(near) as api:
            await enrol(api, "ada@example.org")
            body = {"email": "ada@example.org", "password": PASSWORD}
            async with api.session.post(f"{near.url}/api/v1/session", json=body) as response:
                assert response.headers["Set-Cookie"].startswith("__Host-playnet-session=")
                assert response.headers["Set-Cookie"].endswith(
                    "; Path=/; Max-Age=5184000; HttpOnly; SameSite=Lax; Secure"
                )

    run(scenario())
