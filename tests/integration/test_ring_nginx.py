"""playnet/ring.py against the host's nginx: same keys, same servers, also with weights and servers that are down."""

import http.client
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from playnet.config import Address
from playnet.nginx import Instance, find_nginx, main_block, temp_paths
from playnet.ring import Node, Ring
from tests.nginxes import running

KEYS = [f"/v/k{n % 97}/{n % 5}/{n % 1000}p/{n}.m4s" for n in range(2000)]
Asked = Iterable[tuple[str, str]]
Ask = Callable[[list[str]], Asked]


@contextmanager
def front(folder: Path, port: int, nodes: list[Node], *, marked_down: str = "", dead: str = "") -> Iterator[Ask]:
    """A front over backends that answer their name. `dead` does not listen, `marked_down` is so in the upstream block."""
    instance = Instance(find_nginx(), folder / "nginx")
    instance.prepare()
    process = instance.process(workers=1)
    servers = [
        f"server {node.address} weight={node.weight} max_fails=0{' down' if node.name == marked_down else ''};"
        for node in nodes
    ]
    backends = [
        f"server {{ listen {node.address}; keepalive_requests 100000; return 200 {node.name}; }}"
        for node in nodes
        if node.name != dead
    ]
    http_block = [
        *temp_paths(process),
        "access_log off; keepalive_requests 100000;",
        f"upstream fleet {{ hash $uri consistent; {' '.join(servers)} keepalive 16; }}",
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://fleet; proxy_http_version 1.1;"
        ' proxy_set_header Connection ""; } }',
        *backends,
    ]
    instance.install(main_block(process).replace("error_log stderr warn", "error_log stderr emerg") +
                     "http {\n" + "\n".join(http_block) + "\n}\n")  # fmt: skip
    with running(instance, port):
        yield lambda keys: _ask(port, keys)


def _ask(port: int, keys: list[str]) -> Asked:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        for key in keys:
            connection.request("GET", key)
            yield key, connection.getresponse().read().decode()
    finally:
        connection.close()


def fleet(free_port: Callable[[], int], weights: Iterable[int]) -> list[Node]:
    hosts = ("127.0.0.1", "127.0.0.2")
    return [
        Node(f"edge-{index}", Address(hosts[index % 2], free_port()), weight) for index, weight in enumerate(weights)
    ]


@pytest.mark.parametrize(
    ("weights", "marked_down", "dead"),
    [
        pytest.param([1, 1, 1, 1, 1], "", "", id="five-equal"),
        pytest.param([1, 2, 3, 1, 5], "", "", id="weights"),
        pytest.param([1, 2, 3, 1, 5], "edge-4", "", id="heaviest-marked-down"),
        pytest.param([1, 2, 3, 1, 5], "", "edge-2", id="one-refuses-connections"),
    ],
)
def test_every_key_goes_where_the_ring_says(
    short_tmp: Path, free_port: Callable[[], int], weights: list[int], marked_down: str, dead: str
) -> None:
    nodes = fleet(free_port, weights)
    ring, down = Ring(nodes), {marked_down, dead}
    with front(short_tmp, free_port(), nodes, marked_down=marked_down, dead=dead) as ask:
        answers = dict(ask(KEYS))
    assert answers == {key: node.name for key in KEYS if (node := ring.locate(key, down)) is not None}


def test_nginx_leaves_the_ring_exactly_where_predicted(short_tmp: Path, free_port: Callable[[], int]) -> None:
    """A long run of points of a server that is down: off the ring, two equal servers alternate; on it, they do not."""
    nodes = fleet(free_port, [30, 1, 1])
    ring, keys = Ring(nodes), KEYS[:400]
    with front(short_tmp, free_port(), nodes, marked_down="edge-0") as ask:
        answers = [answer for _, answer in ask([key for key in keys for _ in range(2)])]
    on_ring = [ring.locate(key, {"edge-0"}) for key in keys]
    assert {node is None for node in on_ring} == {True, False}
    for node, first, second in zip(on_ring, answers[::2], answers[1::2], strict=True):
        assert (first != second) if node is None else (first == second == node.name)
