"""Response fields, manifests by name, the bounded memory, plans for ranges."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.adapters.media import plan_answer
from origin.core import caching
from origin.core.manifests import render
from origin.core.recent import Recent
from playnet.http.fields import Fields
from playnet.http.ranges import Part
from playnet.names import AssetId, MediaKey, Revision, parse_manifest_key
from playnet.store.port import Stat
from tests.origin import PRESENTATION

_ASSET, _ONE = AssetId("k3v9m2qx7ahd"), Revision(1)
_KEY = MediaKey(_ASSET, _ONE, "144p", "1.m4s")
_STAT = Stat(str(_KEY), 4096, 1_700_000_000)


def test_an_object_carries_what_edges_and_players_need() -> None:
    headers = caching.object_headers(_KEY, _STAT, last_modified="Tue, 14 Nov 2023 22:13:20 GMT")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Surrogate-Key"] == f"asset:{_ASSET} rev:{_ASSET}/1"
    assert headers["ETag"] == '"6553f100-1000"'  # as nginx 1.22 writes it for this time and size
    assert headers["Content-Type"] == "video/iso.segment"


@pytest.mark.parametrize(
    ("request_fields", "status", "part"),
    [
        ({}, 200, None),
        ({"range": "bytes=0-9"}, 206, Part(0, 9)),
        ({"range": "bytes=0-9", "if-none-match": '"6553f100-1000"'}, 304, None),
        ({"range": "bytes=0-9", "if-range": '"6553f100-1000"'}, 206, Part(0, 9)),
        ({"range": "bytes=0-9", "if-range": 'W/"6553f100-1000"'}, 200, None),
        ({"range": "bytes=0-9", "if-range": "Tue, 14 Nov 2023 22:13:20 GMT"}, 206, Part(0, 9)),
        ({"range": "bytes=0-9", "if-range": "Tue, 14 Nov 2023 22:13:21 GMT"}, 200, None),
        ({"range": "bytes=4096-"}, 416, None),
        ({"if-modified-since": "Tue, 14 Nov 2023 22:13:20 GMT"}, 304, None),
    ],
)
def test_plans(request_fields: dict[str, str], status: int, part: Part | None) -> None:
    plan = plan_answer(_KEY, _STAT, Fields.of(request_fields.items()), now=1_800_000_000)
    assert plan.status == status
    assert (plan.part if isinstance(plan.part, Part) else None) == part
    assert plan.headers["ETag"] == '"6553f100-1000"'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"v/{_ASSET}/master.m3u8", b"\n1/144p/playlist.m3u8\n"),
        (f"v/{_ASSET}/1/master.m3u8", b"\n144p/playlist.m3u8\n"),
        (f"v/{_ASSET}/manifest.mpd", b'media="1/$RepresentationID$/$Number$.m4s"'),
        (f"v/{_ASSET}/1/manifest.mpd", b'media="$RepresentationID$/$Number$.m4s"'),
        (f"v/{_ASSET}/1/144p/playlist.m3u8", b"\n2.m4s\n"),
        (f"v/{_ASSET}/1/720p/playlist.m3u8", None),
    ],
)
def test_manifests_by_name(path: str, expected: bytes | None) -> None:
    key = parse_manifest_key(path)
    assert key is not None
    body = render(key, PRESENTATION, _ONE)
    assert body is None if expected is None else body is not None and expected in body


@pytest.mark.parametrize(
    "path",
    [
        f"/v/{_ASSET}/master.m3u8", f"v/{_ASSET}/0/master.m3u8", f"v/{_ASSET}/01/master.m3u8", f"v/{_ASSET}/144p/playlist.m3u8",
        f"v/{_ASSET}/1/../master.m3u8", f"v/{_ASSET}/1/144p/master.m3u8", f"v/{_ASSET}/1/playlist.m3u8", "v/x/master.m3u8",
        f"v/{_ASSET}/master.m3u8\n", f"v/{_ASSET}/1/144P/playlist.m3u8",
    ],
)  # fmt: skip
def test_no_other_name_is_a_manifest(path: str) -> None:
    assert parse_manifest_key(path) is None


def test_lifetimes_of_manifests() -> None:
    def max_ages(current: bool) -> list[int]:
        headers = caching.manifest_headers(_ASSET, _ONE, current=current, media_type="x/y", etag='"e"')
        return [int(number) for number in re.findall(r"max-?age=(\d+)", headers["Cache-Control"])]

    assert max_ages(current=True) == [5, 300]
    assert max_ages(current=False) == [60, 3600]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60))
def test_the_bounded_memory_never_exceeds_its_weight(puts: list[tuple[int, int]]) -> None:
    held: Recent[int, int] = Recent(50)
    weights: dict[int, int] = {}
    for key, weight in puts:
        held.put(key, weight, weight)
        weights[key] = weight
        assert held.get(key) == weight
        assert held.weight <= 50
    assert held.weight == sum(weights[key] for key in weights if held.get(key) is not None)


def test_the_bounded_memory_drops_what_was_not_used() -> None:
    held: Recent[str, int] = Recent(2)
    held.put("a", 1)
    held.put("b", 2)
    held.get("a")
    held.put("c", 3)
    assert (held.get("a"), held.get("b"), held.get("c")) == (1, None, 3)
    held.put("huge", 9, weight=3)
    assert (held.get("huge"), len(held)) == (None, 2)
