"""Binding a service's address: a file that a dead process left is replaced, a living one's is not."""

import socket
from pathlib import Path

import pytest

from playnet.asgi.serve import listen
from playnet.errors import StartupFailed


def test_a_socket_file_without_a_listener_is_replaced(short_tmp: Path) -> None:
    path = short_tmp / "s.sock"
    listen(path).close()
    assert path.exists()
    with listen(path) as bound:
        bound.listen()
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(str(path))


def test_the_socket_of_a_living_service_stays_its_own(short_tmp: Path) -> None:
    path = short_tmp / "s.sock"
    with listen(path) as bound, socket.socket(socket.AF_UNIX) as caller:
        bound.listen()
        with pytest.raises(StartupFailed, match="another process"):
            listen(path)
        caller.connect(str(path))
