"""What a node holds of the disk, and what it does when that refuses."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.adapters.fill import growing
from tests.aio import run, until
from tests.files import files_below
from tests.integration.edge_parts import brain, cache_status, media, pattern

Port = Callable[[], int]
PATH = "/v/a/1/360p/1.m4s"


def test_a_flood_of_three_quotas_stays_within_one(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        size, quota = 1 << 20, 8 << 20
        async with brain(free_port(), short_tmp, size_bytes=quota) as lab:
            paths = [f"/v/a/1/360p/{number}.m4s" for number in range(24)]
            bodies = {path: pattern(size, seed) for seed, path in enumerate(paths)}
            for path, data in bodies.items():
                lab.origin.scripts[path] = media(data)
            highest = 0

            async def fetch(path: str) -> None:
                nonlocal highest
                assert (await lab.get(path))[1] == bodies[path]
                highest = max(highest, lab.disk_bytes)

            for start in range(0, len(paths), 4):
                await asyncio.gather(*(fetch(path) for path in paths[start : start + 4]))
            await lab.settled()
            assert highest <= quota + size
            assert 4 << 20 <= sum(path.stat().st_size for path in lab.files) <= quota
            # eviction takes the hot link too; that of the newest body comes last
            await until(lambda: len(files_below(lab.cache / "hot", suffix=".m4s")) == len(lab.files))

    run(body())


def test_a_disk_that_others_filled_is_left_to_them(short_tmp: Path, free_port: Port) -> None:
    """The database of a small box needs room more than the cache does."""

    async def body() -> None:
        port, data = free_port(), pattern(1 << 20)
        async with brain(port, short_tmp) as lab:
            lab.origin.scripts["/v/a/1/360p/1.m4s"] = media(data)
            await lab.get("/v/a/1/360p/1.m4s")
            await lab.hot("/v/a/1/360p/1.m4s")
        async with brain(port, short_tmp, spare_bytes=1 << 60) as lab:
            lab.origin.scripts["/v/a/1/360p/2.m4s"] = media(data)
            for _ in range(2):
                assert (await lab.get("/v/a/1/360p/2.m4s"))[1] == data
            assert lab.origin.seen["/v/a/1/360p/2.m4s"] == 2
            assert not (lab.cache / "hot/v/a/1/360p/2.m4s").exists()
            assert (await lab.get("/v/a/1/360p/1.m4s"))[1] == data, "what it held would not have been enough"
            assert lab.origin.seen["/v/a/1/360p/1.m4s"] == 0

    run(body())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
def test_a_disk_that_refuses_costs_no_viewer_anything(
    short_tmp: Path, free_port: Port, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    written = growing._write_all

    def refusing(fd: int, data: bytes, position: int, checksum: int) -> int:
        if position >= 300_000:
            raise OSError(code, os.strerror(code))
        return written(fd, data, position, checksum)

    async def body() -> None:
        whole = pattern(9 << 20)
        async with brain(free_port(), short_tmp, slice_bytes=16 << 20) as lab:
            lab.origin.scripts[PATH] = media(whole)
            monkeypatch.setattr(growing, "_write_all", refusing)
            replies = await asyncio.gather(*(lab.get(PATH) for _ in range(3)))
            assert all(data == whole for _, data in replies)
            await lab.settled()
            assert lab.files == []
            assert b'storage_failures_total{action="fill"} 1.0' in (await lab.get("/metrics"))[1]
            monkeypatch.setattr(growing, "_write_all", written)

            async def is_kept() -> bool:
                return cache_status((await lab.get(PATH))[0]).startswith("hit")

            await until(is_kept)  # a broken disk is tried again after a while

    run(body())


def test_a_store_that_disagrees_with_itself_is_mended(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        paths = [f"/v/a/1/360p/{number}.m4s" for number in range(4)]
        async with brain(free_port(), short_tmp) as lab:
            for path in paths:
                lab.origin.scripts[path] = media(pattern(5000))
                await lab.get(path)
                await lab.hot(path)
            hot = lab.cache / "hot"
            links = {path: (hot / path[1:]) for path in paths}
            inodes = {link.stat().st_ino: path for path, link in links.items()}
            files = {inodes[file.stat().st_ino]: file for file in lab.files}
        os.truncate(files[paths[0]], 10)  # torn
        files[paths[1]].unlink()  # lost, its hot link is not
        links[paths[2]].unlink()  # not linked any more
        (short_tmp / "temp" / "left").write_bytes(b"x")
        (short_tmp / "bodies" / "ff").mkdir(exist_ok=True)
        (short_tmp / "bodies" / "ff" / f"ff{0:030}").write_bytes(b"x")
        (hot / "v" / "stranger.m4s").write_bytes(b"x")
        async with brain(free_port(), short_tmp) as lab:
            links_left, files_left = {Path(path[1:]) for path in paths[2:]}, {files[path].name for path in paths[2:]}
            await until(
                lambda: (
                    {link.relative_to(hot) for link in files_below(hot, suffix=".m4s")} == links_left
                    and {file.name for file in lab.files} == files_left
                )
            )
            assert list((short_tmp / "temp").iterdir()) == []
            for path in paths:
                lab.origin.scripts[path] = media(pattern(5000))
                assert (await lab.get(path))[1] == pattern(5000)
            assert [lab.origin.seen[path] for path in paths] == [1, 1, 0, 0]

    run(body())
