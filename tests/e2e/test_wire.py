"""What a player on another site reads of each kind of answer, through the front: one of each field, and CORS always."""

import http.client
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.appliance import Appliance, get


@pytest.fixture(scope="module")
def asset(appliance: Appliance, cut: Callable[[str, int], Path]) -> dict[str, Any]:
    done = appliance.add(cut("bbb_720p30_35s_stereo.mp4", 3), "--wait", "--json")
    assert done.returncode == 0, f"{done.stderr}\n{appliance.log_tails()}"
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _exchange(
    appliance: Appliance, method: str, path: str, headers: dict[str, str]
) -> tuple[int, list[tuple[str, str]]]:
    connection = http.client.HTTPConnection("127.0.0.1", appliance.ports[0], timeout=20)
    try:
        connection.request(method, path, headers={"Origin": "http://player.example", **headers})
        with connection.getresponse() as response:
            response.read()
            return response.status, [(name.lower(), value) for name, value in response.getheaders()]
    finally:
        connection.close()


@dataclass(frozen=True)
class Case:
    """`headers` to `name` of revision 1 are answered with `status`."""

    method: str
    name: str
    headers: dict[str, str]
    status: int


@pytest.mark.parametrize("warm", [False, True], ids=["miss", "cached"])
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case("GET", "144p/1.m4s", {}, 200), id="segment"),
        pytest.param(Case("HEAD", "144p/init.mp4", {}, 200), id="head"),
        pytest.param(Case("GET", "360p/1.m4s", {"Range": "bytes=0-99"}, 206), id="range"),
        pytest.param(Case("GET", "360p/1.m4s", {"Range": "bytes=900000000-"}, 416), id="range out of reach"),
        pytest.param(
            Case("GET", "720p/playlist.m3u8", {"Range": "bytes=900000000-"}, 416), id="playlist range out of reach"
        ),
        pytest.param(Case("GET", "720p/1.m4s", {"If-None-Match": "*"}, 304), id="not modified"),
        pytest.param(Case("GET", "master.m3u8", {"Accept-Encoding": "gzip"}, 200), id="playlist"),
        pytest.param(Case("GET", "manifest.mpd", {"Accept-Encoding": "gzip"}, 200), id="manifest"),
        pytest.param(Case("GET", "360p/9999.m4s", {}, 404), id="absent"),
        pytest.param(Case("OPTIONS", "360p/2.m4s", {"Access-Control-Request-Method": "GET"}, 204), id="preflight"),
    ],
)
def test_every_answer_is_readable_from_another_site(
    appliance: Appliance, asset: dict[str, Any], case: Case, warm: bool
) -> None:
    path = f"/v/{asset['id']}/1/{case.name}"
    if warm:
        get(appliance.front + path)
        get(appliance.front + path)
    answered, fields = _exchange(appliance, case.method, path, case.headers)
    assert answered == (200 if case.status == 304 and not warm else case.status), (
        "there is nothing to compare with on a miss"
    )
    doubled = [field for field, count in Counter(field for field, _ in fields).items() if count > 1]
    assert doubled == []
    found = dict(fields)
    assert found["access-control-allow-origin"] == "*"
    assert {"cache-status", "via", "cache-control", "x-request-id"} <= set(found)
    assert "surrogate-key" not in found
