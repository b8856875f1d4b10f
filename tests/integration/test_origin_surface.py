"""What else the origin shows: its OpenAPI description, health, metrics, pages, the token's file."""

import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from origin.core.accounts.permissions import RULES
from playnet.api_token import ensure_api_token
from playnet.asgi.serve import listen
from playnet.config import Address
from tests.aio import run
from tests.origin import Place, process, publish, running


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url)


def test_the_description_names_every_operation_its_answers_and_examples(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            status, document = await api.call("GET", "/api/v1/openapi.json")
            assert (status, document["openapi"][:3]) == (200, "3.1")
            operations = {
                (method, path): operation
                for path, item in document["paths"].items()
                for method, operation in item.items()
            }
            description = ("GET", "/api/v1/openapi.json")
            rules = {key: rule for key, rule in RULES.items() if key[1].startswith("/api/") and key != description}
            assert set(operations) == {(method.lower(), path) for method, path in rules}
            for name, operation in operations.items():
                assert operation["summary"], name
                assert "422" not in operation["responses"], name
                assert bool(operation.get("security")) == (rules[name[0].upper(), name[1]].needs is not None), name
                errors = {code for code in operation["responses"] if code >= "400"}
                assert "503" in errors or name[0] in {"options", "head"}, name
                for code in errors:
                    assert list(operation["responses"][code]["content"]) == ["application/problem+json"], (name, code)
            assert document["components"]["schemas"]["AssetView"]["examples"]
            _check_references(document, document)

    run(scenario())


def _check_references(part: Any, document: dict[str, Any]) -> None:
    """Every `$ref` leads somewhere."""
    if isinstance(part, dict):
        if "$ref" in part:
            found: Any = document
            for step in part["$ref"].removeprefix("#/").split("/"):
                found = found[step]
        for value in part.values():
            _check_references(value, document)
    elif isinstance(part, list):
        for value in part:
            _check_references(value, document)


def test_a_ready_asset_is_described_with_its_renditions(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            asset = await api.create()
            await publish(place, asset)
            shown = await api.show(asset)
            assert (shown["state"], shown["duration_s"]) == ("ready", 6.016)
            assert [rendition["name"] for rendition in shown["renditions"]] == ["144p", "audio"]
            assert shown["renditions"][0]["fps"] == 25.0
            assert shown["poster_url"] == f"http://video.test/v/{asset}/1/thumbs/poster.jpg"

    run(scenario())


def test_health_and_metrics(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            status, body = await api.call("GET", "/readyz")
            assert (status, body["ready"]) == (200, True)
            assert body["parts"] == {"database": {"ok": True}, "store": {"ok": True}, "redis": {"ok": True}}
            asset = await api.create()
            await api.upload(asset, b"x" * 5000)
            async with api.session.get(f"{place.url}/metrics", headers={"X-Request-Id": "given-by-hop-1"}) as response:
                text = await response.text()
                assert response.headers["X-Request-Id"] == "given-by-hop-1"
            assert 'playnet_origin_received_bytes_total{route="/api/v1/assets/{asset_id}/source"} 5000.0' in text
            assert 'playnet_origin_tasks{kind="probe",state="queued"} 1.0' in text
            assert 'requests_total{method="POST",route="/api/v1/assets",status="201"} 1.0' in text
            assert asset not in text, "paths would make one series for each asset"

    run(scenario())


def test_pages_come_from_the_built_app_and_name_what_is_missing(place: Place) -> None:
    async def scenario() -> None:
        web = place.folder / "web"
        async with running(place, web_folder=web) as api:
            status, problem = await api.call("GET", "/")
            assert status == 503
            assert "make setup" in problem["detail"]
            (web / "assets").mkdir(parents=True)
            (web / "assets" / "app-1a2b.js").write_text("go()")
            (web / "index.html").write_text("<!doctype html><title>PlayNet</title>")
            asset = await api.create("<b>")
            for path, expected in (
                ("/", 200),
                (f"/watch/{asset}", 200),
                ("/watch/aaaaaaaaaaaa", 404),
                ("/watch/x", 404),
            ):
                async with api.session.get(place.url + path) as response:
                    assert response.status == expected, path
                    assert await response.text() == "<!doctype html><title>PlayNet</title>"
                    policy = response.headers["Content-Security-Policy"]
                    assert "media-src 'self' blob:" in policy
                    assert "default-src 'none'" in policy
                    assert response.headers["X-Content-Type-Options"] == "nosniff"
            async with api.session.get(f"{place.url}/assets/app-1a2b.js") as response:
                assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
                assert response.headers["Surrogate-Key"] == "web"
                assert response.headers["Content-Type"].startswith("text/javascript")
                etag = response.headers["ETag"]
            async with api.session.get(f"{place.url}/assets/app-1a2b.js", headers={"If-None-Match": etag}) as response:
                assert response.status == 304
            assert (await api.call("GET", "/assets/other.js"))[0] == 404

    run(scenario())


def test_the_token_is_made_once_and_kept_secret(place: Place) -> None:
    first = ensure_api_token(place.config, place.layout)
    assert ensure_api_token(place.config, place.layout) == first
    assert len(first) >= 43  # 32 bytes in base64
    assert stat.S_IMODE(place.layout.api_token.stat().st_mode) == 0o600
    assert [path.name for path in place.layout.secrets.iterdir()] == ["api-token"]


def test_small_answers_do_not_wait_for_delayed_acknowledgements(free_port: Callable[[], int]) -> None:
    """asyncio turns Nagle's algorithm off only on sockets whose protocol is named: 44 ms for each answer otherwise."""
    listener = listen(Address("127.0.0.1", free_port()))
    assert listener.proto == socket.IPPROTO_TCP
    listener.close()


@pytest.mark.parametrize(
    ("extra", "expected", "line"),
    [
        (", max_source: lots", 2, 'origin.max_source = "lots": expected a number with a unit'),
        ("", 1, "cannot listen on 127.0.0.1:"),
    ],
    ids=["wrong-setting", "taken-port"],
)
def test_what_keeps_an_origin_from_starting_is_one_line(place: Place, extra: str, expected: int, line: str) -> None:
    place.file.write_text(place.file.read_text().replace("free_space: 0B", f"free_space: 0B{extra}"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", place.port))
        taken.listen()
        with process(place) as child:
            assert child.wait(timeout=20) == expected
    assert line in (place.folder / "log").read_text().splitlines()[-1]
