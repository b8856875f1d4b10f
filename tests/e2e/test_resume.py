"""Watching in Chromium: beats are sent, the view is counted, another device goes on there, likes stay."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.e2e.appliance import Appliance
from tests.e2e.browser import open_page, play_until
from tests.integration.inputs import X264, pictures, sound
from tests.integration.transcoding import ffmpeg
from tests.players import FIREFOX

_SECONDS = 24
_PASSWORD = "correct horse battery"
_VIEWED = "id => fetch(`/api/v1/assets/${id}`).then(reply => reply.json()).then(asset => asset.views === 1)"
_PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def asset(appliance: Appliance, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    source = tmp_path_factory.mktemp("resume") / "film.mp4"
    ffmpeg(*pictures("320x180", seconds=_SECONDS), *sound(_SECONDS), *X264, "-c:a", "aac", str(source))
    done = appliance.add(source, "--title", "A film to come back to", "--wait", "--json")
    assert done.returncode == 0, f"{done.stderr}\n{appliance.log_tails()}"
    account = {"email": "ada@example.org", "name": "Ada Lovelace", "roles": ["viewer"], "password": _PASSWORD}
    assert appliance.call("POST", "/api/v1/accounts", body=json.dumps(account).encode()).status == 201
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@contextmanager
def _device(page: Page, asset: dict[str, Any], **options: Any) -> Iterator[tuple[BrowserContext, Page]]:
    """Another browser of the same account; one that does not say that it is headless."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(user_agent=FIREFOX, **options)
    opened = context.new_page()
    opened.goto(asset["watch_url"].split("/watch/")[0] + "/sign-in")
    opened.get_by_label("E-mail address").fill("ada@example.org")
    opened.get_by_label("Password").fill(_PASSWORD)
    opened.get_by_role("button", name="Sign in").click()
    expect(opened.get_by_label("Account of Ada Lovelace")).to_be_visible()
    opened.goto(asset["watch_url"])
    yield context, opened
    context.close()


def test_one_goes_on_where_one_was(appliance: Appliance, asset: dict[str, Any], tmp_path: Path) -> None:
    with open_page(asset["watch_url"]) as page:
        desk = {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"}
        with _device(page, asset, **desk) as (_, tv):
            play_until(tv, "video.currentTime > 14", deadline_s=90)
            expect(tv.get_by_role("status")).to_have_count(0)
            tv.get_by_role("button", name="Like (0)", exact=True).click()
            expect(tv.get_by_role("button", name="Like (1)", exact=True)).to_have_attribute("aria-pressed", "true")
            tv.screenshot(path=str(tmp_path / "liked.png"))
            tv.evaluate("document.querySelector('video').pause()")
            stopped_s = tv.evaluate("document.querySelector('video').currentTime")
            tv.wait_for_function(_VIEWED, arg=asset["id"])
        with _device(page, asset, viewport=_PHONE, color_scheme="light", has_touch=True) as (context, phone):
            expect(phone.get_by_text("You were at 0:14.")).to_be_visible()
            phone.screenshot(path=str(tmp_path / "phone.png"))
            assert phone.evaluate("document.querySelector('video').currentTime") == pytest.approx(stopped_s, abs=0.3)
            assert phone.evaluate("document.documentElement.scrollWidth") <= _PHONE["width"]
            expect(phone.get_by_role("button", name="Like (1)", exact=True)).to_have_attribute("aria-pressed", "true")
            phone.get_by_role("button", name="Start over").click()
            play_until(phone, "video.currentTime > 1 && video.currentTime < 10", deadline_s=60)
            context.set_offline(True)
            phone.evaluate("document.querySelector('video').pause()")
            phone.wait_for_function("() => JSON.parse(localStorage.getItem('playnet.beats')).length > 0")
            context.set_offline(False)
            phone.wait_for_function("() => JSON.parse(localStorage.getItem('playnet.beats')).length === 0")
            phone.reload()
            play_until(phone, "video.ended", deadline_s=90)
            phone.wait_for_function("() => JSON.parse(localStorage.getItem('playnet.beats')).length === 0")
            history = phone.evaluate("() => fetch('/api/v1/history').then(reply => reply.json())")
            assert [(item["asset"]["id"], item["finished"]) for item in history["items"]] == [(asset["id"], True)]
        assert appliance.asset(asset["id"])["views"] == 1, "another look within half an hour is no second view"
        assert appliance.asset(asset["id"])["likes"] == 1
        expect(page.get_by_role("group", name="Your opinion")).to_have_count(0)
