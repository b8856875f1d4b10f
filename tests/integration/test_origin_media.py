"""What the origin serves below `/v/`: ranges, conditions, caching fields, CORS, manifests, hostile names."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import m3u8
import pytest

from tests.aio import run
from tests.origin import Api, Place, chunks, publish, running

_DATA = bytes(range(256)) * 16  # 4096 bytes
_SIZE = len(_DATA)


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url)


@asynccontextmanager
async def _published(place: Place) -> AsyncIterator[tuple[Api, str]]:
    """A ready asset with one segment of known bytes."""
    async with running(place) as api:
        asset = await api.create()
        await publish(place, asset)
        store = place.store
        await store.put(f"v/{asset}/1/144p/1.m4s", chunks(_DATA))
        await store.close()
        yield api, asset


async def _get(api: Api, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with api.session.request(method, api.place.url + path, headers=named) as response:
        return response.status, response.headers, await response.read()


_RANGES = [
    ("bytes=0-0", 206, _DATA[:1]),
    ("bytes=100-199", 206, _DATA[100:200]),
    ("bytes=4000-", 206, _DATA[4000:]),
    ("bytes=-96", 206, _DATA[-96:]),
    ("bytes=-9999", 206, _DATA),
    ("bytes=4000-99999", 206, _DATA[4000:]),
    ("bytes=4096-", 416, b""),
    ("bytes=-0", 416, b""),
    ("bytes=5-4", 416, b""),
    ("bytes=0-1,5-6", 200, _DATA),
    ("pages=1-2", 200, _DATA),
    ("bytes=99999999999999999999999999-", 416, b""),
]


def test_ranges_of_a_stored_object(place: Place) -> None:
    async def scenario() -> None:
        async with _published(place) as (api, asset):
            for value, expected, body in _RANGES:
                status, headers, got = await _get(api, f"/v/{asset}/1/144p/1.m4s", Range=value)
                assert (status, got) == (expected, body), value
                assert int(headers["Content-Length"]) == len(body), value
                if status == 206:
                    first = _DATA.index(body) if len(body) < _SIZE else 0
                    assert headers["Content-Range"].endswith(f"/{_SIZE}"), (value, first)
                if status == 416:
                    assert headers["Content-Range"] == f"bytes */{_SIZE}", value

    run(scenario())


def test_fields_and_conditions_of_a_stored_object(place: Place) -> None:
    async def scenario() -> None:
        async with _published(place) as (api, asset):
            path = f"/v/{asset}/1/144p/1.m4s"
            status, headers, body = await _get(api, path)
            assert (status, body) == (200, _DATA)
            expected = {
                "Content-Type": "video/iso.segment",
                "Cache-Control": "public, max-age=31536000, immutable",
                "Surrogate-Key": f"asset:{asset} rev:{asset}/1",
                "Accept-Ranges": "bytes",
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Expose-Headers": "Content-Length, Content-Range, Cache-Status, Age, ETag",
                "Timing-Allow-Origin": "*",
            }
            assert {name: headers[name] for name in expected} == expected
            modified = int((place.layout.objects / path[1:]).stat().st_mtime)
            etag = f'"{modified:x}-{_SIZE:x}"'
            assert (headers["ETag"], headers["Last-Modified"]) == (etag, formatdate(modified, usegmt=True))

            head = await _get(api, path, "HEAD")
            assert (head[0], head[1]["Content-Length"], head[2]) == (200, str(_SIZE), b"")
            for condition, expected_status in (
                ({"If_None_Match": etag}, 304),
                ({"If_None_Match": "*"}, 304),
                ({"If_None_Match": '"other"'}, 200),
                ({"If_Modified_Since": headers["Last-Modified"]}, 304),
                ({"If_Modified_Since": formatdate(modified - 1, usegmt=True)}, 200),
                ({"Range": "bytes=0-9", "If_Range": etag}, 206),
                ({"Range": "bytes=0-9", "If_Range": '"other"'}, 200),
                ({"Range": "bytes=0-9", "If_None_Match": etag}, 304),
            ):
                status, found, _ = await _get(api, path, **condition)
                assert status == expected_status, condition
                assert found["ETag"] == etag
                assert found["Cache-Control"] == expected["Cache-Control"]

    run(scenario())


def test_manifests_are_rendered_validated_and_found_absent(place: Place) -> None:
    async def scenario() -> None:
        async with _published(place) as (api, asset):
            status, headers, body = await _get(api, f"/v/{asset}/master.m3u8")
            assert (status, headers["Content-Type"]) == (200, "application/vnd.apple.mpegurl")
            assert "s-maxage=300" in headers["Cache-Control"]
            assert headers["Surrogate-Key"] == f"asset:{asset} rev:{asset}/1"
            playlist = m3u8.loads(body.decode())
            assert [entry.uri for entry in playlist.playlists] == ["1/144p/playlist.m3u8"]
            etag = headers["ETag"]
            assert (await _get(api, f"/v/{asset}/master.m3u8", If_None_Match=etag))[0] == 304

            status, headers, body = await _get(api, f"/v/{asset}/1/144p/playlist.m3u8")
            assert (status, m3u8.loads(body.decode()).segments[1].uri) == (200, "2.m4s")
            assert "s-maxage=3600" in headers["Cache-Control"]
            status, headers, body = await _get(api, f"/v/{asset}/1/manifest.mpd")
            assert (status, headers["Content-Type"], body[:5]) == (200, "application/dash+xml", b"<?xml")

            waiting = await api.create()
            for path in (
                f"/v/{asset}/2/master.m3u8", f"/v/{asset}/1/720p/playlist.m3u8", f"/v/{asset}/144p/playlist.m3u8",
                f"/v/{waiting}/master.m3u8", "/v/aaaaaaaaaaaa/manifest.mpd", f"/v/{asset}/1/144p/2.m4s",
            ):  # fmt: skip
                status, headers, _ = await _get(api, path)
                assert (status, headers["Content-Type"]) == (404, "application/problem+json"), path
                assert headers["Cache-Control"] == "public, max-age=1, s-maxage=2", path
                assert headers["Access-Control-Allow-Origin"] == "*", path

    run(scenario())


def test_players_of_other_origins_may_ask_for_ranges(place: Place) -> None:
    async def scenario() -> None:
        async with _published(place) as (api, asset):
            asked = {
                "Origin": "http://x.test",
                "Access_Control_Request_Method": "GET",
                "Access_Control_Request_Headers": "range",
            }
            status, headers, _ = await _get(api, f"/v/{asset}/1/144p/1.m4s", "OPTIONS", **asked)
            assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
            assert "Range" in headers["Access-Control-Allow-Headers"]
            status, headers, _ = await _get(api, f"/v/{asset}/1/144p/1.m4s", "POST")
            assert (status, set(headers["Allow"].split(", "))) == (405, {"GET", "HEAD", "OPTIONS"})

    run(scenario())


async def _raw(place: Place, head: bytes) -> bytes:
    """The status line that a raw request gets."""
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
    writer.write(head)
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line


_HOSTILE = {
    "dots": (b"GET /v/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "escaped-dots": (b"GET /v/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "escaped-slashes": (b"GET /v/ASSET%2f1%2f144p%2f1.m4s HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "escaped-letter": (b"GET /v/ASSET/1/144%70/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "escaped-nul": (b"GET /v/ASSET/1/144p/1.m4s%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "nul": (b"GET /v/ASSET/1/144p/1.m4s\0 HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    "nul-in-page": (b"GET /watch/%00 HTTP/1.1\r\nHost: x\r\n\r\n", b"503"),
    "dots-in-page": (b"GET /assets/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "other-revision-form": (b"GET /v/ASSET/01/144p/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
    "64-kib-header": (b"GET /v/ASSET/1/144p/1.m4s HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 65536 + b"\r\n\r\n", b"431"),
    "endless-header": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 400_000, b"431"),
    "64-kib-path": (b"GET /v/" + b"a" * 65536 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    "good": (b"GET /v/ASSET/1/144p/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
}


def test_hostile_names_and_heads(place: Place) -> None:
    async def scenario() -> None:
        async with _published(place) as (api, asset):
            for name, (head, expected) in _HOSTILE.items():
                line = await _raw(place, head.replace(b"ASSET", asset.encode()))
                assert line.split()[1:2] == [expected], (name, line)
            assert await api.ready()

    run(scenario())
