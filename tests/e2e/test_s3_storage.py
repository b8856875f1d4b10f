"""The whole appliance on an S3 bucket, and what people meet while that bucket is away."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.aio import run, until
from tests.contract.s3_server import S3Server
from tests.e2e.appliance import Appliance, free_ports, get
from tests.e2e.playlist import every_url
from tests.files import files_below


@pytest.fixture(scope="module")
def bucket(down_appliance: Appliance) -> Iterator[S3Server]:
    """The server, and the appliance configured to keep everything there."""
    folder = down_appliance.folder / "s3"
    folder.mkdir()
    server = S3Server(folder, free_ports(1)[0]).start()
    secrets = {"access_key_file": server.bucket.access_key, "secret_key_file": server.bucket.secret_key}
    for name, secret in secrets.items():
        (folder / name).write_text(secret)
    s3: dict[str, Any] = {"endpoint": server.bucket.endpoint, "bucket": server.bucket.name, "tls": False}
    s3 |= {name: str(folder / name) for name in secrets}
    down_appliance.write_config(storage={"kind": "s3", "s3": s3})
    yield server
    server.stop()


@pytest.fixture(scope="module")
def appliance(bucket: S3Server, down_appliance: Appliance) -> Appliance:
    """Running, on the bucket."""
    assert bucket.process is not None
    down_appliance.up()
    return down_appliance


@pytest.fixture(scope="module")
def asset(appliance: Appliance, cut: Callable[[str, int], Path]) -> dict[str, Any]:
    done = appliance.add(cut("bbb_720p30_35s_stereo.mp4", 3), "--wait", "--json")
    assert done.returncode == 0, f"{done.stderr}\n{appliance.log_tails()}"
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _objects(bucket: S3Server, asset_id: str) -> set[str]:
    root = bucket.folder / "objects" / "media"
    return {str(path.relative_to(root)) for path in files_below(root) if asset_id in path.parts}


def test_the_whole_ladder_is_made_from_and_into_the_bucket(
    appliance: Appliance, bucket: S3Server, asset: dict[str, Any]
) -> None:
    names = [item["name"] for item in asset["renditions"]]
    assert names == ["144p", "360p", "720p", "audio"]
    stored = _objects(bucket, asset["id"])
    assert any(key.startswith("source/") for key in stored)
    for name in names:
        assert f"v/{asset['id']}/1/{name}/1.m4s" in stored
    assert files_below(appliance.data / "objects") == []
    for url in every_url(asset["hls_url"]):
        assert get(url).status == 200, url


def test_a_bucket_that_is_away_costs_only_what_needs_it(
    appliance: Appliance, bucket: S3Server, asset: dict[str, Any], cut: Callable[[str, int], Path]
) -> None:
    cached = list(every_url(asset["hls_url"]))
    uncached = f"{asset['hls_url'].rsplit('/', 1)[0]}/1/thumbs/sprite-1.jpg"
    longer = json.loads(appliance.add(cut("bbb_720p30_35s_stereo.mp4", 12), "--json").stdout)
    run(until(lambda: appliance.asset(longer["id"])["state"] == "processing"), deadline_s=40)
    bucket.stop()

    assert {get(url).status for url in cached} == {200}
    refused = get(uncached, headers={"Origin": "http://player.example"}, timeout_s=90)
    assert (refused.status, refused.fields["content-type"]) == (503, "application/problem+json")
    assert int(refused.fields["retry-after"]) > 0
    assert refused.fields["access-control-allow-origin"] == "*"
    assert json.loads(refused.body)["code"] == "unavailable"
    sick = next(child for child in appliance.status()["children"] if child["name"] == "origin")
    assert "object store" in sick["health_reason"]
    waiting = json.loads(appliance.call("POST", "/api/v1/assets", body=b'{"title": "refused"}').body)["id"]
    upload = appliance.call("PUT", f"/api/v1/assets/{waiting}/source", body=b"x" * 100_000, timeout_s=90)
    assert (upload.status, json.loads(upload.body)["code"]) == (503, "unavailable")
    assert "object store" in json.loads(upload.body)["detail"]
    assert appliance.asset(waiting)["state"] == "waiting"

    bucket.start()
    run(until(lambda: appliance.asset(longer["id"])["state"] == "ready", deadline_s=120), deadline_s=130)
    assert get(uncached).status == 200
    for url in every_url(appliance.asset(longer["id"])["hls_url"]):
        assert get(url).status == 200, url
    again = appliance.add(cut("bbb_720p30_35s_stereo.mp4", 3), "--wait")
    assert again.returncode == 0, again.stderr


def test_deleting_empties_the_bucket_of_it(appliance: Appliance, bucket: S3Server, asset: dict[str, Any]) -> None:
    urls = list(every_url(asset["hls_url"]))
    assert appliance.call("DELETE", f"/api/v1/assets/{asset['id']}?for_good=1").status == 204
    run(until(lambda: {get(url).status for url in urls} == {404}), deadline_s=40)
    run(until(lambda: _objects(bucket, asset["id"]) == set(), deadline_s=60), deadline_s=70)
