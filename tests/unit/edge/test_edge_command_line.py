"""`python -m edge`: what is refused before anything starts, and what a standalone node becomes."""

from pathlib import Path

import pytest

from edge.__main__ import _parser, _setup
from playnet.config import Address
from playnet.errors import ConfigError

_ORIGIN = ["--origin", "http://o:1"]
_WHERE = ["--listen", "127.0.0.1:1", "--cache", "/c"]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "needed: --config"),
        (["--config", "x.yaml"], "--name"),
        (["--config", "x.yaml", "--name", "e", *_ORIGIN], "exclude each other"),
        ([*_ORIGIN, "--cache", "/c"], "needed: --config"),
        (["--origin", "ftp://o", *_WHERE], "--origin ftp://o"),
        (["--origin", "http://o/path", *_WHERE], "without a path"),
        ([*_ORIGIN, "--listen", "nowhere", "--cache", "/c"], "HOST:PORT"),
        ([*_ORIGIN, *_WHERE, "--size", "10"], "with a unit"),
        ([*_ORIGIN, *_WHERE, "--size", "1KiB"], "at least 1MiB"),
        ([*_ORIGIN, *_WHERE, "--name", "Not A Name"], "--name"),
        ([*_ORIGIN, "--listen", "127.0.0.1:1", "--cache", "/" + "c" * 120], "too long for a unix socket"),
    ],
)
def test_wrong_command_lines_are_refused(argv: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        _setup(_parser().parse_args(argv))


def test_a_standalone_node_needs_no_file() -> None:
    setup = _setup(_parser().parse_args([*_ORIGIN, "--origin", "https://p", *_WHERE, "--size", "2GiB"]))
    assert (setup.brain.name, setup.brain.origins, setup.brain.size_bytes) == (
        "edge",
        ("http://o:1", "https://p"),
        2 << 30,
    )
    assert (setup.listen, setup.brain_socket) == (Address("127.0.0.1", 1), Path("/c/run/brain.sock"))
    assert setup.brain.redis_url is None
