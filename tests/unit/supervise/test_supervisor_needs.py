from pathlib import Path

import pytest

from playnet.supervise import Child, SocketReady, Supervisor


def _child(name: str, *needs: str) -> Child:
    return Child(name=name, argv=("true",), ready=SocketReady(Path("never.sock")), needs=needs)


@pytest.mark.parametrize(
    "children",
    [
        pytest.param([_child("a"), _child("a")], id="one name twice"),
        pytest.param([_child("a", "b")], id="unknown need"),
        pytest.param([_child("a", "a")], id="needs itself"),
        pytest.param([_child("a", "b"), _child("b", "c"), _child("c", "a")], id="circle"),
    ],
)
def test_impossible_needs_are_refused(children: list[Child]) -> None:
    with pytest.raises(ValueError, match=r"children|needs"):
        Supervisor(children)


def test_children_wait_in_the_order_given() -> None:
    supervisor = Supervisor([_child("a"), _child("b", "a")])
    assert [(child.name, child.state) for child in supervisor.snapshots] == [("a", "waiting"), ("b", "waiting")]
