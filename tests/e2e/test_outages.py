"""An engine that hangs (SIGSTOP, the cruellest outage: connections open and nobody answers) and comes back."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.aio import run, until
from tests.e2e.appliance import Appliance, get
from tests.e2e.playlist import every_url


@pytest.fixture(scope="module")
def asset(appliance: Appliance, cut: Callable[[str, int], Path]) -> dict[str, Any]:
    """Ready, with its 360p rendition and its manifests at the edges."""
    done = appliance.add(cut("bbb_720p30_35s_stereo.mp4", 3), "--wait", "--json")
    assert done.returncode == 0, f"{done.stderr}\n{appliance.log_tails()}"
    document: dict[str, Any] = json.loads(done.stdout)
    for url in _cached(document):
        assert get(url).status == 200
    return document


def _cached(asset: dict[str, Any]) -> list[str]:
    base = f"{asset['hls_url'].rsplit('/', 1)[0]}/1/360p"
    return [asset["hls_url"], asset["dash_url"], f"{base}/playlist.m3u8", f"{base}/init.mp4", f"{base}/1.m4s"]


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


@contextmanager
def _frozen(appliance: Appliance, name: str) -> Iterator[None]:
    family = _family(next(child["pid"] for child in appliance.status()["children"] if child["name"] == name))
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)


def _sick(appliance: Appliance) -> dict[str, str]:
    return {child["name"]: child["health_reason"] for child in appliance.status()["children"] if not child["healthy"]}


def test_a_database_that_hangs_stops_neither_viewers_nor_an_upload(
    appliance: Appliance, asset: dict[str, Any], cut: Callable[[str, int], Path]
) -> None:
    segment = f"{asset['hls_url'].rsplit('/', 1)[0]}/1/720p/1.m4s"
    longer = json.loads(appliance.add(cut("bbb_720p30_35s_stereo.mp4", 12), "--json").stdout)
    run(until(lambda: appliance.asset(longer["id"])["state"] == "processing"), deadline_s=40)
    with ThreadPoolExecutor(1) as threads, _frozen(appliance, "postgres"):
        publisher = threads.submit(appliance.add, cut("bbb_720p30_35s_stereo.mp4", 3), "--wait", "--json")
        assert [get(url, timeout_s=2).status for url in _cached(asset)] == [200] * 5
        assert get(segment).status == 200, "a file needs no database"
        assert get(segment.replace("1.m4s", "init.mp4"), timeout_s=2).status == 200, "found silent a moment ago"
        refused = get(f"{appliance.front}/api/v1/assets")
        assert (refused.status, json.loads(refused.body)["code"]) == (503, "unavailable")
        assert int(refused.fields["retry-after"]) > 0
        sick = _sick(appliance)
        assert set(sick) == {"postgres", "origin", "transcoder"}
        assert sick["origin"].startswith("HTTP 503"), "the origin itself answers, and says what is silent"
    added = publisher.result()
    assert (added.returncode, json.loads(added.stdout)["state"]) == (0, "ready"), added.stderr
    run(until(lambda: appliance.asset(longer["id"])["state"] == "ready", deadline_s=90), deadline_s=100)
    assert {get(url).status for url in every_url(appliance.asset(longer["id"])["hls_url"])} == {200}
    assert _sick(appliance) == {}


def test_purges_reach_the_edges_when_redis_answers_again(appliance: Appliance, asset: dict[str, Any]) -> None:
    url = _cached(asset)[-1]
    assert get(url).fields["cache-status"].endswith("; hit; detail=hot")
    with _frozen(appliance, "redis"):
        done = appliance.playnet("purge", "--tag", f"asset:{asset['id']}", "--wait", "1s")
        assert (done.returncode, "the order is kept" in done.stderr) == (1, True), done.stderr
        assert get(url).status == 200
        sick = _sick(appliance)
        assert set(sick) == {"redis"}, "uploads and viewers go on"
    run(until(lambda: "fwd=miss" in get(url).fields["cache-status"]), deadline_s=40)


def test_services_tell_of_it_without_stack_traces(appliance: Appliance) -> None:
    token = (appliance.data / "secrets" / "api-token").read_text().strip()
    for log in (appliance.data / "logs").glob("*.log"):
        text = log.read_text()
        assert "Traceback" not in text, log.name
        assert token not in text, log.name
        if log.stem not in {"postgres", "redis"}:
            assert all("event" in json.loads(line) or "uri" in json.loads(line) for line in text.splitlines()), log.name
