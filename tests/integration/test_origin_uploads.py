"""Uploads that end badly leave nothing and say why; uploads that end well are never lost."""

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from playnet.db.migrate import migrate
from tests.aio import run, until
from tests.origin import Api, Place, chunks, process, running

MIB = 1 << 20


@pytest.fixture
def make_place(
    short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]
) -> Callable[[str], Place]:
    """An origin's place with more settings of `origin:`."""
    return lambda extra: Place(short_tmp, free_port(), postgres_dsn, redis_url, extra)


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    return make_place("")


async def _waits_for_a_source(api: Api, asset: str) -> None:
    shown = await api.show(asset)
    assert (shown["state"], shown["uploaded_bytes"], shown["source_bytes"]) == ("waiting", 0, None)
    assert not api.place.sources(asset)


async def _until_state(api: Api, asset: str, state: str) -> None:
    async def reached() -> bool:
        return bool((await api.show(asset))["state"] == state)

    await until(reached)


def _digest(data: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


_DATA = b"0123456789" * 50_000
_REFUSED = {
    "wrong-digest": ({"Content-Digest": _digest(b"other")}, 400),
    "malformed-digest": ({"Repr-Digest": "sha-256=abc"}, 400),
    "contradicting-digests": ({"Content-Digest": _digest(_DATA), "Repr-Digest": _digest(b"other")}, 400),
    "encoded": ({"Content-Encoding": "gzip"}, 400),
    "partial": ({"Content-Range": "bytes 0-499999/900000"}, 400),
}


def test_refused_uploads_leave_nothing_and_a_good_one_follows(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            asset = await api.create()
            for name, (headers, expected) in _REFUSED.items():
                status, problem = await api.upload(asset, chunks(_DATA), headers=headers)
                assert (status, problem["status"]) == (expected, expected), (name, problem)
                await _waits_for_a_source(api, asset)
            good = {"Content-Digest": _digest(_DATA), "Repr-Digest": f"sha-512=:AAAA:, {_digest(_DATA)}"}
            status, body = await api.upload(asset, chunks(_DATA[:7], _DATA[7:]), headers=good)
            assert (status, body["state"]) == (200, "queued"), body

    run(scenario())


def test_a_source_above_the_limit_is_refused_before_it_is_read(make_place: Callable[[str], Place]) -> None:
    async def scenario() -> None:
        place = make_place(", max_source: 1MiB")
        async with running(place) as api:
            asset = await api.create()
            status, problem = await api.upload(asset, BytesIO(b"x" * (40 * MIB)))
            assert (status, problem["code"]) == (413, "too-large")
            status, problem = await api.upload(asset, chunks(*[b"x" * 300_000] * 5))
            assert (status, problem["code"]) == (413, "too-large")
            await _waits_for_a_source(api, asset)
            assert (await api.upload(asset, b"x" * MIB))[0] == 200

    run(scenario())


@asynccontextmanager
async def _open_upload(api: Api, asset: str) -> AsyncIterator[None]:
    """A client that has sent 3 of 10 MiB, seen by the origin; at the end its connection breaks."""
    _, writer = await asyncio.open_connection("127.0.0.1", api.place.port)
    writer.write(
        f"PUT /api/v1/assets/{asset}/source HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.place.token}\r\n"
        f"Content-Length: {10 * MIB}\r\n\r\n".encode()
    )
    writer.write(b"x" * (3 * MIB))
    await _until_state(api, asset, "uploading")
    try:
        yield
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def test_a_connection_cut_half_way_frees_the_asset(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            asset = await api.create()
            async with _open_upload(api, asset):
                status, problem = await api.upload(asset, b"second")
                assert (status, problem["code"]) == (409, "conflict")

                async def shows_progress() -> bool:
                    return bool((await api.show(asset))["uploaded_bytes"] == 3 * MIB)

                await until(shows_progress)
            await _until_state(api, asset, "waiting")
            await _waits_for_a_source(api, asset)
            assert (await api.upload(asset, b"second"))[0] == 200

    run(scenario())


def test_a_silent_upload_is_told_so(make_place: Callable[[str], Place]) -> None:
    async def scenario() -> None:
        async with running(make_place(", upload_idle: 1s")) as api:
            asset = await api.create()
            reader, writer = await asyncio.open_connection("127.0.0.1", api.place.port)
            writer.write(
                f"PUT /api/v1/assets/{asset}/source HTTP/1.1\r\nHost: x\r\n"
                f"Authorization: Bearer {api.place.token}\r\nContent-Length: 100\r\n\r\nonly this".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ")
            assert b"connection: close" in head
            writer.close()
            await _waits_for_a_source(api, asset)

    run(scenario())


def test_deleting_an_asset_stops_its_upload(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            asset = await api.create()
            gate = asyncio.Event()

            async def slowly() -> AsyncIterator[bytes]:
                yield b"x" * MIB
                await gate.wait()
                yield b"x"

            upload = asyncio.create_task(api.upload(asset, slowly()), name="upload")
            await _until_state(api, asset, "uploading")
            assert (await api.call("DELETE", f"/api/v1/assets/{asset}"))[0] == 204
            status, problem = await upload
            assert (status, problem["code"]) == (409, "conflict")
            gate.set()
            await until(lambda: not place.sources(asset))

    run(scenario())


def test_an_upload_whose_origin_died_is_taken_over(place: Place) -> None:
    """Killed with -9 in the middle: the same origin frees the asset when it starts again, another after the lease."""

    async def scenario() -> None:
        async with aiohttp.ClientSession() as session:
            api = Api(place, session)
            with process(place) as child:
                await until(api.ready)
                asset, other = await api.create(), await api.create()
                async with _open_upload(api, asset), _open_upload(api, other):
                    child.kill()
                    child.wait()
            await _disown(place, other)
            async with running(place) as again:
                await _until_state(again, asset, "waiting")
                assert (await again.upload(asset, b"again"))[0] == 200
                assert (await again.upload(other, b"x"))[0] == 409, "its owner may still live"
                await _lapse(place)
                assert (await again.upload(other, b"again"))[0] == 200

    run(scenario(), deadline_s=90)


async def _disown(place: Place, asset: str) -> None:
    await _execute(place, "update upload set owner = 'elsewhere' where asset_id = $1", asset)


async def _lapse(place: Place) -> None:
    await _execute(place, "update upload set lease_until = now() - interval '1 s' where abandoned_at is null")


async def _execute(place: Place, statement: str, *values: object) -> None:
    connection = await asyncpg.connect(place.dsn)
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


def test_objects_of_lost_uploads_are_swept(place: Place) -> None:
    """The put was finished, the acknowledgement never came."""

    async def scenario() -> None:
        await migrate(place.dsn)
        await _execute(place, "insert into asset (id, title, state) values ('orphanaaaaaa', 'x', 'waiting')")
        await _execute(
            place,
            "insert into upload (id, asset_id, owner, lease_until, abandoned_at) "
            "values ('feed', 'orphanaaaaaa', 'gone', now(), now() - interval '1 h')",
        )
        store = place.store
        await store.put("source/orphanaaaaaa/feed", chunks(b"orphan"))
        await store.close()
        assert place.sources("orphanaaaaaa")
        async with running(place):
            await until(lambda: not place.sources("orphanaaaaaa"))

    run(scenario())


def test_old_notes_about_jobs_are_dropped(place: Place) -> None:
    async def scenario() -> None:
        await migrate(place.dsn)
        note = (
            "insert into pgqueuer_log (created, job_id, status, priority, entrypoint) "
            "values (now() - make_interval(days => $1), $1, 'successful', 0, 'probe')"
        )
        for age_days in (1, 8):
            await _execute(place, note, age_days)
        connection = await asyncpg.connect(place.dsn)

        async def only_the_young_one() -> bool:
            return [row["job_id"] for row in await connection.fetch("select job_id from pgqueuer_log")] == [1]

        async with running(place):
            await until(only_the_young_one)
        await connection.close()

    run(scenario())


def test_memory_stays_flat_while_a_large_source_comes(place: Place) -> None:
    total, block = 200 * MIB, bytes(MIB)

    async def scenario() -> None:
        async with aiohttp.ClientSession() as session:
            api = Api(place, session)
            with process(place) as child:
                await until(api.ready)
                asset = await api.create()
                assert (await api.upload(await api.create(), block))[0] == 200  # everything is imported and warm
                before = _peak_kib(child.pid)
                status, body = await api.upload(asset, chunks(*[block] * (total // MIB)))
                assert (status, body["source_bytes"]) == (200, total)
                assert _peak_kib(child.pid) - before < 32 * 1024

    run(scenario(), deadline_s=120)


def _peak_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_a_full_disk_is_said_and_survived(make_place: Callable[[str], Place], short_tmp: Path) -> None:
    """The store on a tmpfs of 8 MiB, in a mount namespace of the origin's own."""

    async def scenario() -> None:
        place = make_place("")
        place.layout.objects.mkdir(parents=True)
        place.layout.root.chmod(0o755)
        namespace = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-Urm")
        mount = f'mount -t tmpfs -o size=8m tmpfs "{place.layout.objects}" && exec "$@"'
        async with aiohttp.ClientSession() as session:
            api = Api(place, session)
            with process(place, *namespace, "sh", "-c", mount, "sh"):
                await until(api.ready)
                asset = await api.create()
                status, problem = await api.upload(asset, BytesIO(b"x" * (20 * MIB)))
                assert (status, problem["code"]) == (507, "storage-full"), "announced: refused before it is read"
                status, problem = await api.upload(asset, chunks(*[b"x" * MIB] * 20))
                assert (status, problem["code"]) == (507, "storage-full"), "not announced: refused when it is full"
                await _waits_for_a_source(api, asset)
                assert (await api.upload(asset, b"x" * MIB))[0] == 200

    run(scenario())
