"""Everything that a `kill -9` by name finds is dead, and nginx's workers, whose name tells nothing, live on."""

import os
import signal

import pytest

from tests.aio import run, until
from tests.e2e.appliance import Appliance, get


def _kill_what_is_named(appliance: Appliance) -> None:
    """SIGKILL for the supervisor and all that name the data directory; stopped before, so that nobody cleans up."""
    named = [pid for pid, line in appliance.processes().items() if str(appliance.folder) in line]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in named:
            os.kill(pid, number)


@pytest.mark.parametrize("command", ["up", "down"])
def test_the_next_command_ends_them(appliance: Appliance, command: str) -> None:
    _kill_what_is_named(appliance)
    assert get(f"{appliance.front}/readyz").status == 200, "the front's workers still serve"
    if command == "up":
        appliance.up()
        assert get(f"{appliance.front}/api/v1/assets").status == 200
        assert all(child["state"] == "ready" and child["healthy"] for child in appliance.status()["children"])
    else:
        appliance.down()
        run(until(lambda: appliance.processes() == {}), deadline_s=10)
