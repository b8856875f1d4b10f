"""A viewer chooses what to hear and what to read: languages, 5.1, captions, in HLS and in DASH, on the watch page."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.appliance import Appliance
from tests.e2e.browser import open_page, play_to_the_end, play_until
from tests.integration.inputs import X264, pictures, sound
from tests.integration.transcoding import ffmpeg

_SECONDS = 9
_CAPTIONS = "1\n00:00:00,000 --> 00:00:09,000\n{0}\n"
_SHOWN = """() => [...document.querySelector('video').textTracks].filter(track => track.mode === 'showing')
    .flatMap(track => [...(track.activeCues ?? [])].map(cue => cue.text)).join()"""


# A choice is only made when the one before has been carried out, as people do.
_HEARS_GERMAN = """() => {
    const { sounds, sound } = playnet.state, video = document.querySelector('video');
    return sounds[sound].language === 'de' && video.readyState >= 3 && video.buffered.length > 0;
}"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture, English and German sound, French in 5.1, and captions in two languages."""
    folder = tmp_path_factory.mktemp("languages")
    for language, text in (("eng", "Good evening"), ("ger", "Guten Abend")):
        (folder / f"{language}.srt").write_text(_CAPTIONS.format(text))
    heard = [*sound(_SECONDS), *sound(_SECONDS, tone=880), *sound(_SECONDS, channels=6)]
    read = [word for language in ("eng", "ger") for word in ("-i", str(folder / f"{language}.srt"))]
    languages = [(f"s:a:{at}", code) for at, code in enumerate(("eng", "ger", "fra"))]
    languages += [(f"s:s:{at}", code) for at, code in enumerate(("eng", "ger"))]
    named = [word for place, code in languages for word in (f"-metadata:{place}", f"language={code}")]
    every = [word for at in range(6) for word in ("-map", str(at))]
    target = folder / "languages.mkv"
    ffmpeg(
        *pictures("640x360", seconds=_SECONDS),
        *heard,
        *read,
        *every,
        *X264,
        "-c:a",
        "aac",
        "-c:s",
        "srt",
        *named,
        str(target),
    )
    return target


@pytest.fixture(scope="module")
def asset(appliance: Appliance, source: Path) -> dict[str, Any]:
    done = appliance.add(source, "--title", "Three languages", "--wait", "--json")
    assert done.returncode == 0, f"{done.stderr}\n{appliance.log_tails()}"
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("kind", ["hls", "dash"])
def test_a_viewer_chooses_sound_and_captions(asset: dict[str, Any], kind: str, tmp_path: Path) -> None:
    with open_page(f"{asset['watch_url']}?type={kind}", screenshot=tmp_path / "page.png") as page:
        play_until(page, "video.currentTime > 0.2", deadline_s=60)
        page.evaluate("document.querySelector('video').pause()")  # or a slow machine is at the end before it has chosen
        hear, read = page.get_by_label("Sound", exact=True), page.get_by_label("Captions", exact=True)
        offered = [text.strip() for text in hear.locator("option").all_inner_texts()]
        assert {"English", "Deutsch", "Français"} <= set(offered)
        assert "Français 5.1" in offered
        assert hear.locator("option:checked").inner_text() == "English"
        assert read.locator("option").all_inner_texts() == ["No captions", "English", "Deutsch"]
        assert page.evaluate(_SHOWN) == ""
        read.select_option("Deutsch")
        page.wait_for_function(f"() => ({_SHOWN})() === 'Guten Abend'", timeout=60_000)
        page.screenshot(path=str(tmp_path / "captions.png"))
        read.select_option("No captions")
        page.wait_for_function(f"() => ({_SHOWN})() === ''")
        hear.select_option("Deutsch")
        page.wait_for_function(_HEARS_GERMAN)
        page.get_by_label("Quality", exact=True).select_option("144p")
        page.wait_for_function(_HEARS_GERMAN)
        hear.select_option("Français 5.1")
        numbers = play_to_the_end(page, deadline_s=120)
    assert numbers["ranges"] == 1
    assert numbers["duration"] == pytest.approx(_SECONDS, abs=0.2)


def test_sound_alone_plays(appliance: Appliance, tmp_path: Path) -> None:
    source = tmp_path / "song.m4a"
    ffmpeg(*sound(5), "-c:a", "aac", str(source))
    done = appliance.add(source, "--wait", "--json")
    assert done.returncode == 0, done.stderr
    asset = json.loads(done.stdout)
    assert asset["poster_url"]
    with open_page(asset["watch_url"]) as page:
        numbers = play_to_the_end(page, deadline_s=60)
    assert numbers["duration"] == pytest.approx(5, abs=0.2)
