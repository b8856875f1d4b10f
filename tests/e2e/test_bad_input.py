"""Files that are no videos, addresses that name nothing: a clear word to the right person, nothing wedged."""

import http.client
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aio import run, until
from tests.e2e.appliance import Appliance, get
from tests.files import files_below


@pytest.fixture(scope="module")
def hostile(clip: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("hostile")
    text = folder / "text.mp4"
    text.write_text("This is a letter, not a video.\n" * 200)
    made = {"text.mp4": text}
    return lambda name: made.get(name) or clip(name)


@pytest.mark.parametrize("name", ["text.mp4", "random_bytes.mp4"])
def test_what_is_no_video_fails_with_a_reason(appliance: Appliance, hostile: Callable[[str], Path], name: str) -> None:
    done = appliance.add(hostile(name), "--wait", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["state"] == "failed"
    assert len(document["failure"]) > 20
    assert "Traceback" not in done.stderr


def test_an_empty_file_is_refused_before_anything_is_made(appliance: Appliance, hostile: Callable[[str], Path]) -> None:
    before = json.loads(get(f"{appliance.front}/api/v1/assets").body)
    done = appliance.add(hostile("empty.mp4"))
    assert done.returncode in {1, 2}
    assert "empty" in done.stderr
    assert json.loads(get(f"{appliance.front}/api/v1/assets").body) == before


def test_after_an_empty_source_the_right_one_is_taken(appliance: Appliance, cut: Callable[[str, int], Path]) -> None:
    asset = json.loads(appliance.call("POST", "/api/v1/assets", body=b'{"title": "twice"}').body)["id"]
    source = f"/api/v1/assets/{asset}/source?name=clip.mp4"
    assert appliance.call("PUT", source, body=b"").status == 200
    run(until(lambda: appliance.asset(asset)["state"] == "failed"), deadline_s=40)
    assert appliance.asset(asset)["failure"] == "The file is empty."
    assert appliance.call("PUT", source, body=cut("bbb_720p30_35s_stereo.mp4", 3).read_bytes()).status == 200
    run(until(lambda: appliance.asset(asset)["state"] == "ready", deadline_s=60), deadline_s=70)


def test_a_truncated_file_plays_as_far_as_it_goes_or_fails_with_a_reason(
    appliance: Appliance, hostile: Callable[[str], Path]
) -> None:
    done = appliance.add(hostile("truncated_1080p.mp4"), "--wait", "--json")
    document = json.loads(done.stdout)
    assert (document["state"], done.returncode) in {("ready", 0), ("failed", 1)}
    assert document["state"] == "ready" or len(document["failure"]) > 20


def test_good_videos_go_on_after_bad_ones(appliance: Appliance, cut: Callable[[str, int], Path]) -> None:
    done = appliance.add(cut("bbb_720p30_35s_stereo.mp4", 3), "--wait", "--json")
    assert done.returncode == 0, done.stderr
    asset = json.loads(done.stdout)
    assert [item["name"] for item in asset["renditions"] if item["kind"] == "video"] == ["144p", "360p", "720p"]
    deleted = _raw(
        appliance, "DELETE", f"/api/v1/assets/{asset['id']}?for_good=1", token=appliance.data / "secrets" / "api-token"
    )
    assert deleted == 204
    assert get(f"{appliance.front}/api/v1/assets/{asset['id']}").status == 404
    segment = f"{asset['hls_url'].rsplit('/', 1)[0]}/1/360p/1.m4s"
    run(until(lambda: get(segment).status == 404), deadline_s=40)
    run(
        until(
            lambda: (
                not [
                    path for path in files_below(appliance.data / "objects", suffix=".m4s") if asset["id"] in path.parts
                ]
            )
        ),
        deadline_s=60,
    )


def _raw(appliance: Appliance, method: str, target: str, *, token: Path | None = None, field: str = "") -> int:
    """One request with a target that no client library would send. Status, or 0 when the server just hung up."""
    connection = http.client.HTTPConnection("127.0.0.1", appliance.ports[0], timeout=20)
    connection._validate_path = lambda url: None  # type: ignore[attr-defined]
    headers = {"X-Padding": field} if field else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token.read_text().strip()}"
    try:
        connection.request(method, target, headers=headers)
        return connection.getresponse().status
    except (ConnectionError, http.client.BadStatusLine):
        return 0
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param("/v/aaaaaaaaaaaa/master.m3u8", {404}, id="no such asset"),
        pytest.param("/api/v1/assets/aaaaaaaaaaaa", {404}, id="no such asset in the API"),
        pytest.param("/v/../../../../etc/passwd", {400}, id="dots"),
        pytest.param("/v/%2e%2e/%2e%2e/%2e%2e/etc/passwd", {400}, id="escaped dots"),
        pytest.param("/v/..%2f..%2fetc/passwd", {400, 404}, id="escaped slashes"),
        pytest.param("/v/aaaaaaaaaaaa/1/360p/1.m4s%00.jpg", {400, 404}, id="NUL"),
        pytest.param("/v/aaaaaaaaaaaa/1/360p/%2e%2e/%2e%2e/%2e%2e/%2e%2e/secrets/api-token", {400, 404}, id="secret"),
        pytest.param("/metrics", {404}, id="metrics are not public"),
    ],
)
def test_hostile_targets_are_refused(appliance: Appliance, target: str, expected: set[int]) -> None:
    assert _raw(appliance, "GET", target) in expected


def test_a_64_kib_field_is_refused(appliance: Appliance) -> None:
    assert _raw(appliance, "GET", "/", field="x" * (64 << 10)) in {400, 431}


def test_writing_needs_the_token(appliance: Appliance) -> None:
    assert _raw(appliance, "POST", "/api/v1/assets") == 401
