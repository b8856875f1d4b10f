"""One suite for every object store: whatever holds here, services may rely on."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from playnet.errors import InvalidInput, NotFound
from playnet.store.port import ObjectStore
from tests.aio import run
from tests.contract.conftest import OpenStore

ROOT = "contract"
BODY = bytes(range(256)) * 40  # 10,240 bytes, every offset recognisable
Scenario = Callable[[ObjectStore], Awaitable[Any]]


@pytest.fixture
def in_store(open_store: OpenStore) -> Callable[[Scenario], Any]:
    """Run a scenario in a store that starts and ends empty."""

    def execute(scenario: Scenario) -> Any:
        async def opened() -> Any:
            store = open_store()
            try:
                await store.delete_prefix(f"{ROOT}/")
                result = await scenario(store)
                await store.delete_prefix(f"{ROOT}/")
                return result
            finally:
                await store.close()

        return run(opened(), deadline_s=120)

    return execute


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(store: ObjectStore, key: str, start: int = 0, length: int | None = None) -> bytes:
    async with store.get(key, start=start, length=length) as body:
        chunks = [chunk async for chunk in body.chunks]
    assert all(0 < len(chunk) <= 1 << 20 for chunk in chunks)
    return b"".join(chunks)


async def keys(store: ObjectStore, prefix: str = f"{ROOT}/") -> list[str]:
    return [stat.key async for stat in store.list(prefix)]


def test_what_was_put_is_read_back_with_its_size_and_time(in_store: Callable[[Scenario], Any], tmp_path: Path) -> None:
    async def scenario(store: ObjectStore) -> None:
        source = tmp_path / "source.bin"
        source.write_bytes(BODY)
        before_s = int(time.time())
        from_file = await store.put(f"{ROOT}/a/file.m4s", source)
        from_stream = await store.put(f"{ROOT}/a/stream.m4s", stream(b"", BODY[:7], b"", BODY[7:]))
        after_s = int(time.time())
        assert (from_file.size_bytes, from_stream.size_bytes) == (len(BODY), len(BODY))
        for stat in (from_file, from_stream):
            assert before_s - 1 <= stat.modified_s <= after_s + 1
            assert await store.stat(stat.key) == stat
            assert await read(store, stat.key) == BODY
            async with store.get(stat.key) as body:
                assert body.stat == stat
            async with store.get(stat.key, start=5, length=5) as body:
                assert body.stat == stat
        assert [stat async for stat in store.list(f"{ROOT}/")] == [from_file, from_stream]
        path = store.local_path(from_file.key)
        assert path is None or path.read_bytes() == BODY
        source.write_bytes(b"not in the appliance's own folders: the store has made a copy")
        assert await read(store, from_file.key) == BODY

    in_store(scenario)


def test_put_replaces(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> bytes:
        await store.put(f"{ROOT}/a", stream(BODY))
        assert (await store.put(f"{ROOT}/a", stream(b"new"))).size_bytes == 3
        assert await keys(store) == [f"{ROOT}/a"]
        return await read(store, f"{ROOT}/a")

    assert in_store(scenario) == b"new"


SIZE = len(BODY)


def test_ranges(in_store: Callable[[Scenario], Any]) -> None:
    inside = [
        (0, None),
        (0, SIZE),
        (0, 1),
        (0, 0),
        (1, None),
        (5, 10),
        (SIZE - 1, 1),
        (SIZE - 1, None),
        (SIZE, None),
        (SIZE, 0),
    ]
    outside = [(-1, None), (0, SIZE + 1), (0, -1), (SIZE, 1), (SIZE + 1, None), (SIZE + 1, 0), (SIZE - 1, 2), (5, -2)]

    async def scenario(store: ObjectStore) -> None:
        await store.put(f"{ROOT}/a", stream(BODY))
        for start, length in inside:
            expected = BODY[start:] if length is None else BODY[start : start + length]
            assert await read(store, f"{ROOT}/a", start, length) == expected, (start, length)
        for start, length in outside:
            with pytest.raises(InvalidInput):
                await read(store, f"{ROOT}/a", start, length)

    in_store(scenario)


def test_empty_object(in_store: Callable[[Scenario], Any], tmp_path: Path) -> None:
    async def scenario(store: ObjectStore) -> None:
        (tmp_path / "empty").touch()
        for key, source in ((f"{ROOT}/stream", stream()), (f"{ROOT}/file", tmp_path / "empty")):
            assert (await store.put(key, source)).size_bytes == 0
            assert await read(store, key) == b""
            assert await read(store, key, 0, 0) == b""
            with pytest.raises(InvalidInput):
                await read(store, key, 0, 1)

    in_store(scenario)


@pytest.mark.parametrize("from_file", [True, False], ids=["file", "stream"])
def test_many_parts(in_store: Callable[[Scenario], Any], tmp_path: Path, from_file: bool) -> None:
    """21 MiB and 1 byte: four full parts of 5 MiB and a last small one; chunk sizes that fit no part."""
    chunk = hashlib.sha256(b"seed").digest() * 2048  # 64 KiB
    content = chunk * 336 + b"!"
    source_path = tmp_path / "large"
    source_path.write_bytes(content)

    async def scenario(store: ObjectStore) -> None:
        source = (
            source_path
            if from_file
            else stream(*(content[at : at + 300_007] for at in range(0, len(content), 300_007)))
        )
        stat = await store.put(f"{ROOT}/large", source)
        assert stat.size_bytes == len(content)
        digest = hashlib.sha256()
        async with store.get(stat.key) as body:
            async for block in body.chunks:
                digest.update(block)
        assert digest.digest() == hashlib.sha256(content).digest()
        assert await read(store, stat.key, 5 * (1 << 20) - 2, 4) == content[5 * (1 << 20) - 2 :][:4]

    in_store(scenario)


class Torn(Exception):
    """What a client that went away raises in its stream."""


@pytest.mark.parametrize("sent", [0, 1 << 16, 12 << 20], ids=["at-once", "in-part-1", "in-part-3"])
def test_failing_stream_leaves_nothing(in_store: Callable[[Scenario], Any], sent: int) -> None:
    async def torn() -> AsyncIterator[bytes]:
        for _ in range(0, sent, 1 << 16):
            yield bytes(1 << 16)
        raise Torn

    async def scenario(store: ObjectStore) -> None:
        await store.put(f"{ROOT}/kept", stream(b"old"))
        for key in (f"{ROOT}/kept", f"{ROOT}/deep/down/new"):
            with pytest.raises(Torn):
                await store.put(key, torn())
        assert await keys(store) == [f"{ROOT}/kept"]
        assert await read(store, f"{ROOT}/kept") == b"old"

    in_store(scenario)


def test_cancelled_put_leaves_nothing(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> None:
        hanging = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(7):
                yield bytes(1 << 20)
            hanging.set()
            await asyncio.Event().wait()

        put = asyncio.create_task(store.put(f"{ROOT}/never", endless()), name="put")
        await hanging.wait()
        put.cancel()
        with pytest.raises(asyncio.CancelledError):
            await put
        assert await keys(store) == []
        await store.put(f"{ROOT}/never", stream(b"works"))
        assert await read(store, f"{ROOT}/never") == b"works"

    in_store(scenario)


def test_slow_senders_hold_up_nobody(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> None:
        await store.put(f"{ROOT}/other", stream(BODY))
        waiting, go_on = asyncio.Semaphore(0), asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield b"x"
            waiting.release()
            await go_on.wait()
            yield b"y"

        async with asyncio.TaskGroup() as tasks:
            for number in range(40):
                tasks.create_task(store.put(f"{ROOT}/slow/{number}", slow()), name=f"put-{number}")
            for _ in range(40):
                await waiting.acquire()
            async with asyncio.timeout(5):
                assert await read(store, f"{ROOT}/other") == BODY
                assert await keys(store) == [f"{ROOT}/other"]
            go_on.set()
        assert len(await keys(store, f"{ROOT}/slow/")) == 40

    in_store(scenario)


def test_concurrent_puts_of_one_key_leave_one_of_them_whole(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> None:
        bodies = [bytes([number]) * 200_000 for number in range(8)]
        stats = await asyncio.gather(*(store.put(f"{ROOT}/one/key", stream(body)) for body in bodies))
        assert {stat.size_bytes for stat in stats} == {200_000}
        assert await read(store, f"{ROOT}/one/key") in bodies

    in_store(scenario)


def test_list_is_complete_and_in_key_order(in_store: Callable[[Scenario], Any]) -> None:
    """More than one page of S3 (1000), and names around the slash: `-` and `.` sort before it, digits and letters after."""
    wanted = [f"{ROOT}/{name}" for name in ("a/b", "a/b-c", "a/b.d/e", "a/b/c0", "a-b", "a.b/c", "a0/b", "b")]
    wanted.remove(f"{ROOT}/a/b")  # no key is a folder of another
    wanted += [f"{ROOT}/page/{number}.m4s" for number in range(1100)]

    async def scenario(store: ObjectStore) -> None:
        gate = asyncio.Semaphore(16)

        async def put(key: str) -> None:
            async with gate:
                await store.put(key, stream(key.encode()))

        await asyncio.gather(*map(put, wanted))
        assert await keys(store) == sorted(wanted)
        assert await keys(store, f"{ROOT}/a/") == [f"{ROOT}/a/b-c", f"{ROOT}/a/b.d/e", f"{ROOT}/a/b/c0"]
        assert await keys(store, f"{ROOT}/page/1/") == []
        assert await keys(store, f"{ROOT}/none/") == []
        assert set(wanted) <= set(await keys(store, ""))
        first = await anext(store.list(f"{ROOT}/page/"))  # leaving early is fine
        assert first.key == f"{ROOT}/page/0.m4s"
        assert await store.delete_prefix(f"{ROOT}/page/") == 1100
        assert await keys(store, f"{ROOT}/page/") == []

    in_store(scenario)


def test_delete_is_idempotent_and_exact(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> None:
        for name in ("a/b", "a/bc", "ab"):
            await store.put(f"{ROOT}/{name}", stream(b"x"))
        await store.delete(f"{ROOT}/a/b")
        await store.delete(f"{ROOT}/a/b")
        assert await keys(store) == [f"{ROOT}/a/bc", f"{ROOT}/ab"]
        for call in (
            store.stat(f"{ROOT}/a/b"),
            store.stat(f"{ROOT}/a"),
            read(store, f"{ROOT}/a/b"),
            read(store, f"{ROOT}/a"),
        ):
            with pytest.raises(NotFound):
                await call

    in_store(scenario)


def test_delete_prefix_takes_exactly_the_folder(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> None:
        for name in ("v/1/a", "v/1/b/c", "v/1/b/d", "v/10/a", "v/1.m4s"):
            await store.put(f"{ROOT}/{name}", stream(b"x"))
        assert await store.delete_prefix(f"{ROOT}/v/1/") == 3
        assert await store.delete_prefix(f"{ROOT}/v/1/") == 0
        assert await store.delete_prefix(f"{ROOT}/v/1.m4s/") == 0
        assert await keys(store) == [f"{ROOT}/v/1.m4s", f"{ROOT}/v/10/a"]
        await store.put(f"{ROOT}/v/1/a", stream(b"again"))
        assert await read(store, f"{ROOT}/v/1/a") == b"again"
        for prefix in ("", "/", f"{ROOT}", f"{ROOT}/v/1"):
            with pytest.raises(InvalidInput):
                await store.delete_prefix(prefix)

    in_store(scenario)


HOSTILE = [
    "", "/", "a/", "/a", "a//b", ".", "..", "a/..", "../a", "a/../b", "a/./b", ".tmp/x", "a/.hidden", "A", "a b", "a\\b",
    "a%2e%2e", "a\0b", "a\n", "ä", "a/\u202e", "a\udcff", "a?b", "a#b", "a:b", "*", "x" * 256, "/".join(["x"] * 257),
]  # fmt: skip


@pytest.mark.parametrize("key", HOSTILE, ids=ascii)
def test_hostile_keys_are_refused_by_every_call(in_store: Callable[[Scenario], Any], key: str) -> None:
    async def scenario(store: ObjectStore) -> None:
        for call in (store.put(key, stream(b"x")), store.stat(key), store.delete(key), read(store, key)):
            with pytest.raises(InvalidInput):
                await call
        with pytest.raises(InvalidInput):
            store.local_path(key)
        if key and key != "a/":
            for prefix in (key, f"{key}/"):
                with pytest.raises(InvalidInput):
                    await keys(store, prefix)
                with pytest.raises(InvalidInput):
                    await store.delete_prefix(prefix)

    in_store(scenario)


def test_longest_key(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> None:
        key = f"{ROOT}/{'n' * 240}/{'m' * 240}"
        key += "x" * (512 - len(key) - 14) + "/" + "y" * 13
        assert len(key) == 512
        await store.put(key, stream(b"deep"))
        assert await keys(store) == [key]
        assert await read(store, key) == b"deep"

    in_store(scenario)


def test_unreadable_source_file_is_the_callers_mistake(in_store: Callable[[Scenario], Any], tmp_path: Path) -> None:
    async def scenario(store: ObjectStore) -> None:
        for source in (tmp_path / "absent", tmp_path):
            with pytest.raises(InvalidInput, match="cannot be read"):
                await store.put(f"{ROOT}/a", source)
        assert await keys(store) == []

    in_store(scenario)


def test_a_store_that_works_says_so(in_store: Callable[[Scenario], Any]) -> None:
    async def scenario(store: ObjectStore) -> None:
        await store.check()
        free_bytes = await store.free_bytes()
        assert free_bytes is None or free_bytes > 0

    in_store(scenario)
