"""Disks that fill up, turn read-only, break or go away under a node: real file systems, mounted by the test (root)."""

import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from tests.aio import run, until
from tests.integration.edge_parts import Lab, brain, cache_status, media, pattern

Port = Callable[[], int]
DISK = 8 << 20
SIZE = 1 << 20
PATHS = [f"/v/a/1/360p/{number}.m4s" for number in range(4)]

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root; CI has it")


def mount(*words: str) -> None:
    subprocess.run(("mount", *words), check=True)


def unmount(place: Path) -> None:
    subprocess.run(("umount", "-l", str(place)), check=True)


@contextmanager
def disk(place: Path) -> Iterator[Path]:
    """A small file system of its own."""
    place.mkdir()
    mount("-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place))
    try:
        yield place
    finally:
        unmount(place)


def fill(ballast: Path) -> None:
    """Leave no room at all."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def whole(lab: Lab, path: str) -> str:
    """Every byte comes; gives the Cache-Status."""
    lab.origin.scripts.setdefault(path, media(pattern(SIZE, PATHS.index(path) if path in PATHS else 9)))
    response, data = await lab.get(path)
    assert (response.status, data) == (200, lab.origin.scripts[path].body)
    return cache_status(response)


async def is_well(lab: Lab) -> bool:
    return b"\nplaynet_edge_disk_ok 1.0" in (await lab.get("/metrics"))[1]


async def is_ill(lab: Lab) -> bool:
    return not await is_well(lab)


def test_a_disk_that_fills_from_outside(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        with disk(short_tmp / "d") as place:
            async with brain(free_port(), place / "c") as lab:
                await whole(lab, PATHS[0])
                await lab.settled()
                ballast = place / "ballast"
                fill(ballast)
                for path in PATHS:
                    await whole(lab, path)
                await lab.settled()
                ballast.unlink()
                await comes_back(lab, PATHS[3])

    run(body())


async def gone_through(lab: Lab, path: str) -> None:
    """Viewers are served until the node notices, and after."""

    async def noticed() -> bool:
        await whole(lab, path)
        return await is_ill(lab)

    await until(noticed)
    assert (await whole(lab, PATHS[0])).startswith("fwd=miss"), "nothing is looked up meanwhile"


async def comes_back(lab: Lab, path: str) -> None:
    async def kept() -> bool:
        return await is_well(lab) and (await whole(lab, path)).startswith("hit")

    await until(kept)


def test_a_disk_that_turns_read_only_under_load(short_tmp: Path, free_port: Port) -> None:
    """A second, read-only mount over the first: files that are open stay so, as with a disk after an error."""

    async def body() -> None:
        with disk(short_tmp / "d") as place:
            cache = place / "c"
            async with brain(free_port(), cache) as lab:
                await whole(lab, PATHS[0])
                await lab.settled()
                slow = lab.origin.scripts[PATHS[1]] = media(pattern(SIZE, 1))
                slow.pause_at = SIZE // 2
                async with lab.client.get(lab.url + PATHS[1]) as response:
                    got = await response.content.readexactly(SIZE // 4)
                    mount("--bind", str(cache), str(cache))
                    try:
                        mount("-o", "remount,bind,ro", str(cache))
                        slow.go.set()
                        assert got + await response.read() == slow.body
                        await gone_through(lab, PATHS[2])
                    finally:
                        unmount(cache)
                slow.pause_at = None
                await comes_back(lab, PATHS[2])
                assert (await whole(lab, PATHS[0])).startswith("hit"), "what was stored before is found, and verified"
                assert lab.origin.seen[PATHS[0]] == 2

    run(body())


def test_a_disk_that_is_taken_away_and_comes_back(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        with disk(short_tmp / "d") as place:
            cache, real = short_tmp / "c", place / "c"
            cache.mkdir()
            real.mkdir()
            mount("--bind", str(real), str(cache))
            async with brain(free_port(), cache) as lab:
                await whole(lab, PATHS[0])
                await lab.settled()
                unmount(cache)
                await gone_through(lab, PATHS[1])
                assert list(cache.iterdir()) == [], "nothing is written where the disk is not"
                mount("--bind", str(real), str(cache))
                await comes_back(lab, PATHS[1])
                assert (await whole(lab, PATHS[0])).startswith("hit")
            unmount(cache)

    run(body())


def test_an_index_that_is_locked(short_tmp: Path, free_port: Port) -> None:
    """By somebody who looks into it with a shell of SQLite's, and writes."""

    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            await whole(lab, PATHS[0])
            await lab.settled()
            with closing(sqlite3.connect(short_tmp / "index" / "cache.db", isolation_level=None)) as shell:
                shell.execute("BEGIN IMMEDIATE")
                await gone_through(lab, PATHS[1])
                shell.execute("ROLLBACK")
            await comes_back(lab, PATHS[1])
            assert (await whole(lab, PATHS[0])).startswith("hit")

    run(body())


def test_an_index_that_is_garbage(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            await whole(lab, PATHS[0])
            await lab.settled()
            for name in ("cache.db", "cache.db-wal"):
                size_bytes = (short_tmp / "index" / name).stat().st_size
                (short_tmp / "index" / name).write_bytes(b"garbage!" * (size_bytes // 8))
            for path in PATHS:
                await whole(lab, path)
            await comes_back(lab, PATHS[1])
            await until(lambda: len(lab.files) <= len(PATHS))

    run(body())
