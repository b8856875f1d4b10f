"""PostgreSQL, Redis or the store gone for a while: clear answers, recovery by itself, nothing acknowledged is lost."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import asyncpg
import pytest
from redis.asyncio import from_url

from tests.aio import run, until
from tests.origin import Api, Place, chunks, process, publish, running
from tests.servers import Postgres, RedisServer


@pytest.fixture
def place(short_tmp: Path, own_postgres: Postgres, redis_server: RedisServer, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), own_postgres.dsn("postgres"), redis_server.url)


def _restart(server: Postgres) -> None:
    server.start(durable=True)


def test_an_origin_starts_before_its_database(place: Place, own_postgres: Postgres) -> None:
    async def scenario() -> None:
        own_postgres.stop()
        async with aiohttp.ClientSession() as session:
            api = Api(place, session)
            with process(place):
                await until(lambda: _status(api, "/healthz", 200))
                async with session.get(f"{place.url}/readyz") as response:
                    body = await response.json()
                    assert (response.status, body["parts"]["database"]["ok"]) == (503, False)
                    assert "database" in body["parts"]["database"]["detail"]
                status, problem = await api.call("GET", "/api/v1/assets")
                assert (status, problem["code"]) == (503, "unavailable")
                await asyncio.to_thread(_restart, own_postgres)
                await until(api.ready)
                assert (await api.call("GET", "/api/v1/assets"))[0] == 200

    run(scenario())


async def _status(api: Api, path: str, expected: int) -> bool:
    try:
        async with api.session.get(api.place.url + path) as response:
            return response.status == expected
    except aiohttp.ClientError:
        return False


def test_postgres_crashes_in_the_middle_of_everything(place: Place, own_postgres: Postgres) -> None:
    """An upload goes on through the outage; manifests and media are served; writes are refused with Retry-After."""

    async def scenario() -> None:
        async with running(place) as api:
            acknowledged, going, played = await api.create(), await api.create(), await api.create()
            assert (await api.upload(acknowledged, b"kept"))[0] == 200
            await publish(place, played)
            store = place.store
            await store.put(f"v/{played}/1/144p/1.m4s", chunks(b"segment"))
            await store.close()
            assert await _status(api, f"/v/{played}/master.m3u8", 200)
            gate = asyncio.Event()

            async def slowly() -> AsyncIterator[bytes]:
                yield b"x" * (1 << 20)
                await gate.wait()
                yield b"end"

            upload = asyncio.create_task(api.upload(going, slowly()), name="upload")
            await until(lambda: _is_in(api, going, "uploading"))
            await asyncio.to_thread(own_postgres.stop, signal.SIGQUIT)  # immediate shutdown: as after a crash

            async with api.session.get(f"{place.url}/api/v1/assets") as response:
                assert (response.status, response.headers["Retry-After"]) == (503, "2")
                assert response.headers["Content-Type"] == "application/problem+json"
            assert (await api.call("DELETE", f"/api/v1/assets/{acknowledged}"))[0] == 503
            assert await _status(api, f"/v/{played}/master.m3u8", 200), "the last good manifest"
            assert await _status(api, f"/v/{played}/1/144p/1.m4s", 200)
            assert await _status(api, f"/v/{played}/1/manifest.mpd", 503), "never rendered before"
            assert await _status(api, "/readyz", 503)
            assert await _status(api, "/healthz", 200)
            gate.set()  # the source ends while the database is away: the acknowledgement waits for it

            await asyncio.to_thread(_restart, own_postgres)
            status, body = await upload
            assert (status, body["state"], body["source_bytes"]) == (200, "queued", (1 << 20) + 3)
            await until(api.ready)
            assert (await api.show(acknowledged))["state"] == "queued"
            assert await _status(api, f"/v/{played}/1/manifest.mpd", 200)

    run(scenario())


async def _is_in(api: Api, asset: str, state: str) -> bool:
    return bool((await api.show(asset))["state"] == state)


def test_purges_wait_for_redis_and_keep_their_order(place: Place, redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            status, first = await api.call("POST", "/api/v1/purges", json={"kind": "all"})
            assert status == 202
            await until(lambda: _relayed(place, [first["id"]]))
            redis_server.stop(signal.SIGKILL)
            ids = [first["id"]]
            for number in range(5):
                status, body = await api.call("POST", "/api/v1/purges", json={"kind": "tag", "value": f"t:{number}"})
                assert status == 202
                ids.append(body["id"])
            async with api.session.get(f"{place.url}/readyz") as response:
                body = await response.json()
                assert (response.status, body["parts"]["redis"]["ok"]) == (200, False), "play and uploads go on"
            await asyncio.to_thread(redis_server.start)
            await until(lambda: _relayed(place, ids))
            await _lose_redis_entries(place, ids[-2:])
            await until(lambda: _relayed(place, ids))

    run(scenario())


async def _relayed(place: Place, ids: list[int]) -> bool:
    redis = from_url(place.redis_url)
    try:
        return [int(key.partition(b"-")[0]) for key, _ in await redis.xrange("playnet:purges")] == ids
    finally:
        await redis.aclose()


async def _lose_redis_entries(place: Place, ids: list[int]) -> None:
    """What a crash of Redis with relaxed fsync does to the newest entries."""
    redis = from_url(place.redis_url)
    try:
        kept = [row for row in await redis.xrange("playnet:purges") if int(row[0].partition(b"-")[0]) not in ids]
        async with redis.pipeline(transaction=True) as pipe:
            pipe.delete("playnet:purges")
            for key, fields in kept:
                pipe.xadd("playnet:purges", fields, id=key)
            await pipe.execute()
    finally:
        await redis.aclose()


def test_two_origins_relay_each_order_once(place: Place, free_port: Callable[[], int]) -> None:
    async def scenario() -> None:
        folder = place.folder / "second"
        folder.mkdir()
        second = Place(folder, free_port(), place.dsn, place.redis_url)
        async with running(place) as api, running(second) as other:
            answers = await asyncio.gather(
                *(
                    sender.call("POST", "/api/v1/purges", json={"kind": "tag", "value": f"t:{number}"})
                    for number in range(15)
                    for sender in (api, other)
                )
            )
            ids = sorted(body["id"] for _, body in answers)
            await until(lambda: _relayed(place, ids))

    run(scenario())


def test_the_store_gone_for_a_while(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            asset = await api.create()
            await publish(place, asset)
            store = place.store
            await store.put(f"v/{asset}/1/144p/1.m4s", chunks(b"segment"))
            await store.close()
            away = place.layout.objects.with_name("away")
            place.layout.objects.rename(away)
            other = await api.create()
            status, problem = await api.upload(other, b"x")
            assert (status, problem["code"]) == (503, "unavailable")
            assert (await api.show(other))["state"] == "waiting"
            assert await _status(api, "/readyz", 503)
            away.rename(place.layout.objects)
            await until(api.ready)
            assert await _status(api, f"/v/{asset}/1/144p/1.m4s", 200)
            assert (await api.upload(other, b"x"))[0] == 200

    run(scenario())


def test_a_database_newer_than_the_code_ends_the_origin_with_one_line(place: Place) -> None:
    async def scenario() -> None:
        async with running(place):
            pass
        connection = await asyncpg.connect(place.dsn)
        await connection.execute("insert into schema_migration values (9999, '9999_future', 'x')")
        await connection.close()
        with process(place) as child:
            assert await asyncio.to_thread(child.wait, 20) == 1
        last = (place.folder / "log").read_text().splitlines()[-1]
        assert "the database is newer than this PlayNet" in last
        assert "9999_future" in last

    run(scenario())
