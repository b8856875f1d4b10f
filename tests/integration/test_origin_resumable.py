"""Resumable uploads: every break loses nothing that was told, every lie is refused."""

import asyncio
import base64
import hashlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.aio import run, until
from tests.origin import Api, Place, process, running

MIB = 1 << 20
PART = 8 * MIB
URL = "/api/v1/uploads"
DATA = random.Random(7).randbytes(20 * MIB + 12_345)
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def make_place(
    short_tmp: Any, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]
) -> Callable[[str], Place]:
    return lambda extra: Place(short_tmp, free_port(), postgres_dsn, redis_url, extra)


@pytest.fixture
def place(make_place: Callable[[str], Place]) -> Place:
    return make_place("")


def told(**values: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


@dataclass
class Tus:
    """A client of the protocol, as thin as can be."""

    api: Api

    async def call(self, method: str, path: str, data: Any = None, **headers: str) -> tuple[int, Any]:
        fields = {"Tus-Resumable": "1.0.0", **{name.replace("_", "-"): value for name, value in headers.items()}}
        authorised = {"Authorization": f"Bearer {self.api.place.token}", **fields}
        url = self.api.place.url + path
        data = BytesIO(data) if isinstance(data, bytes) else data
        async with self.api.session.request(method, url, headers=authorised, data=data) as response:
            await response.read()
            return response.status, response.headers

    async def begin(self, length: int | None = len(DATA), **headers: str) -> tuple[str, str]:
        size = {"Upload_Length": str(length)} if length is not None else {"Upload_Defer_Length": "1"}
        status, fields = await self.call("POST", URL, **{**size, **headers})
        assert status == 201, status
        return fields["Location"], fields.get("PlayNet-Asset", "")

    async def send(self, upload: str, offset: int, data: Any, **headers: str) -> tuple[int, Any]:
        kind = {"Content_Type": "application/offset+octet-stream", "Upload_Offset": str(offset)}
        return await self.call("PATCH", upload, data, **{**kind, **headers})

    async def offset(self, upload: str) -> int:
        status, fields = await self.call("HEAD", upload)
        assert status == 200
        assert fields["Cache-Control"] == "no-store"
        return int(fields["Upload-Offset"])


async def source_of(api: Api, asset: str) -> bytes:
    (path,) = api.place.sources(asset)
    return path.read_bytes()


async def acknowledged(api: Api, asset: str) -> asyncpg.Record:
    connection = await asyncpg.connect(api.place.dsn)
    try:
        row = await connection.fetchrow("select * from asset where id = $1", asset)
        assert row is not None
        return row
    finally:
        await connection.close()


async def broken_off(data: bytes) -> AsyncIterator[bytes]:
    """Sends `data` and then breaks the connection."""
    yield data
    raise ConnectionResetError


def test_an_upload_in_pieces_of_any_size_becomes_the_source(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            upload, asset = await tus.begin(Upload_Metadata=told(filename="clip.mp4", title="Tïtle", sha256=SHA256))
            offset = 0
            for size in (1, 0, 70_000, PART - 70_001, PART + 5, 3 * MIB, len(DATA)):
                status, fields = await tus.send(upload, offset, DATA[offset : offset + size])
                offset = min(offset + size, len(DATA))
                assert (status, fields["Upload-Offset"]) == (204, str(offset))
                assert "Upload-Expires" in fields
                if offset < len(DATA):
                    assert await tus.offset(upload) == offset
                    shown = await api.show(asset)
                    assert (shown["state"], shown["uploaded_bytes"]) == ("uploading", offset)
            row = await acknowledged(api, asset)
            assert (row["state"], row["title"], row["source_name"]) == ("queued", "Tïtle", "clip.mp4")
            assert (row["source_bytes"], row["source_sha256"]) == (len(DATA), SHA256)
            assert await source_of(api, asset) == DATA

    run(scenario())


def test_a_broken_connection_keeps_every_byte_that_came(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            upload, asset = await tus.begin()
            offset = 0
            for size in (100_000, PART + 100_000, 2 * MIB):
                with suppress(aiohttp.ClientError, ConnectionResetError):
                    await tus.send(upload, offset, broken_off(DATA[offset : offset + size]))
                wanted = offset + size

                async def arrived(wanted: int = wanted) -> bool:
                    return await tus.offset(upload) == wanted

                await until(arrived)
                offset = wanted
            assert (await tus.send(upload, offset, DATA[offset:]))[0] == 204
            assert await source_of(api, asset) == DATA
            assert (await acknowledged(api, asset))["source_sha256"] == SHA256

    run(scenario())


def test_killed_origins_lose_at_most_one_part_and_another_one_goes_on(
    place: Place, free_port: Callable[[], int]
) -> None:
    """Three kills; each time an origin that knows nothing of the upload takes over."""

    async def kill_within(tus: Tus, child: Any, upload: str, offset: int, size: int) -> int:
        """Kill the origin when all whole parts of what was sent are durable; gives how many bytes that are."""
        durable = max((offset + size) // PART * PART, offset)

        async def stored() -> bool:
            return await tus.offset(upload) >= durable

        async def slowly() -> AsyncIterator[bytes]:
            yield DATA[offset : offset + size]
            await until(stored)
            child.kill()
            child.wait()

        with suppress(aiohttp.ClientError):
            await tus.send(upload, offset, slowly())
        return durable

    async def scenario() -> None:
        async with aiohttp.ClientSession() as session:
            api = Api(place, session)
            tus, upload, asset, offset = Tus(api), "", "", 0
            for size in (3 * MIB, PART + 3 * MIB, 5 * MIB):
                with process(place) as child:
                    await until(api.ready, deadline_s=30)
                    if not upload:
                        upload, asset = await tus.begin()
                    offset = await tus.offset(upload)
                    durable = await kill_within(tus, child, upload, offset, size)
                with process(place):
                    await until(api.ready, deadline_s=30)
                    kept = await tus.offset(upload)
                    assert durable <= kept <= offset + size
                    assert offset + size - kept < PART
                    more = DATA[kept : kept + 100_000]
                    assert (await tus.send(upload, kept, more))[0] == 204
            with process(place):
                await until(api.ready, deadline_s=30)
                offset = await tus.offset(upload)
                assert (await tus.send(upload, offset, DATA[offset:]))[0] == 204
                assert await source_of(api, asset) == DATA
                assert (await acknowledged(api, asset))["source_sha256"] == SHA256

    run(scenario(), deadline_s=120)


def test_lies_are_refused_and_change_nothing(place: Place) -> None:
    wrong_sum = "sha1 " + base64.b64encode(hashlib.sha1(b"other", usedforsecurity=False).digest()).decode()

    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            upload, asset = await tus.begin(1000)
            assert (await tus.send(upload, 0, DATA[:400]))[0] == 204
            lies: dict[str, tuple[int, Any]] = {
                "offset-behind": (409, tus.send(upload, 100, DATA[:10])),
                "offset-ahead": (409, tus.send(upload, 500, DATA[:10])),
                "more-than-announced": (400, tus.send(upload, 400, DATA[:601])),
                "more-than-announced-chunked": (413, tus.send(upload, 400, _streamed(DATA[:601]))),
                "checksum": (460, tus.send(upload, 400, DATA[400:500], Upload_Checksum=wrong_sum)),
                "checksum-unknown": (400, tus.send(upload, 400, b"x", Upload_Checksum="rot13 AAAA")),
                "media-type": (415, tus.send(upload, 400, b"x", Content_Type="video/mp4")),
                "version": (412, tus.send(upload, 400, b"x", Tus_Resumable="0.1")),
                "length-changes": (400, tus.send(upload, 400, b"x", Upload_Length="1001")),
                "encoded": (400, tus.send(upload, 400, b"x", Content_Encoding="gzip")),
                "no-such-upload": (404, tus.send(f"{URL}/{'0' * 32}", 0, b"x")),
                "no-upload-name": (404, tus.send(f"{URL}/nothing", 0, b"x")),
                "hundred-terabytes": (413, tus.call("POST", URL, Upload_Length=str(100 << 40))),
                "asset-unknown": (
                    404, tus.call("POST", URL, Upload_Length="1", Upload_Metadata=told(asset="abcdefghijkm")),
                ),
                "title-nul": (400, tus.call("POST", URL, Upload_Length="1", Upload_Metadata=told(title="a\0b"))),
                "sha256-malformed": (400, tus.call("POST", URL, Upload_Length="1", Upload_Metadata=told(sha256="1"))),
                "asset-busy": (409, tus.call("POST", URL, Upload_Length="1", Upload_Metadata=told(asset=asset))),
                "final-of-unknown": (
                    409, tus.call("POST", URL, Upload_Concat=f"final;{URL}/{'0' * 32}"),
                ),
            }  # fmt: skip
            for name, (expected, call) in lies.items():
                status, _ = await call
                assert status == expected, name
                assert await tus.offset(upload) == 400, name
            right = "sha1 " + base64.b64encode(hashlib.sha1(DATA[400:1000], usedforsecurity=False).digest()).decode()
            assert (await tus.send(upload, 400, DATA[400:1000], Upload_Checksum=right))[0] == 204
            assert await source_of(api, asset) == DATA[:1000]
            assert (await tus.send(upload, 1000, b""))[0] == 409  # complete already

    run(scenario())


async def _streamed(data: bytes) -> AsyncIterator[bytes]:
    yield data


def test_a_file_that_is_not_the_announced_one_is_refused_at_the_end(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            upload, asset = await tus.begin(10, Upload_Metadata=told(sha256=SHA256))
            assert (await tus.send(upload, 0, b"0123456789"))[0] == 460
            assert (await tus.call("HEAD", upload))[0] == 410
            assert (await api.show(asset))["state"] == "waiting"
            again, same = await tus.begin(3, Upload_Metadata=told(asset=asset))
            assert same == asset
            assert (await tus.send(again, 0, b"abc"))[0] == 204
            assert (await api.show(asset))["state"] == "queued"

    run(scenario())


def test_length_later_bytes_with_the_creation_and_nothing_at_all(place: Place) -> None:
    kind = {"Content_Type": "application/offset+octet-stream"}

    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            later, asset = await tus.begin(None)
            assert (await tus.send(later, 0, DATA[:PART]))[0] == 204
            assert (await tus.call("HEAD", later))[1]["Upload-Defer-Length"] == "1"
            assert (await tus.send(later, PART, DATA[PART : PART + 9], Upload_Length=str(PART + 9)))[0] == 204
            assert await source_of(api, asset) == DATA[: PART + 9]

            status, fields = await tus.call("POST", URL, DATA[:500], Upload_Length="800", **kind)
            assert (status, fields["Upload-Offset"]) == (201, "500")
            assert (await tus.send(fields["Location"], 500, DATA[500:800]))[0] == 204
            assert await source_of(api, fields["PlayNet-Asset"]) == DATA[:800]

            _, empty = await tus.begin(0)
            row = await acknowledged(api, empty)
            assert (row["state"], row["source_bytes"]) == ("queued", 0)

    run(scenario())


def test_partial_uploads_side_by_side_become_one_source(place: Place) -> None:
    cuts = (0, PART + 3, PART + 4, len(DATA))

    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            pieces = [DATA[first:last] for first, last in pairwise(cuts)]
            partial = [(await tus.begin(len(piece), Upload_Concat="partial"))[0] for piece in pieces]
            early = await tus.call("POST", URL, Upload_Concat="final;" + " ".join(partial))
            assert early[0] == 409
            sent = await asyncio.gather(
                *(tus.send(upload, 0, piece) for upload, piece in zip(partial, pieces, strict=True))
            )
            assert [status for status, _ in sent] == [204] * 3
            concat = {
                "Upload_Concat": "final;" + " ".join(partial),
                "Upload_Metadata": told(sha256=SHA256, title="All"),
            }
            status, fields = await tus.call("POST", URL, **concat)
            assert (status, fields["Upload-Length"], fields["Upload-Offset"]) == (201, str(len(DATA)), str(len(DATA)))
            asset = fields["PlayNet-Asset"]
            assert await source_of(api, asset) == DATA
            assert (await acknowledged(api, asset))["source_sha256"] == SHA256
            assert (await tus.send(fields["Location"], len(DATA), b""))[0] == 409
            store = place.layout.objects

            async def cleared() -> bool:
                return not [*store.glob("partial/**/whole")] and not [*(store / ".parts").iterdir()]

            await until(cleared, deadline_s=15)

    run(scenario())


def test_ended_replaced_and_deleted_uploads_leave_nothing(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            ended, first = await tus.begin(PART * 2)
            assert (await tus.send(ended, 0, DATA[: PART + 10]))[0] == 204
            assert (await tus.call("DELETE", ended))[0] == 204
            assert (await tus.call("HEAD", ended))[0] in {404, 410}
            assert (await api.show(first))["state"] == "waiting"

            orphan, second = await tus.begin(PART * 2)
            assert (await tus.send(orphan, 0, DATA[:10]))[0] == 204
            assert (await api.call("DELETE", f"/api/v1/assets/{second}"))[0] == 204
            assert (await tus.send(orphan, 10, DATA[10:20]))[0] == 410

            connection = await asyncpg.connect(place.dsn)
            await connection.execute(
                "update upload set lease_until = now() - interval '1 s'"
            )  # as after a silent minute

            async def cleared() -> bool:
                rows = await connection.fetchval("select count(*) from resumable_upload")
                return rows == 0 and not [*(place.layout.objects / ".parts").iterdir()] and not place.sources(first)

            await until(cleared, deadline_s=20)
            await connection.close()

    run(scenario())


def test_the_latest_request_wins_over_one_that_hangs(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            tus = Tus(api)
            upload, asset = await tus.begin(2 * PART)
            go_on = asyncio.Event()

            async def hangs() -> AsyncIterator[bytes]:
                yield DATA[:1000]
                await go_on.wait()
                yield DATA[1000 : 2 * PART]

            async with asyncio.TaskGroup() as group:
                hung = group.create_task(tus.send(upload, 0, hangs()))
                connection = await asyncpg.connect(place.dsn)

                async def took_its_turn() -> bool:
                    return bool(await connection.fetchval("select turn from resumable_upload") == 1)

                await until(took_its_turn)
                await connection.close()
                assert (await tus.send(upload, 0, DATA[:PART]))[0] == 204
                go_on.set()
                status, _ = await hung
            assert status == 409
            assert await tus.offset(upload) == PART
            assert (await tus.send(upload, PART, DATA[PART : 2 * PART]))[0] == 204
            assert await source_of(api, asset) == DATA[: 2 * PART]

    run(scenario())


def test_what_the_protocol_tells_without_a_token(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, api.session.options(place.url + URL) as response:
            assert response.status == 204
            assert response.headers["Tus-Version"] == "1.0.0"
            assert "concatenation" in response.headers["Tus-Extension"]
            async with api.session.post(place.url + URL, headers={"Tus-Resumable": "1.0.0"}) as refused:
                assert refused.status == 401

    run(scenario())
