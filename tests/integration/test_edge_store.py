"""The store alone, where two things happen to it at once, or a clock or a disk does what it should not."""

import asyncio
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from edge.adapters.store import verification
from edge.adapters.store.store import Store
from edge.core.decide import Serve, decide
from edge.core.entry import Entry
from edge.core.key import Key
from playnet.errors import Unavailable
from playnet.purge.order import PurgeOrder
from tests.aio import run, until
from tests.files import bytes_below, files_below
from tests.integration.edge_parts import Clock
from tests.integration.stores import answered, put, store

KEY = Key("/a.txt")
TAG = PurgeOrder(kind="tag", value="asset:a", soft=True)
ALL = PurgeOrder(kind="all", soft=True)


async def stored(at: Store, key: Key = KEY) -> Entry:
    entry = await at.at(key)
    assert entry is not None
    return entry


@pytest.mark.parametrize("order", [TAG, ALL, None], ids=["tag", "all", "orders-were-missed"])
def test_orders_hold_though_the_clock_was_put_back(short_tmp: Path, order: PurgeOrder | None) -> None:
    async def body() -> None:
        clock = Clock()
        async with store(short_tmp, clock) as held:
            await put(held, answered(KEY, clock), b"old")
            clock.ahead_s = -3600
            await (held.lapse() if order is None else held.forget(order))
            entry = await stored(held)
            assert decide(entry, marks=held.marks, now=clock()) != Serve(entry)
        async with store(short_tmp, clock) as held:
            entry = await stored(held)
            assert decide(entry, marks=held.marks, now=clock()) != Serve(entry), "after a start"

    run(body())


def test_who_leaves_while_something_is_dropped_leaves_no_body_behind(short_tmp: Path) -> None:
    async def body() -> None:
        clock, lock = Clock(), threading.Lock()
        async with store(short_tmp, clock) as held:
            await put(held, answered(KEY, clock), b"x" * 5000)
            entry = await stored(held)
            with lock:
                busy = asyncio.create_task(held._worker.run(lock.acquire))
                leaving = asyncio.create_task(held.drop_purged([KEY]))
                await asyncio.sleep(0)
                leaving.cancel()
                await asyncio.wait([leaving])
            await busy
            await until(lambda: not files_below(short_tmp / "bodies"))
            assert await held.at(KEY) is None
            assert entry.size_bytes == 5000

    run(body())


def test_a_body_that_was_replaced_does_not_take_its_successor_along(short_tmp: Path) -> None:
    """A viewer decided on an entry, and before it was opened another one came."""

    async def body() -> None:
        clock = Clock()
        async with store(short_tmp, clock) as held:
            await put(held, answered(KEY, clock), b"old")
            old = await stored(held)
            await put(held, answered(KEY, clock), b"new")
            await until(lambda: held.bodies.size_bytes(old.body) is None)
            await held.drop(old)
            assert held.bodies.read((await stored(held)).body) == b"new"
            held.bodies.remove((await stored(held)).body)
            await held.drop(await stored(held))
            assert await held.at(KEY) is None

    run(body())


