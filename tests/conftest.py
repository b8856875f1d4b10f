"""Fixtures for all tests: real servers, real clips, short folders, free ports."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.media import make_clip
from tests.servers import Postgres, RedisServer, postgres_binary

_SHARED_MEDIA = Path(__file__).parents[2] / "shared" / "media"
_databases = count(1)


def _short_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pn-"))
    folder.chmod(0o755)
    return folder


@pytest.fixture
def short_tmp() -> Iterator[Path]:
    """A folder whose path fits unix sockets and that dropped accounts can enter."""
    folder = _short_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One cluster for the session; don't stop it (see `own_postgres`)."""
    folder = _short_folder()
    server = Postgres(folder).start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_postgres(short_tmp: Path) -> Iterator[Postgres]:
    """A running cluster of the test's own, to stop, kill and start again."""
    folder = short_tmp / "pg"
    folder.mkdir(mode=0o755)
    server = Postgres(folder).start(durable=True)
    yield server
    server.stop()


@pytest.fixture
def postgres_dsn(postgres_server: Postgres) -> str:
    """A fresh, empty database."""
    name = f"test_{next(_databases)}"
    create = [postgres_binary("createdb"), "-h", str(postgres_server.folder), "-U", "playnet", name]
    subprocess.run(create, check=True)
    return postgres_server.dsn(name)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A running Redis of the test's own."""
    folder = _short_folder()
    server = RedisServer(folder).start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """URL of a fresh, empty Redis."""
    return redis_server.url


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A callable that names a loopback port which was free a moment ago."""

    def find() -> int:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port: int = sock.getsockname()[1]
            return port

    return find


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`clip("name.mp4")`: a real clip where the shared folder is there, else one of the same shape made by ffmpeg."""
    made = tmp_path_factory.mktemp("clips")

    def find(name: str) -> Path:
        real = _SHARED_MEDIA / name
        return real if real.exists() else make_clip(name, made)

    return find
