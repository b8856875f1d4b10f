"""The file store on real disks: full ones, killed writers, decay, and deletes that race with puts."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from playnet.errors import InvalidInput, StorageFull, Unavailable
from playnet.store.file import FileStore
from playnet.store.scratch import FOLDER
from tests.aio import run

REPOSITORY = Path(__file__).parents[2]


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def keys(store: FileStore) -> list[str]:
    return [stat.key async for stat in store.list("")]


async def read(store: FileStore, key: str) -> bytes:
    async with store.get(key) as body:
        return b"".join([chunk async for chunk in body.chunks])


def visible(root: Path) -> list[str]:
    """Everything in the store's folder except the scratch folder itself."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if FOLDER not in path.parts)


def unfinished(root: Path) -> list[Path]:
    return [path for path in (root / FOLDER).glob("*/*") if path.is_file()]


def test_full_disk_is_reported_and_leaves_no_trace(tmp_path: Path) -> None:
    """In a mount namespace of its own: nothing to clean up, and no root needed where users may have one."""
    script = (
        'mount -t tmpfs -o size=2m none "$1" && exec "$2" -c '
        '"import sys; from tests.integration.test_store_file import on_full_disk; on_full_disk(sys.argv[1])" "$1"'
    )
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
    argv = [*namespace, "sh", "-c", script, "sh", str(tmp_path), sys.executable]
    done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "done" in done.stdout


def on_full_disk(folder: str) -> None:
    """Runs in the namespace, on 2 MiB."""

    async def scenario() -> None:
        root = Path(folder)
        source = root / "source"
        source.write_bytes(bytes(600 << 10))
        store = FileStore(root / "objects")
        await store.put("kept/a", stream(bytes(600 << 10)))
        for large in (source, stream(*[bytes(100 << 10)] * 30)):
            if isinstance(large, Path):
                await store.put("filler", large)
            with pytest.raises(StorageFull):
                await store.put("new/folder/b", large if not isinstance(large, Path) else source)
            assert unfinished(root / "objects") == []
        assert visible(root / "objects") == ["filler", "kept", "kept/a"]
        assert await read(store, "kept/a") == bytes(600 << 10)
        assert (await store.free_bytes() or 0) < 600 << 10
        await store.delete("filler")
        await store.put("new/folder/b", stream(bytes(500 << 10)))
        assert await keys(store) == ["kept/a", "new/folder/b"]
        await store.close()

    run(scenario())
    print("done")


_WRITER = """
import asyncio, sys
from pathlib import Path
from playnet.store.file import FileStore

async def main():
    store = FileStore(Path(sys.argv[1]))
    async def endless():
        yield bytes(3 << 20)
        print("writing", flush=True)
        await asyncio.Event().wait()
    await store.put("v/half/written.m4s", endless())

asyncio.run(main())
"""


def test_killed_put_is_invisible_and_swept_once_its_writer_is_dead(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(root)], stdout=subprocess.PIPE, cwd=REPOSITORY)
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"writing\n"

        async def neighbour(left: int) -> None:
            store = FileStore(root)
            assert len(unfinished(root)) == left
            assert await keys(store) == []
            await store.close()

        run(neighbour(left=1))  # opening sweeps, but not what a living process writes
        writer.kill()
    run(neighbour(left=0))
    assert visible(root) == []


def test_own_files_are_linked_and_all_others_copied(tmp_path: Path) -> None:
    work, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    for folder in (work, elsewhere):
        folder.mkdir()
        (folder / "1.m4s").write_bytes(b"segment")
    (work / "link").symlink_to(elsewhere / "1.m4s")

    async def scenario() -> None:
        store = FileStore(tmp_path / "objects", adopt=[work])
        for _ in range(2):  # the second rename finds two names of one file, which POSIX makes a no-op
            await store.put("v/linked", work / "1.m4s")
        await store.put("v/copied", elsewhere / "1.m4s")
        await store.put("v/copied-too", work / "link")
        assert (tmp_path / "objects/v/linked").samefile(work / "1.m4s")
        assert (work / "1.m4s").stat().st_mode & 0o222 == 0
        assert (elsewhere / "1.m4s").stat().st_nlink == 1
        assert unfinished(tmp_path / "objects") == []
        (work / "1.m4s").unlink()
        assert [await read(store, key) for key in await keys(store)] == [b"segment"] * 3
        await store.close()

    run(scenario())


def test_decayed_object_is_never_handed_out_whole(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = FileStore(tmp_path)
        await store.put("v/a", stream(bytes(3 << 20)))
        path = store.local_path("v/a")
        assert path is not None
        assert os.listxattr(path) == ["user.playnet.sha256"], "this file system should keep extended attributes"
        path.chmod(0o640)
        with path.open("r+b") as file:
            file.seek(100)
            file.write(b"!")
        async with store.get("v/a") as body:
            assert [len(await anext(body.chunks)) for _ in range(2)] == [1 << 20] * 2
            with pytest.raises(Unavailable, match="do not match their checksum"):
                await anext(body.chunks)
        await store.close()

    run(scenario())


def test_puts_survive_deletes_that_empty_their_folder(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = FileStore(tmp_path)
        stop = asyncio.Event()

        async def churn(number: int) -> None:
            while not stop.is_set():
                await store.put(f"v/one/two/gone-{number}", stream(b"x"))
                await store.delete(f"v/one/two/gone-{number}")

        async with asyncio.TaskGroup() as tasks:
            for number in range(3):
                tasks.create_task(churn(number), name=f"churn-{number}")
            for number in range(60):
                await store.put(f"v/one/two/kept-{number:02}", stream(b"y"))
                assert (await store.stat(f"v/one/two/kept-{number:02}")).size_bytes == 1
                await store.delete(f"v/one/two/kept-{number:02}")
            await store.put("v/one/two/kept", stream(b"y"))
            stop.set()
        assert await keys(store) == ["v/one/two/kept"]

        puts = [store.put(f"v/one/{number % 3}/{number}", stream(b"z")) for number in range(100)]
        sweeps = [store.delete_prefix("v/one/") for _ in range(30)]
        deleted = [count for count in await asyncio.gather(*puts, *sweeps) if isinstance(count, int)]
        assert sum(deleted) + len(await keys(store)) == 101
        await store.delete_prefix("v/")
        assert visible(tmp_path) == []
        await store.close()

    run(scenario())


def test_files_cannot_be_folders(tmp_path: Path) -> None:
    """S3 could; the port forbids it, so that a store can move from one adapter to the other."""

    async def scenario() -> None:
        store = FileStore(tmp_path)
        await store.put("a/b", stream(b"x"))
        for key in ("a", "a/b/c", "a/b/c/d"):
            with pytest.raises(InvalidInput, match="a folder of"):
                await store.put(key, stream(b"x"))
            await store.delete(key)
        assert visible(tmp_path) == ["a", "a/b"]
        await store.close()

    run(scenario())


def test_unusable_folder_is_noticed(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = FileStore(tmp_path / "objects")
        await store.put("a", stream(b"x"))
        (tmp_path / "objects").rename(tmp_path / "away")
        with pytest.raises(Unavailable, match="missing or not writable"):
            await store.check()
        with pytest.raises(Unavailable):
            await store.put("b", stream(b"x"))
        (tmp_path / "away").rename(tmp_path / "objects")
        await store.check()
        await store.close()

    run(scenario())
