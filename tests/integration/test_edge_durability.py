"""What power loss does to a store, through a real node: bodies of which nobody knows whether they reached the disk."""

import os
from collections.abc import Callable
from pathlib import Path

from edge.adapters.store.index import Index
from tests.aio import run, until
from tests.integration.edge_parts import Lab, brain, cache_status, media, pattern, standalone

Port = Callable[[], int]
SIZE = 300_000
NAMES = ("intact", "short", "zeroed", "flipped", "lost", "long")
DAMAGED = len(NAMES) - 1
PATHS = {name: f"/v/a/1/{name}/1.m4s" for name in NAMES}
BODIES = {name: pattern(SIZE, seed) for seed, name in enumerate(NAMES)}


def scripted(lab: Lab) -> None:
    for name, path in PATHS.items():
        lab.origin.scripts[path] = media(BODIES[name])


async def filled(lab: Lab) -> dict[str, Path]:
    """Everything is stored and hot; gives the files of the bodies."""
    scripted(lab)
    for path in PATHS.values():
        await lab.get(path)
        await lab.hot(path)
    files = {file.stat().st_ino: file for file in lab.files}
    return {name: files[(lab.cache / "hot" / path[1:]).stat().st_ino] for name, path in PATHS.items()}


def lose_power(cache: Path, files: dict[str, Path]) -> None:
    """What a file system may leave of files that were written and never synced; and the host started anew."""
    os.truncate(files["short"], SIZE - 1)
    with files["zeroed"].open("r+b") as file:
        file.seek(SIZE // 2)
        file.write(bytes(4096))
    with files["flipped"].open("r+b") as file:
        file.write(bytes([BODIES["flipped"][0] ^ 1]))
    files["lost"].unlink()
    with files["long"].open("ab") as file:
        file.write(b"!")
    index = Index.opened(cache / "index")
    index.remember("boot-id", "the boot before")
    index.close()


async def metric(lab: Lab, name: str) -> float:
    lines = (await lab.get("/metrics"))[1].decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_no_wrong_byte_is_served_after_a_power_loss(short_tmp: Path, free_port: Port) -> None:
    """Through nginx, which looks into the hot tree before it asks the brain."""

    async def body() -> None:
        async with standalone(short_tmp, free_port()) as (lab, _):
            files = await filled(lab)
        lose_power(lab.cache, files)
        async with standalone(short_tmp, free_port()) as (lab, _):
            scripted(lab)
            for name, path in PATHS.items():
                assert (await lab.get(path))[1] == BODIES[name], name
            assert {name: lab.origin.seen[path] for name, path in PATHS.items()} == {
                name: int(name != "intact") for name in NAMES
            }
            for path in PATHS.values():  # nginx has them again, the intact one too
                await lab.hot(path)
                assert cache_status((await lab.get(path))[0]) == "hit; detail=hot"

    run(body())


def test_damage_is_found_without_a_viewer(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brain(free_port(), short_tmp) as lab:
            files = await filled(lab)
        lose_power(short_tmp, files)
        async with brain(free_port(), short_tmp) as lab:

            async def verified() -> bool:
                return await metric(lab, "playnet_edge_unverified_entries") == 0

            await until(verified)
            await until(lambda: lab.files == [files["intact"]])
            # two are seen by their sizes, and one by its absence, when the node starts; two only by their checksums
            assert await metric(lab, "playnet_edge_damaged_total") == 2
            assert await metric(lab, "playnet_edge_stored_entries") == 1
            assert (lab.cache / "hot" / PATHS["intact"][1:]).exists()
        async with brain(free_port(), short_tmp) as lab:
            assert (lab.cache / "hot" / PATHS["intact"][1:]).exists(), "verified once, trusted while the host runs"
            scripted(lab)
            assert (await lab.get(PATHS["intact"]))[1] == BODIES["intact"]
            assert lab.origin.seen[PATHS["intact"]] == 0

    run(body())
