"""The protocol's own JavaScript client through the front, while it and the origin are killed in turn."""

import hashlib
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from playnet.config import load
from playnet.layout import database_dsn, layout_of
from tests.aio import run, until
from tests.e2e.appliance import Appliance
from tests.node import node_binary

HERE = Path(__file__).parent / "tus"
MIB = 1 << 20
SIZE = int(os.environ.get("PLAYNET_TUS_MIB", "48")) * MIB


@contextmanager
def client(appliance: Appliance, file: Path) -> Iterator["subprocess.Popen[bytes]"]:
    token = (appliance.data / "secrets" / "api-token").read_text().strip()
    argv = [node_binary(HERE), "client.mjs", f"{appliance.front}/api/v1/uploads", token, str(file), f"{file}.memory"]
    with Path(f"{file}.log").open("w") as log:
        child = subprocess.Popen(argv, cwd=HERE, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def uploads(appliance: Appliance) -> list[Any]:
    config = load(appliance.config)
    connection = await asyncpg.connect(database_dsn(config, layout_of(config)))
    try:
        return await connection.fetch("select * from resumable_upload")
    finally:
        await connection.close()


def kill_origin(appliance: Appliance) -> None:
    def found() -> list[int]:
        return [pid for pid, argv in appliance.processes().items() if " -m origin " in argv]

    run(until(lambda: len(found()) == 1))  # the supervisor may be about to start it again
    os.kill(found()[0], signal.SIGKILL)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "large.bin"
    draw = random.Random(3)
    with path.open("wb") as file:
        for _ in range(SIZE // MIB):
            file.write(draw.randbytes(MIB))
    return path


def test_an_upload_survives_three_deaths_of_the_client_and_three_of_the_origin(
    appliance: Appliance, source: Path
) -> None:
    async def durable(size: int) -> None:
        async def told() -> bool:
            return any(row["offset_bytes"] >= size for row in await uploads(appliance))

        await until(told, deadline_s=120)

    for step in range(3):
        with client(appliance, source):
            run(durable((2 * step + 1) * SIZE // 8), deadline_s=150)
            kill_origin(appliance)
            run(durable((2 * step + 2) * SIZE // 8), deadline_s=150)
    with client(appliance, source) as child:
        child.wait(timeout=120)
        told = Path(f"{source}.log").read_text()
    assert told.splitlines()[-1].startswith("done "), told[-500:]
    (row,) = run(uploads(appliance))
    assert (row["state"], row["offset_bytes"]) == ("finished", SIZE)
    with source.open("rb") as file:
        expected = hashlib.file_digest(file, "sha256").hexdigest()
    with (appliance.data / "objects" / row["object_key"]).open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == expected
