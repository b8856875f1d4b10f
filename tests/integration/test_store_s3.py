"""The S3 store against a server that dies, comes back, cuts connections or refuses us."""

import asyncio
import logging
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from playnet.errors import TooLarge, Unavailable
from playnet.store import s3
from playnet.store.s3 import Bucket, S3Store
from tests.aio import run, until
from tests.contract.s3_server import PART_BYTES, S3Server


@pytest.fixture
def server(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[S3Server]:
    """A server of the test's own, to stop and start."""
    own = S3Server(tmp_path, free_port()).start()
    yield own
    own.stop()


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@asynccontextmanager
async def opened(bucket: Bucket) -> AsyncIterator[S3Store]:
    store = S3Store(bucket)
    try:
        yield store
    finally:
        await store.close()


def test_put_outlives_a_restart_of_the_server(server: S3Server, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with opened(server.bucket) as store:
            await store.put("v/before", stream(b"pooled connection"))
            server.stop()
            put = asyncio.create_task(store.put("v/a", stream(b"patience")), name="put")
            await until(lambda: len(caplog.records) >= 3)  # three attempts have failed
            with pytest.raises(Unavailable):
                await store.check()
            await asyncio.to_thread(server.start)
            assert (await put).size_bytes == 8
            await store.check()

    with caplog.at_level(logging.WARNING, logger="urllib3.connectionpool"):
        run(scenario())


def test_dead_server_is_unavailable_within_bounds(server: S3Server) -> None:
    async def scenario() -> None:
        server.stop()
        async with opened(server.bucket) as store:
            began_s = time.monotonic()
            results = await asyncio.gather(
                store.put("v/a", stream(b"x")), store.stat("v/a"), store.delete_prefix("v/"), return_exceptions=True
            )
            took_s = time.monotonic() - began_s
            assert [type(result) for result in results] == [Unavailable] * 3
            assert "object store 127.0.0.1" in str(results[0])
            assert 5 < took_s < 30, "bounded retries"

    run(scenario())


def test_refusals_name_the_setting(server: S3Server) -> None:
    async def scenario() -> None:
        async with opened(replace(server.bucket, name="absent")) as store:
            for call in (store.check(), store.put("v/a", stream(b"x"))):
                with pytest.raises(Unavailable, match=r"no bucket 'absent'.*storage\.s3\.bucket"):
                    await call
        async with opened(replace(server.bucket, secret_key="wrong")) as store:
            for call in (store.check(), store.put("v/a", stream(b"x"))):
                with pytest.raises(Unavailable, match=r"storage\.s3\.secret_key_file") as caught:
                    await call
                assert "wrong" not in str(caught.value)

    run(scenario())


def test_read_goes_on_where_the_connection_broke(server: S3Server) -> None:
    content = bytes(range(256)) * (10 << 10)  # 2.5 MiB
    connections: list[asyncio.Task[None]] = []

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward one request; hang up after 1 MiB of the answer, twice."""
        task = asyncio.current_task()
        assert task is not None
        connections.append(task)
        allowed = 1 << 20 if len(connections) <= 2 else len(content) * 2
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            upstream_writer.write(await reader.readuntil(b"\r\n\r\n"))
            while allowed > 0 and (chunk := await upstream_reader.read(min(allowed, 1 << 16))):
                writer.write(chunk)
                allowed -= len(chunk)
                await writer.drain()
        finally:
            for side in (writer, upstream_writer):
                side.close()
                await side.wait_closed()

    async def scenario() -> None:
        async with opened(server.bucket) as store:
            await store.put("v/a", stream(content))
        proxy = await asyncio.start_server(cut, "127.0.0.1", 0)
        port = proxy.sockets[0].getsockname()[1]
        async with proxy, opened(replace(server.bucket, endpoint=f"127.0.0.1:{port}")) as store:
            async with store.get("v/a", start=1) as body:
                received = b"".join([chunk async for chunk in body.chunks])
            assert received == content[1:]
            assert len(connections) == 3
            connections[-1].cancel()  # kept alive by both sides
            await asyncio.wait(connections)

    run(scenario())


def test_large_stream_needs_memory_for_three_parts(server: S3Server) -> None:
    async def source() -> AsyncIterator[bytes]:
        for _ in range(8 * PART_BYTES // (1 << 18)):
            yield bytes(1 << 18)

    async def scenario() -> int:
        async with opened(server.bucket) as store:
            await store.put("v/first", stream(b"x"))
            tracemalloc.start()
            try:
                assert (await store.put("v/a", source())).size_bytes == 8 * PART_BYTES
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert run(scenario()) < 3.3 * PART_BYTES


def test_stream_beyond_the_last_part_is_too_large(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "MAX_PARTS", 2)

    async def scenario() -> None:
        async with opened(server.bucket) as store:
            with pytest.raises(TooLarge, match=r"storage\.s3\.part_size"):
                await store.put("v/a", stream(*[bytes(1 << 20)] * 11))
            assert [stat async for stat in store.list("")] == []

    run(scenario())
