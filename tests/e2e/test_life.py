"""Start, refuse, crash, come back, end: what an operator meets."""

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

from tests.aio import run, until
from tests.e2e.appliance import Appliance, get


def test_a_wrong_setting_stops_everything_before_it_starts(down_appliance: Appliance) -> None:
    down_appliance.write_config(lb={"lissten": "127.0.0.1:1"})
    done = down_appliance.playnet("up", "--detach")
    assert done.returncode == 2
    assert "playnet.yaml:" in done.stderr
    assert "lb.lissten" in done.stderr
    assert not down_appliance.data.exists()
    down_appliance.write_config()


def test_a_taken_port_is_one_clear_line(down_appliance: Appliance) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", down_appliance.ports[0]))
        taken.listen()
        done = down_appliance.playnet("up", "--detach")
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert str(down_appliance.ports[0]) in lines[0]
    assert "lb.listen" in lines[0]
    assert down_appliance.processes() == {}


def test_a_second_up_is_refused_and_status_tells(appliance: Appliance) -> None:
    second = appliance.playnet("up", "--detach")
    assert second.returncode == 1
    assert "Traceback" not in second.stderr
    names = {child["name"] for child in appliance.status()["children"]}
    assert {"postgres", "redis", "origin", "transcoder", "edge-1", "edge-2", "lb"} <= names
    assert all(child["state"] == "ready" for child in appliance.status()["children"])


def test_what_was_acknowledged_survives_a_power_loss(appliance: Appliance, cut: Callable[[str, int], Path]) -> None:
    done = appliance.add(cut("bbb_720p30_35s_stereo.mp4", 6), "--json")
    assert done.returncode == 0, done.stderr
    asset_id = json.loads(done.stdout)["id"]
    run(until(lambda: appliance.asset(asset_id)["state"] == "processing"), deadline_s=30)
    appliance.lose_power()
    run(until(lambda: appliance.processes() == {}), deadline_s=30)
    appliance.up()
    run(until(lambda: appliance.asset(asset_id)["state"] == "ready", deadline_s=150), deadline_s=160)
    assert get(appliance.asset(asset_id)["hls_url"]).status == 200


def test_a_crashed_child_comes_back(appliance: Appliance) -> None:
    def origin() -> dict[str, object]:
        return next(child for child in appliance.status()["children"] if child["name"] == "origin")

    before = origin()["pid"]
    assert isinstance(before, int)
    os.kill(before, 9)
    run(until(lambda: origin()["state"] == "ready" and origin()["pid"] != before), deadline_s=60)
    assert get(f"{appliance.front}/api/v1/assets").status == 200


def test_down_leaves_nothing_and_up_works_again(appliance: Appliance) -> None:
    started = time.monotonic()
    appliance.down()
    run(until(lambda: appliance.processes() == {}, deadline_s=5))
    assert time.monotonic() - started < 60
    assert list((appliance.data / "run").iterdir()) == []
    appliance.up()
    assert get(f"{appliance.front}/readyz").status == 200
    appliance.down()
    run(until(lambda: appliance.processes() == {}, deadline_s=5))
