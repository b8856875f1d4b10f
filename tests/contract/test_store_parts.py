"""Objects that come in parts, in every store: through restarts, out of order, repeated, given up."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from playnet.errors import InvalidInput, NotFound, Unavailable
from playnet.store.port import MIN_PART_BYTES, Part, PartedStore
from tests.aio import run
from tests.contract.conftest import OpenStore

KEY = "contract-parts/source/whole"
BODIES = (b"a" * MIN_PART_BYTES, b"b" * MIN_PART_BYTES, b"the end")
WHOLE = b"".join(BODIES)


@asynccontextmanager
async def opened(open_store: OpenStore) -> AsyncIterator[PartedStore]:
    store = open_store()
    try:
        yield store
        await store.delete_prefix("contract-parts/")
    finally:
        await store.close()


def in_store(open_store: OpenStore, scenario: Callable[[PartedStore], Awaitable[None]]) -> None:
    async def execute() -> None:
        async with opened(open_store) as store:
            await scenario(store)

    run(execute(), deadline_s=120)


async def put(store: PartedStore, handle: str, number: int) -> Part:
    start, data = (number - 1) * MIN_PART_BYTES, BODIES[number - 1]
    return Part(number, start, len(data), await store.put_part(KEY, handle, number, start, data))


async def read(store: PartedStore) -> bytes:
    async with store.get(KEY) as body:
        return b"".join([chunk async for chunk in body.chunks])


def test_parts_from_several_processes_make_one_object(open_store: OpenStore) -> None:
    async def scenario(store: PartedStore) -> None:
        handle = await store.begin_parts(KEY)
        second = await put(store, handle, 2)
        async with opened(open_store) as other:
            third = await put(other, handle, 3)
            with pytest.raises(NotFound):
                await other.stat(KEY)
            assert [stat.key async for stat in other.list("")] == []
        parts = [await put(store, handle, 1), second, third]
        parts[1] = await put(store, handle, 2)  # whoever stored it died before anybody heard of it
        joined = await store.join_parts(KEY, handle, parts)
        assert joined.size_bytes == len(WHOLE)
        assert joined == await store.stat(KEY)
        assert await read(store) == WHOLE
        assert await store.join_parts(KEY, handle, parts) == joined  # its answer may get lost
        await store.drop_parts(KEY, handle)
        assert await read(store) == WHOLE

    in_store(open_store, scenario)


def test_what_was_dropped_is_gone(open_store: OpenStore) -> None:
    async def scenario(store: PartedStore) -> None:
        handle = await store.begin_parts(KEY)
        parts = [await put(store, handle, 1)]
        for _ in range(2):
            await store.drop_parts(KEY, handle)
        with pytest.raises(NotFound):
            await put(store, handle, 1)
        with pytest.raises(NotFound):
            await store.join_parts(KEY, handle, parts)

    in_store(open_store, scenario)


GAPS = {
    "none": [],
    "not-from-the-start": [Part(2, MIN_PART_BYTES, 1, "")],
    "hole": [Part(1, 0, 5, ""), Part(2, 6, 1, "")],
    "disorder": [Part(2, 5, 1, ""), Part(1, 0, 5, "")],
}


@pytest.mark.parametrize("parts", GAPS.values(), ids=GAPS.keys())
def test_parts_with_a_gap_are_refused(open_store: OpenStore, parts: list[Part]) -> None:
    async def scenario(store: PartedStore) -> None:
        handle = await store.begin_parts(KEY)
        with pytest.raises(InvalidInput):
            await store.join_parts(KEY, handle, parts)
        await store.drop_parts(KEY, handle)

    in_store(open_store, scenario)


def test_bytes_that_never_came_are_missed(open_store: OpenStore) -> None:
    async def scenario(store: PartedStore) -> None:
        handle = await store.begin_parts(KEY)
        first = await put(store, handle, 1)
        with pytest.raises((Unavailable, NotFound)):
            await store.join_parts(KEY, handle, [first, Part(2, MIN_PART_BYTES, 7, "never-sent")])
        with pytest.raises(NotFound):
            await store.stat(KEY)
        await store.drop_parts(KEY, handle)

    in_store(open_store, scenario)
