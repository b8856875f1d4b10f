"""Private assets at the origin: visibility, signed addresses, revocations on their way to the edges."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import from_url

from edge.core.hot import SEALED_FIELDS
from playnet.purge.log import Entry
from playnet.revocation_log import RevocationLog
from playnet.token_keys import KeyFile
from playnet.tokens import Granted, Rules, Use, judge
from tests.aio import run
from tests.origin import Place, chunks, publish, running


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url)


async def _publish(place: Place, asset: str) -> None:
    await publish(place, asset)
    store = place.store
    await store.put(f"v/{asset}/1/144p/1.m4s", chunks(b"segment"))
    await store.close()


def test_a_private_asset_is_sealed_unlisted_and_signed_for(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            asset = await api.create("secret")
            await _publish(place, asset)
            segment = f"{place.url}/v/{asset}/1/144p/1.m4s"
            async with api.session.get(segment) as answer:
                assert "PlayNet-Access" not in answer.headers
            edit: dict[str, Any] = {"json": {"visibility": "private"}, "headers": {"If-Match": "*"}}
            status, told = await api.call("PATCH", f"/api/v1/assets/{asset}", **edit)
            assert (status, told["visibility"]) == (200, "private")
            async with api.session.get(segment) as answer:
                assert (answer.status, answer.headers["PlayNet-Access"]) == (200, "token")
                said = {name.lower(): value for name, value in answer.headers.items()}
                assert {name: said[name] for name, _ in SEALED_FIELDS} == dict(SEALED_FIELDS)
            async with api.session.get(f"{place.url}/v/{asset}/master.m3u8") as answer:
                assert answer.headers["PlayNet-Access"] == "token"
                assert answer.headers["Cache-Control"] == "private, max-age=5"
                targeted = answer.headers["PlayNet-CDN-Cache-Control"]
                assert targeted == "max-age=300, stale-while-revalidate=30, stale-if-error=86400"
                etag = answer.headers["ETag"]
            async with api.session.get(answer.url, headers={"If-None-Match": etag}) as answer:
                assert (answer.status, answer.headers["PlayNet-Access"]) == (304, "token")
            assert (await api.call("GET", "/api/v1/assets"))[1]["items"] == []
            status, signed = await api.call(
                "POST", "/api/v1/tokens", json={"asset": asset, "life_s": 60, "client": "192.0.2.7", "subject": "ann"}
            )
            assert (status, signed["hls_url"]) == (201, f"http://video.test/t/{signed['token']}/v/{asset}/master.m3u8")
            assert signed["watch_url"].endswith(f"/watch/{asset}#t={signed['token']}")
            keys = KeyFile(place.layout.token_keys)
            use = Use(f"/v/{asset}/1/144p/1.m4s", "192.0.2.7", time.time())
            verdict = judge(signed["token"], use, keys=keys.current(), rules=Rules(), revoked_at=lambda _: None)
            assert isinstance(verdict, Granted)
            assert (place.layout.token_keys.stat().st_mode & 0o777) == 0o600
            for wrong in ({"client": "x"}, {"life_s": 10**6}, {"subject": "a b"}, {"life_s": 1}):
                assert (await api.call("POST", "/api/v1/tokens", json={"asset": asset, **wrong}))[0] == 400
            assert (await api.call("POST", "/api/v1/tokens", json={"asset": "a" * 12}))[0] == 404
            async with api.session.post(f"{place.url}/api/v1/tokens", json={"asset": asset}) as answer:
                assert answer.status == 401

    run(scenario())


def test_an_asset_may_be_private_from_the_start(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            wanted = {"title": "secret", "visibility": "private"}
            status, asset = await api.call("POST", "/api/v1/assets", json=wanted)
            assert status == 201
            await _publish(place, asset["id"])
            async with api.session.get(f"{place.url}/v/{asset['id']}/1/144p/1.m4s") as answer:
                assert answer.headers["PlayNet-Access"] == "token"

    run(scenario())


def test_revocations_reach_the_log_in_order(place: Place, redis_url: str) -> None:
    async def scenario() -> None:
        redis = from_url(redis_url)
        async with running(place) as api:
            before = int(time.time())
            for kind, value in (("subject", "ann"), ("prefix", "/v/"), ("key", "k1")):
                status, told = await api.call("POST", "/api/v1/revocations", json={"kind": kind, "value": value})
                assert (status, before <= told["at"] <= int(time.time())) == (202, True)
            found = []
            async for event in RevocationLog(redis).follow(0):
                assert isinstance(event, Entry)
                found.append((event.order.kind, event.order.value))
                if len(found) == 3:
                    break
            assert found == [("subject", "ann"), ("prefix", "/v/"), ("key", "k1")]
            for wrong in (
                {"kind": "subject", "value": "a/b"},
                {"kind": "all", "value": "x"},
                {"kind": "prefix", "value": "v"},
            ):
                assert (await api.call("POST", "/api/v1/revocations", json=wrong))[0] == 400
        await redis.aclose()

    run(scenario())


def test_signing_takes_less_than_a_millisecond(place: Place) -> None:
    """Of CPU, without HTTP: what a page that hands out an address adds."""
    from origin.core.playback import Grant, playback  # noqa: PLC0415
    from playnet.names import AssetId  # noqa: PLC0415
    from playnet.token_keys import fresh_keys  # noqa: PLC0415

    keys = fresh_keys()
    grant = Grant(asset=AssetId("a" * 12), issued_s=1_900_000_000, life_s=60, client="192.0.2.0/24", subject="ann")
    started = time.process_time()
    for _ in range(200):
        playback(keys, grant, "http://video.test")
    assert (time.process_time() - started) / 200 < 0.001