def test_a_body_that_takes_long_to_verify_is_not_forgotten(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        clock, go = Clock(), threading.Event()
        async with store(short_tmp, clock) as held:
            await put(held, answered(KEY, clock), b"good")
        look = verification.is_intact

        def slow(*args: object) -> bool:
            return go.wait(20) and look(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(verification, "is_intact", slow)
        monkeypatch.setattr(verification, "_PATIENCE_S", 0.05)
        async with store(short_tmp, clock, boot_id="another") as held:
            assert await held.at(KEY) is None, "not now"
            go.set()
            await until(lambda: KEY not in held._verification)
            assert held.bodies.read((await stored(held)).body) == b"good"

    run(body())


def test_what_a_mended_disk_holds_is_accounted_for(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fill that began before the disk fell ill ends while its index is read anew."""

    async def body() -> None:
        clock, began, go = Clock(), threading.Event(), threading.Event()
        async with store(short_tmp, clock) as held:
            await put(held, answered(KEY, clock), b"x" * 100)
            reopen = held._disk.reopen

            def slow(*args: object, **more: object) -> object:
                began.set()
                return go.wait(20) and reopen(*args, **more)  # type: ignore[arg-type]

            monkeypatch.setattr(held._disk, "reopen", slow)
            held.failed("test", Unavailable("the disk does not work"))
            await asyncio.to_thread(began.wait, 20)
            late = asyncio.create_task(published(held, answered("/late.txt", clock)))
            await asyncio.sleep(0)
            go.set()
            await late
            await until(lambda: not held._health.is_ill)
            assert held._quota.policy.size_bytes == bytes_below(short_tmp / "bodies")

    run(body())


def test_a_disk_that_comes_back_again_and_again_costs_no_descriptors(short_tmp: Path) -> None:
    async def body() -> None:
        async with store(short_tmp, Clock()) as held:
            counts = []
            for _ in range(3):
                held.failed("test", Unavailable("the disk does not work"))
                await until(lambda: not held._health.is_ill)
                counts.append(len([*Path("/proc/self/fd").iterdir()]))
            assert counts == [counts[0]] * 3

    run(body())


async def published(held: Store, entry: Entry) -> None:
    """Without asking for room, which nobody gets now: it was held before."""
    room, temp = held.reservation(), held.bodies.create()
    await held.publish(replace(entry, body=temp.id), temp, room)
    os.close(temp.fd)


def test_what_an_ill_disk_refused_to_forget_is_forgotten_when_it_is_well(
    short_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        clock = Clock()
        async with store(short_tmp, clock) as held:
            await put(held, answered(KEY, clock), b"old")
            order = PurgeOrder(kind="url", value=KEY)

            def refusing(*_: object) -> None:
                raise Unavailable("the disk does not work")

            with monkeypatch.context() as broken:
                broken.setattr(held._disk, "drop", refusing)
                with pytest.raises(Unavailable):
                    await held.forget(order)
            await until(lambda: not held._health.is_ill)
            assert not files_below(short_tmp / "bodies")
            assert len(held._standing) == 0
        async with store(short_tmp, clock) as held:
            assert await held.at(KEY) is None

    run(body())


def test_the_room_that_is_being_freed_costs_nobody_his_place(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        clock, began, go = Clock(), threading.Event(), threading.Event()
        async with store(short_tmp, clock, quota_bytes=3000) as held:
            for name in ("/a.txt", "/b.txt", "/c.txt"):
                await put(held, answered(name, clock), b"x" * 1000)
            remove = held.bodies.remove

            def slow(body: str) -> None:
                began.set()
                go.wait(20)
                remove(body)

            monkeypatch.setattr(held.bodies, "remove", slow)
            dropping = asyncio.create_task(held.drop_purged([Key("/a.txt")]))
            await asyncio.to_thread(began.wait, 20)
            asking = asyncio.create_task(held.make_room(1000))
            await asyncio.sleep(0)
            go.set()
            assert await asking
            await dropping
            assert held.has(Key("/b.txt"))
            assert held.has(Key("/c.txt"))

    run(body())


def test_empty_bodies_are_not_for_nothing(short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of answers without bodies would fill memory, and never the quota."""
    monkeypatch.setattr("edge.adapters.store.quota._FREE_ENTRIES", 8, raising=False)

    async def body() -> None:
        clock = Clock()
        async with store(short_tmp, clock, quota_bytes=1000, memory_bytes=1 << 20) as held:
            for number in range(40):
                await put(held, answered(f"/{number}", clock), b"")
            assert len(held._quota.policy) <= 8
            for number in range(2000):
                assert held.keep_small(answered(f"/small/{number}", clock), b"")
            assert len(held._memory._bodies) < 1000

    run(body())


def test_a_body_is_published_though_its_owner_is_gone(short_tmp: Path) -> None:
    """A fill gives up on a disk that stalls and closes its file; the disk wakes up and does what it was asked for."""

    async def body() -> None:
        clock = Clock()
        async with store(short_tmp, clock) as held:
            temp, entry = held.bodies.create(), answered(KEY, clock)
            os.close(temp.fd)
            held.bodies.publish(temp, 1_445_412_480)
            assert held.bodies.path(temp.id).stat().st_mtime == 1_445_412_480
            assert entry.modified_s is None

    run(body())


@pytest.mark.parametrize("is_purged", [False, True], ids=["evicted", "purged"])
def test_nobody_writes_where_another_body_still_stands(
    short_tmp: Path, monkeypatch: pytest.MonkeyPatch, is_purged: bool
) -> None:
    """A large object goes for a small one: what is left over is nobody's before its bytes are gone."""

    async def body() -> None:
        clock, began, go = Clock(), threading.Event(), threading.Event()
        async with store(short_tmp, clock, quota_bytes=3000) as held:
            await put(held, answered(KEY, clock), b"x" * 3000)
            drop = held._disk.drop

            def slow(keys: list[Key]) -> None:
                began.set()
                go.wait(20)
                drop(keys)

            monkeypatch.setattr(held._disk, "drop", slow)
            first = asyncio.create_task(held.drop_purged([KEY]) if is_purged else held.make_room(100))
            await asyncio.to_thread(began.wait, 20)
            second = asyncio.create_task(held.make_room(800))
            await asyncio.to_thread(go.wait, 0.05)
            assert not second.done() or not second.result()
            go.set()
            await asyncio.wait([first, second])
            assert await held.make_room(800)

    run(body())
