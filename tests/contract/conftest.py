"""The stores that the contract suite runs against."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from playnet.store.file import FileStore
from playnet.store.port import PartedStore
from playnet.store.s3 import S3Store
from tests.contract.s3_server import S3Server, bucket_from_url

OTHER_S3 = "PLAYNET_TEST_S3_URL"  # http://KEY:SECRET@HOST:PORT/BUCKET; the suite writes below contract/ there

OpenStore = Callable[[], PartedStore]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One S3 server for the session; don't stop it."""
    folder = Path(tempfile.mkdtemp(prefix="pn-s3-"))
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    server = S3Server(folder, port).start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(params=["file", "s3", *(["other-s3"] if OTHER_S3 in os.environ else [])])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """A callable that opens the store under test, for one event loop."""
    if request.param == "file":
        return lambda: FileStore(tmp_path / "objects")
    if request.param == "s3":
        bucket = request.getfixturevalue("s3_server").bucket
    else:
        bucket = bucket_from_url(os.environ[OTHER_S3])
    return lambda: S3Store(bucket)
