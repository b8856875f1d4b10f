"""Signing in as people do, in Chromium: by password, by a real provider; devices, messages, phones in the light."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.aio import run, until
from tests.e2e.appliance import ask, get
from tests.e2e.browser import open_page
from tests.oidc import real_provider
from tests.origin import Place, process
from tests.servers import RedisServer

_PASSWORD = "correct horse battery"
_PHONE = {"width": 390, "height": 844}


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Iterator[Place]:
    port, provider_port = free_port(), free_port()
    site = f"http://127.0.0.1:{port}"
    with real_provider(
        provider_port, site, short_tmp / "provider.log", people={"grace": {"groups": ["video"]}}
    ) as provider:
        more = ", roles: [{claim: groups, value: video, role: publisher}]"
        auth = f"providers: [{provider.settings(short_tmp, more)}]"
        place = Place(short_tmp, port, postgres_dsn, redis_url, site=site, auth=auth)
        with process(place):
            run(until(lambda: _is_ready(place)))
            yield place


def _is_ready(place: Place) -> bool:
    try:
        return get(f"{place.url}/readyz").status == 200
    except OSError:
        return False


def _enrol(place: Place, email: str) -> None:
    body = json.dumps({"email": email, "name": "Ada Lovelace", "roles": ["publisher"], "password": _PASSWORD}).encode()
    headers = {"Authorization": f"Bearer {place.token}", "Content-Type": "application/json"}
    assert ask("POST", f"{place.url}/api/v1/accounts", headers=headers, body=body).status == 201


def _sign_in(page: Page, password: str = _PASSWORD) -> None:
    page.get_by_label("E-mail address").fill("ada@example.org")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def _second_device(page: Page, place: Place) -> tuple[BrowserContext, Page]:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(viewport=_PHONE)  # type: ignore[arg-type]
    other = context.new_page()
    other.goto(f"{place.url}/sign-in")
    _sign_in(other)
    expect(other.get_by_label("Account of Ada Lovelace")).to_be_visible()
    return context, other


def test_by_password_with_devices_and_a_new_password(place: Place, redis_server: RedisServer, tmp_path: Path) -> None:
    _enrol(place, "ada@example.org")
    with open_page(f"{place.url}/account", phone=True) as page:
        page.emulate_media(color_scheme="light")
        expect(page).to_have_url(f"{place.url}/sign-in?next=%2Faccount")
        _sign_in(page, "wrong")
        expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
        page.screenshot(path=str(tmp_path / "sign-in.png"))
        _sign_in(page)
        expect(page).to_have_url(f"{place.url}/account")
        context, other = _second_device(page, place)
        page.reload()
        expect(page.get_by_text("This device")).to_be_visible()
        page.screenshot(path=str(tmp_path / "account.png"), full_page=True)
        page.get_by_role("listitem").get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("listitem")).to_have_count(1)
        other.goto(f"{place.url}/account")
        expect(other).to_have_url(f"{place.url}/sign-in?next=%2Faccount")
        context.close()
        _change_password(page)
        _make_token(page, place)
        page.get_by_label("Account of Ada Lovelace").click()
        page.screenshot(path=str(tmp_path / "menu.png"))
        redis_server.stop()
        page.locator(".account-card").get_by_role("button", name="Sign out").click()
        expect(page.locator(".account-card").get_by_role("alert")).to_contain_text("not possible at this moment")
        redis_server.start()
        page.locator(".account-card").get_by_role("button", name="Sign out").click()
        expect(page).to_have_url(f"{place.url}/")
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"], "nothing sticks out of a phone"


def _change_password(page: Page) -> None:
    page.get_by_label("Present password").fill(_PASSWORD)
    page.get_by_label("New password").fill("another good sentence")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password was changed")


def _make_token(page: Page, place: Place) -> None:
    page.get_by_label("What it is for").fill("upload script")
    page.get_by_label("Upload and edit videos").check()
    page.get_by_role("button", name="Create token").click()
    token = page.locator("code").inner_text()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    assert ask("POST", f"{place.url}/api/v1/assets", headers=headers, body=b'{"title": "x"}').status == 201


def test_by_a_provider_and_out_again(place: Place) -> None:
    with open_page(f"{place.url}/sign-in?next=%2Faccount") as page:
        page.get_by_role("link", name="Continue with The provider").click()
        expect(page).to_have_title("Provider")
        page.get_by_label("Name").fill("grace")
        page.get_by_role("button", name="Enter").click()
        expect(page).to_have_url(f"{place.url}/account")
        expect(page.locator(".whoami")).to_contain_text("grace@example.org")
        expect(page.locator(".whoami")).to_contain_text("Publisher, Viewer")
        cookie = next(cookie for cookie in page.context.cookies() if cookie["name"] == "playnet-session")
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        page.goto(f"{place.url}/sign-in?problem=email-taken")
        expect(page.get_by_role("alert")).to_contain_text("There is an account with your e-mail address already")


def test_a_provider_that_says_no(place: Place) -> None:
    with open_page(f"{place.url}/sign-in") as page:
        page.get_by_role("link", name="Continue with The provider").click()
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("alert")).to_contain_text("The other site did not let you in")
