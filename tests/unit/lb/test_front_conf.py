"""What the rendered file says; what nginx makes of it is in tests/integration/test_lb_front.py."""

import re
from pathlib import Path

import pytest

from lb.adapters.access_log import AccessLog
from lb.core.nginx import render
from playnet.config import Config
from playnet.errors import ConfigError
from playnet.layout import Layout
from playnet.nginx import Process, quoted

LAYOUT = Layout(Path("/srv/data"))
PROCESS = Process(folder=LAYOUT.nginx("lb"), workers=1)


def fleet(*edges: dict[str, object], **sections: object) -> str:
    return render(Config.model_validate({"edges": edges, **sections}), LAYOUT, PROCESS)


def test_the_upstream_block_spells_nodes_as_the_ring_does() -> None:
    text = fleet(
        {"name": "a", "listen": "0.0.0.0:80", "address": "10.0.0.1:80", "weight": 3},
        {"name": "b", "listen": "[::]:80", "address": "[2001:db8::1]:80"},
        lb={"max_fails": 5, "fail_timeout": "1500ms"},
    )
    assert re.findall(r"server (\S+ weight=\d+ max_fails=\d+ fail_timeout=\w+);", text) == [
        "10.0.0.1:80 weight=3 max_fails=5 fail_timeout=2s",
        "[2001:db8::1]:80 weight=1 max_fails=5 fail_timeout=2s",
    ]


def test_every_origin_gets_requests() -> None:
    text = fleet({"name": "a", "listen": "127.0.0.1:81"}, origin={"addresses": ["10.0.0.8:8090", "10.0.0.9:8090"]})
    assert re.findall(r"server (10\.0\.0\.\d:8090) ", text) == ["10.0.0.8:8090", "10.0.0.9:8090"]


def test_every_path_stays_below_the_data_directory() -> None:
    text = render(Config(), LAYOUT, PROCESS)
    paths = re.findall(r'(?:_path|pid|lock_file|access_log) "([^"]+)"', text)
    assert len(paths) == 8
    assert all(path.startswith("/srv/data/") for path in paths)


def test_no_access_log_when_it_is_not_wanted() -> None:
    assert "access.log" not in render(Config.model_validate({"analytics": {"access_log": False}}), LAYOUT, PROCESS)


def test_a_fleet_with_too_many_points_is_refused() -> None:
    edges = [{"name": f"e{n}", "listen": f"10.0.0.{n}:80", "weight": 1000} for n in range(1, 28)]
    with pytest.raises(ConfigError, match="at most 26214"):
        fleet(*edges)


@pytest.mark.parametrize("value", ["a$b", "a\0b"], ids=["variable", "nul"])
def test_values_that_nginx_would_not_take_literally_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="plain value"):
        quoted(value)


def test_a_full_access_log_is_moved_aside_and_the_oldest_dropped(tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "access.log", limit_bytes=10)
    assert not log.rotate()
    for content in ("first-----", "second----", "third-----", "short"):
        log.path.write_text(content)
        assert log.rotate() is (content != "short")
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"access.log": "short", "access.log.1": "third-----", "access.log.2": "second----"}
