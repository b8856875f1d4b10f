"""The life of an asset over HTTP: create, upload, list, show, delete; and everything that can go wrong on the way."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import from_url

from tests.aio import run, until
from tests.origin import Api, Place, chunks, publish, running


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url)


def test_an_asset_lives_from_creation_to_deletion(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            title = "<script>alert('x')</script> & 🎬 e\u0301"
            asset = await api.create(title)
            shown = await api.show(asset)
            assert (shown["state"], shown["title"]) == ("waiting", "<script>alert('x')</script> & 🎬 é")
            assert shown["hls_url"] == f"http://video.test/v/{asset}/master.m3u8"

            status, queued = await api.upload(asset, b"x" * 100_000)
            assert (status, queued["state"], queued["source_bytes"]) == (200, "queued", 100_000)
            (source,) = place.sources(asset)
            assert source.read_bytes() == b"x" * 100_000
            await _check_rows(place, asset)
            status, problem = await api.upload(asset, b"again")
            assert (status, problem["code"]) == (409, "conflict")

            assert (await api.call("DELETE", f"/api/v1/assets/{asset}"))[0] == 204
            assert (await api.call("DELETE", f"/api/v1/assets/{asset}"))[0] == 404
            assert (await api.call("GET", f"/api/v1/assets/{asset}"))[0] == 404
            await until(lambda: not place.sources(asset))
            await until(lambda: _is_forgotten(place, asset))

    run(scenario())


async def _check_rows(place: Place, asset: str) -> None:
    """What the acknowledgement committed."""
    connection = await asyncpg.connect(place.dsn)
    try:
        row = await connection.fetchrow("select * from asset where id = $1", asset)
        assert row is not None
        assert row["source_sha256"] == hashlib.sha256(b"x" * 100_000).hexdigest()
        assert row["source_name"] == "clip.mp4"
        task = await connection.fetchrow("select id, kind, state, revision from task where asset_id = $1", asset)
        assert task is not None
        assert (task["kind"], task["state"], task["revision"]) == ("probe", "queued", 1)
        job = await connection.fetchrow("select entrypoint, payload from pgqueuer")
        assert job is not None
        assert (job["entrypoint"], job["payload"]) == ("probe", str(task["id"]).encode())
        assert await connection.fetchval("select count(*) from upload") == 0
    finally:
        await connection.close()


async def _is_forgotten(place: Place, asset: str) -> bool:
    connection = await asyncpg.connect(place.dsn)
    try:
        return await connection.fetchval("select count(*) from asset where id = $1", asset) == 0
    finally:
        await connection.close()


def test_the_list_is_paged_newest_first_without_gaps(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            made = [await api.create(f"Title {number}") for number in range(7)]
            seen: list[str] = []
            cursor = ""
            while True:
                status, page = await api.call("GET", f"/api/v1/assets?limit=3{cursor}")
                assert status == 200
                seen += [item["id"] for item in page["items"]]
                if page["next"] is None:
                    break
                cursor = f"&cursor={page['next']}"
            assert seen == made[::-1]

    run(scenario())


_REFUSED = {
    "no-token": ("POST", "/api/v1/assets", {"headers": {"Authorization": ""}, "json": {"title": "x"}}, 401),
    "wrong-token": ("POST", "/api/v1/assets", {"headers": {"Authorization": "Bearer no"}, "json": {"title": "x"}}, 401),
    "no-title": ("POST", "/api/v1/assets", {"json": {}}, 400),
    "unknown-field": ("POST", "/api/v1/assets", {"json": {"title": "x", "admin": True}}, 400),
    "empty-title": ("POST", "/api/v1/assets", {"json": {"title": "  "}}, 400),
    "nul-title": ("POST", "/api/v1/assets", {"json": {"title": "a\0b"}}, 400),
    "surrogate-title": ("POST", "/api/v1/assets", {"data": b'{"title": "\\ud800"}', "headers": {"Content-Type": "application/json"}}, 400),
    "long-title": ("POST", "/api/v1/assets", {"json": {"title": "x" * 301}}, 400),
    "no-json": ("POST", "/api/v1/assets", {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
    "huge-json": ("POST", "/api/v1/assets", {"json": {"title": "x" * 70_000}}, 413),
    "unknown-asset": ("GET", "/api/v1/assets/aaaaaaaaaaaa", {}, 404),
    "no-asset-id": ("GET", "/api/v1/assets/..%2f..%2fetc", {}, 404),
    "nul-in-id": ("GET", "/api/v1/assets/aaa%00aaa", {}, 404),
    "upload-to-nothing": ("PUT", "/api/v1/assets/aaaaaaaaaaaa/source", {"data": b"x"}, 404),
    "forged-cursor": ("GET", "/api/v1/assets?cursor=AAAA", {}, 400),
    "limit-too-high": ("GET", "/api/v1/assets?limit=100000", {}, 400),
    "no-such-method": ("PATCH", "/api/v1/assets", {}, 405),
    "no-such-path": ("GET", "/api/v1/nothing", {}, 404),
    "purge-nothing": ("POST", "/api/v1/purges", {"json": {"kind": "tag", "value": ""}}, 400),
    "purge-no-key": ("POST", "/api/v1/purges", {"json": {"kind": "prefix", "value": "/v/%61"}}, 400),
    "purge-dry-no-key": ("POST", "/api/v1/purges", {"json": {"kind": "url", "value": "/a#b", "dry_run": True}}, 400),
    "purge-unknown": ("GET", "/api/v1/purges/0", {}, 400),
    "purge-no-path": ("POST", "/api/v1/purges", {"json": {"kind": "url", "value": "v"}}, 400),
}  # fmt: skip


def test_refusals_are_problem_documents(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            for name, (method, path, options, expected) in _REFUSED.items():
                status, body = await api.call(method, path, **options)
                assert status == expected, (name, body)
                assert body["status"] == expected, name
                assert body["title"], name
                assert body["detail"], name
                assert body["type"] == f"/docs/errors#{body['code']}", name
                assert body["request_id"], name

    run(scenario())


def test_a_deleted_asset_is_not_served_and_its_purge_is_ordered(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            asset = await api.create()
            await publish(place, asset)
            store = place.store
            await store.put(f"v/{asset}/1/144p/1.m4s", chunks(b"s" * 1000))
            url = f"{place.url}/v/{asset}/1/144p/1.m4s"
            async with api.session.get(url) as response:
                assert response.status == 200
            await api.call("DELETE", f"/api/v1/assets/{asset}")
            for path in (f"/v/{asset}/1/144p/1.m4s", f"/v/{asset}/master.m3u8", f"/v/{asset}/1/manifest.mpd"):
                async with api.session.get(place.url + path) as response:
                    assert response.status == 404
                    assert response.headers["Surrogate-Key"] == f"asset:{asset}"
            await until(lambda: not (place.layout.objects / f"v/{asset}").exists())
            await until(lambda: _purges_relayed(api, asset))
            await store.close()

    run(scenario())


async def _purges_relayed(api: Api, asset: str) -> bool:
    """Both orders stand in the stream: at the deletion, and after the sweep."""
    redis = from_url(api.place.redis_url)
    try:
        rows = await redis.xrange("playnet:purges")
        return sum(f"asset:{asset}".encode() in fields[b"order"] for _, fields in rows) == 2
    finally:
        await redis.aclose()
