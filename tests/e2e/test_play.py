"""What was uploaded plays: in a browser, in FFmpeg, from the cache, and with an edge gone."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from tests.e2e.appliance import Appliance, get
from tests.e2e.browser import open_page, play_to_the_end, play_until
from tests.e2e.playlist import every_url

_SECONDS = 12
_PATIENCE_S = 150  # pictures are decoded by CPUs that others may be using


@pytest.fixture(scope="module")
def source(cut: Callable[[str, int], Path]) -> Path:
    """A 1080p clip with 5.1 sound."""
    return cut("bbb_1080p25_62s_aac51.mp4", _SECONDS)


@pytest.fixture(scope="module")
def asset(appliance: Appliance, source: Path) -> dict[str, Any]:
    """The clip through upload, encode and publish."""
    done = appliance.add(source, "--title", "Bunny <b>&", "--wait", "--json")
    assert done.returncode == 0, f"{done.stderr}\n{appliance.log_tails()}"
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_an_upload_becomes_the_whole_ladder(asset: dict[str, Any]) -> None:
    assert asset["state"] == "ready"
    assert asset["title"] == "Bunny <b>&"
    video = [(item["name"], item["width"], item["height"]) for item in asset["renditions"] if item["kind"] == "video"]
    assert sorted(video, key=lambda item: item[2]) == [
        ("144p", 256, 144),
        ("360p", 640, 360),
        ("720p", 1280, 720),
        ("1080p", 1920, 1080),
    ]
    assert [item["channels"] for item in asset["renditions"] if item["kind"] == "audio"] == [2, 6]


@pytest.mark.parametrize("kind", ["hls", "dash"])
def test_a_browser_plays_to_the_end(appliance: Appliance, asset: dict[str, Any], kind: str) -> None:
    with open_page(f"{asset['watch_url']}?type={kind}", phone=True) as page:
        numbers = play_to_the_end(page, deadline_s=_PATIENCE_S)
        assert page.get_by_text("Bunny <b>&").count() >= 1
    assert numbers["duration"] == pytest.approx(_SECONDS, abs=0.2)
    assert numbers["current"] == pytest.approx(numbers["duration"], abs=0.1)
    assert numbers["ranges"] == 1, "a gap in the buffer: two segments do not join"
    assert numbers["frames"] > 0


def _decoded_frames(source: str) -> int:
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stats", "-i", source, "-map", "0:v:0", "-f", "null", "-"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    return int(re.findall(r"frame=\s*(\d+)", done.stderr)[-1])


@pytest.mark.parametrize("kind", ["hls_url", "dash_url"])
def test_ffmpeg_decodes_every_frame_of_the_source(asset: dict[str, Any], source: Path, kind: str) -> None:
    wanted = _decoded_frames(str(source))
    assert wanted == pytest.approx(_SECONDS * 25, abs=1)
    assert _decoded_frames(asset[kind]) == wanted


def _origin_requests(appliance: Appliance) -> float:
    lines = get(f"{appliance.origin}/metrics").body.decode().splitlines()
    samples = [line for line in lines if re.match(r'playnet_origin_requests_total\{.*route="/v/', line)]
    assert samples, "the origin counts no requests for media"
    return sum(float(line.rsplit(" ", 1)[1]) for line in samples)


def test_the_second_play_costs_the_origin_nothing(appliance: Appliance, asset: dict[str, Any]) -> None:
    urls = list(every_url(asset["hls_url"]))
    assert len(urls) > 5 * 4
    for url in urls:
        assert get(url).status == 200
    before = _origin_requests(appliance)
    for url in urls:
        again = get(url)
        assert again.status == 200
        assert re.search(r"edge-[12]; hit", again.fields["cache-status"]), (url, again.fields["cache-status"])
    assert _origin_requests(appliance) == before


def test_it_plays_on_when_an_edge_dies(appliance: Appliance, asset: dict[str, Any]) -> None:
    with open_page(asset["watch_url"]) as page:
        play_until(page, "video.currentTime > 1", deadline_s=60)
        edge = next(child for child in appliance.status()["children"] if child["name"] == "edge-1")
        os.killpg(os.getpgid(edge["pid"]), signal.SIGKILL)
        numbers = play_to_the_end(page, deadline_s=_PATIENCE_S)
    assert numbers["current"] == pytest.approx(_SECONDS, abs=0.2)


def test_every_response_to_a_viewer_is_labelled(asset: dict[str, Any]) -> None:
    answer = get(asset["hls_url"])
    assert answer.fields["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.fields["access-control-allow-origin"] == "*"
    assert "surrogate-key" not in answer.fields
    assert "max-age=" in answer.fields["cache-control"]


def test_purging_the_asset_costs_one_fetch_again(appliance: Appliance, asset: dict[str, Any]) -> None:
    url = next(url for url in every_url(asset["hls_url"]) if url.endswith("/1.m4s"))
    assert "hit" in (get(url), get(url))[1].fields["cache-status"]
    done = appliance.playnet("purge", "--tag", f"asset:{asset['id']}", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["complete"]
    assert sum(node["entries"] for node in report["nodes"]) > 0
    assert "fwd=" in get(url).fields["cache-status"], "acknowledged means forgotten"
    assert "hit" in get(url).fields["cache-status"]
