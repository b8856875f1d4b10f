"""Taken ports are named before anything starts."""

import os
import socket
from collections.abc import Callable

import pytest

from playnet.config import Address
from playnet.errors import StartupFailed
from playnet.supervise.listeners import check_free


def test_free_addresses_stay_free(free_port: Callable[[], int]) -> None:
    wanted = {"lb.listen": Address("127.0.0.1", free_port())}
    check_free(wanted)
    check_free(wanted)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_taken_port_names_setting_address_and_process(host: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartupFailed) as raised:
            check_free({"edges.1.listen": Address(host, port)})
    assert str(raised.value).startswith(f"edges.1.listen: {host}:{port} is taken by ")
    assert f"(pid {os.getpid()})" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_address_of_another_host_is_named() -> None:
    with pytest.raises(StartupFailed, match=r"origin.listen: 192.0.2.1:8090: this host has no such address"):
        check_free({"origin.listen": Address("192.0.2.1", 8090)})  # TEST-NET-1, RFC 5737
