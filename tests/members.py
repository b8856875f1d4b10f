"""People who use an origin in tests: browsers with cookies, and accounts to sign in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.origin import Api

PASSWORD = "correct horse battery"


class Browser:
    """One browser: keeps cookies, says where its requests come from."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session
        self.headers = {"Sec-Fetch-Site": "same-origin"}

    async def call(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Status and JSON (None without content)."""
        headers = {**self.headers, **options.pop("headers", {})}
        async with self.session.request(method, self.url + path, headers=headers, **options) as response:
            return response.status, await response.json(content_type=None) if response.content_length else None

    async def sign_in(self, email: str, password: str = PASSWORD) -> tuple[int, Any]:
        return await self.call("POST", "/api/v1/session", json={"email": email, "password": password})

    def cookie(self) -> str:
        """The secret of the session, as the browser holds it."""
        return next((cookie.value for cookie in self.session.cookie_jar if cookie.key == "playnet-session"), "")


@asynccontextmanager
async def browser(api: Api) -> AsyncIterator[Browser]:
    """A fresh one."""
    jar = aiohttp.CookieJar(unsafe=True)  # addresses have cookies too
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(api.place.url, session)


async def enrol(api: Api, email: str, *roles: str, password: str | None = PASSWORD) -> str:
    """A new account; its id."""
    body = {"email": email, "roles": list(roles or ("viewer",)), "password": password}
    status, account = await api.call("POST", "/api/v1/accounts", json=body)
    assert status == 201, account
    name: str = account["id"]
    return name
