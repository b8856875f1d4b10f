"""Headless Chromium on loopback pages, through Playwright."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, sync_playwright

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


# Loading a source resets the element, and a play() from before is lost with it: ask again while it is paused.
_KEEP_PLAYING = """() => {
    const video = document.querySelector('video');
    if (!video) return null;
    video.muted = true;
    if (video.paused && !video.ended && video.readyState >= 2) video.play().catch(() => {});
    return video;
}"""
_NUMBERS = """() => {
    const video = document.querySelector('video');
    const quality = video.getVideoPlaybackQuality();
    return {
        current: video.currentTime, duration: video.duration, ranges: video.buffered.length, paused: video.paused,
        ready: video.readyState, frames: quality.totalVideoFrames, height: video.videoHeight,
    };
}"""


def play_until(page: Page, condition: str, *, deadline_s: float) -> None:
    """Play muted until a JavaScript `condition` on `video` holds. AssertionError with the video's state when it stalls."""
    try:
        page.wait_for_function(
            f"() => {{ const video = ({_KEEP_PLAYING})(); return video && ({condition}); }}",
            timeout=deadline_s * 1000,
            polling=100,
        )
    except TimeoutError as exc:
        state = page.evaluate(f"() => document.querySelector('video') && ({_NUMBERS})()")
        raise AssertionError(f"the video stalled: {state}") from exc


def play_to_the_end(page: Page, *, deadline_s: float) -> dict[str, float]:
    """Play to the end; the video's final numbers."""
    play_until(page, "video.ended", deadline_s=deadline_s)
    numbers: dict[str, float] = page.evaluate(_NUMBERS)
    return numbers
