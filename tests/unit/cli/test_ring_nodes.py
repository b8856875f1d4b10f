import pytest

from playnet.cli.ring import changed, parse_node
from playnet.config import Address
from playnet.errors import ConfigError
from playnet.ring import Node, Ring

_RING = Ring([Node("a", Address("127.0.0.1", 1)), Node("b", Address("127.0.0.1", 2))])


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("c=10.0.0.3:80", Node("c", Address("10.0.0.3", 80))),
        ("c=10.0.0.3:80*5", Node("c", Address("10.0.0.3", 80), 5)),
        ("c=[::1]:80*2", Node("c", Address("[::1]", 80), 2)),
    ],
)
def test_nodes_are_written_with_name_address_and_weight(text: str, node: Node) -> None:
    assert parse_node(text) == node


@pytest.mark.parametrize("text", ["c", "=1.2.3.4:80", "c=1.2.3.4", "c=1.2.3.4:80*", "c=1.2.3.4:80*0", "c=1.2.3.4:80*x"])
def test_other_spellings_are_wrong_usage(text: str) -> None:
    with pytest.raises(ConfigError, match="--add"):
        parse_node(text)


def test_nodes_come_and_go() -> None:
    after = changed(_RING, ["c=127.0.0.1:3"], ["a"])
    assert [node.name for node in after.nodes] == ["b", "c"]


@pytest.mark.parametrize(
    ("add", "remove"),
    [([], []), ([], ["z"]), (["b=127.0.0.1:9"], []), ([], ["a", "b"])],
    ids=["nothing", "unknown", "doubled", "none left"],
)
def test_impossible_changes_are_wrong_usage(add: list[str], remove: list[str]) -> None:
    with pytest.raises(ConfigError):
        changed(_RING, add, remove)
