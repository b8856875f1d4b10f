"""What `playnet inspect` and `playnet status` print of a node."""

from typing import Any

import pytest

from playnet.cli.nodes import lines, node_lines, url_path
from playnet.errors import ConfigError

_ENTRY: dict[str, Any] = {
    "place": "/v/a", "kind": "whole", "varies_by": {}, "status": 200, "size_bytes": 7, "tags": ["asset:a"], "age_s": 3,
    "fresh_until": "Sun, 22 Nov 2026 16:00:00 GMT", "fresh_for_s": 57, "next_use": "served", "tier": "disk",
    "not_hot_because": "its Cache-Control does not say immutable",
}  # fmt: skip


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("https://h:1/v/a?x=1#t=3", "/v/a?x=1", id="url"),
        pytest.param("/v/a", "/v/a", id="path"),
        pytest.param("https://h", "/", id="host"),
    ],
)
def test_urls_become_paths(url: str, path: str) -> None:
    assert url_path(url) == path


def test_what_is_no_url_is_wrong_usage() -> None:
    with pytest.raises(ConfigError, match="v/a"):
        url_path("v/a")


def test_an_entry_reads_as_a_sentence() -> None:
    answer = {
        "node": "edge-1", "verdict": "cached, and served at its next use", "key": "/v/a", "entries": [_ENTRY],
        "entries_total": 3, "fills": [{"received_bytes": 5, "total_bytes": None, "viewers": 2}],
    }  # fmt: skip
    assert lines(answer) == [
        "edge-1: cached, and served at its next use",
        "    key /v/a",
        "    whole /v/a",
        "        200, 7 bytes, disk, age 3 s, fresh until Sun, 22 Nov 2026 16:00:00 GMT, tags asset:a",
        "        next use: served, not in the hot tree: its Cache-Control does not say immutable",
        "    and 2 more",
        "    being fetched: 5 of ? bytes for 2 viewers",
    ]


def test_a_node_s_state_names_alarms_last() -> None:
    told = {
        "node": "edge-1", "hit_ratio": 0.75, "byte_hit_ratio": None, "misses": {"cold": 1, "evicted": 2}, "entries": 3,
        "stored_bytes": 1 << 30, "quota_bytes": 10 << 30, "purge_position": 17, "alarms": ["the disk is read-only"],
    }  # fmt: skip
    assert node_lines(told) == [
        "edge-1: 75.0 % of requests and - of bytes from the store; 1.00 GiB of 10.00 GiB in 3 entries",
        "    misses: 1 cold, 2 evicted; purges applied up to 17",
        "    ALARM: the disk is read-only",
    ]
