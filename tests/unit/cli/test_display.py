import io

import pytest
from rich.console import Console

from playnet.cli.display import Display, table, uptime
from playnet.supervise import Snapshot


def _child(**changes: object) -> Snapshot:
    fields: dict[str, object] = {
        "name": "origin", "state": "ready", "pid": 7, "since_s": 1000.0, "restarts": 0, "address": "127.0.0.1:8090",
    }  # fmt: skip
    return Snapshot(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now_s", "text"),
    [(1000, "0s"), (1059, "59s"), (1061, "1m 1s"), (4600, "1h 0m"), (1000 + 90_000, "1d 1h"), (900, "0s")],
)
def test_uptime(now_s: float, text: str) -> None:
    assert uptime(_child(), now_s=now_s) == text


def test_a_stopped_child_has_no_uptime() -> None:
    assert uptime(_child(pid=None), now_s=2000) == ""


def test_the_table_shows_why_a_child_restarts() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(table([_child(state="restarting", pid=None, restarts=3, note="origin: exit code 1")], now_s=2000))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "restarting" in text
    assert "origin: exit code 1" in text


def test_without_a_terminal_every_change_is_one_plain_line() -> None:
    console = Console(file=io.StringIO(), width=100, soft_wrap=True)
    with Display(console, ["PlayNet is up"]) as display:
        display.show([_child(state="starting")])
        display.show([_child(state="starting")])
        display.show([_child()])
        display.up()
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines == ["origin: starting (pid 7)", "origin: ready", "PlayNet is up"]
