"""Headless Chromium on loopback pages, through Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
_WIDTH_HEIGHT_PHONE = (390, 844)
_WIDTH_HEIGHT_DESKTOP = (1280, 800)


@contextmanager
def open_page(url: str, *, phone: bool = False, screenshot: Path | None = None) -> Iterator[Page]:
    """One page of a fresh browser; a picture of its end goes to `screenshot`."""
    executable = os.environ.get("PLAYNET_CHROMIUM", "/usr/bin/chromium")
    width, height = _WIDTH_HEIGHT_PHONE if phone else _WIDTH_HEIGHT_DESKTOP
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        try:
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(url)
            yield page
            if screenshot is not None:
                page.screenshot(path=str(screenshot))
        finally:
            browser.close()


def start(page: Page) -> None:
    """Play muted, as a browser allows without a click."""
    page.wait_for_selector("video")
    page.evaluate(
        "() => { const v = document.querySelector('video'); v.muted = true; return v.play().catch(() => {}); }"
    )


def play_to_the_end(page: Page, *, deadline_s: float) -> dict[str, float]:
    """Play and wait until the page's video ended; its final numbers. Playwright's TimeoutError when it stalls."""
    start(page)
    page.wait_for_function("() => document.querySelector('video').ended", timeout=deadline_s * 1000)
    numbers: dict[str, float] = page.evaluate(
        """() => {
            const video = document.querySelector('video');
            const quality = video.getVideoPlaybackQuality();
            return {
                current: video.currentTime, duration: video.duration, ranges: video.buffered.length,
                frames: quality.totalVideoFrames, height: video.videoHeight,
            };
        }"""
    )
    return numbers
