"""Which queries are part of a cache key, and that nginx's pattern and the node's rule are one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.key import purged_key, target
from playnet.names import MEDIA_PATH, parse_manifest_key, parse_media_key

ASSET = "/v/abcdefghijkm"


@pytest.mark.parametrize(
    ("path", "query", "key"),
    [
        pytest.param(f"{ASSET}/1/720p/7.m4s", "x=1", f"{ASSET}/1/720p/7.m4s", id="segment"),
        pytest.param(f"/t/to.k-en{ASSET}/1/720p/7.m4s", "x", f"{ASSET}/1/720p/7.m4s", id="below-a-token"),
        pytest.param(f"{ASSET}/master.m3u8", "a=b&CMCD=x", f"{ASSET}/master.m3u8", id="manifest"),
        pytest.param(f"{ASSET}/1/720p/7%2em4s", "x=1", f"{ASSET}/1/720p/7.m4s", id="escaped"),
        pytest.param("/v/watch", "id=1", "/v/watch?id=1", id="not-our-media"),
        pytest.param(f"{ASSET}/1/720p/7.php", "id=1", f"{ASSET}/1/720p/7.php?id=1", id="other-suffix"),
        pytest.param("/x", "a=1&b=%2f", "/x?a=1&b=%2f", id="kept-as-it-is"),
        pytest.param("/x", "CMCD=bl%3D1", "/x", id="cmcd-alone"),
        pytest.param("/x", "a=1&CMCD=bl%3D1&b=2", "/x?a=1&b=2", id="cmcd-between"),
        pytest.param("/x", "%43MCD=1&a", "/x?a", id="cmcd-escaped"),
        pytest.param("/x", "CMCD", "/x", id="cmcd-without-value"),
        pytest.param("/x", "cmcd=1&XCMCD=2&a=CMCD", "/x?cmcd=1&XCMCD=2&a=CMCD", id="other-names"),
        pytest.param("/x", "a=%zz&CMCD=%", "/x?a=%zz", id="broken-escapes"),
    ],
)
def test_queries_that_mean_nothing_make_no_entry(path: str, query: str, key: str) -> None:
    assert target(path.encode(), query.encode()).key == key
    assert purged_key(f"{path}?{query}") == key


@given(
    st.sampled_from([ASSET, "/v/short", "/v/abcdefghijkl", "/x/abcdefghijkm"]),
    st.sampled_from(["", "/1", "/0", "/1234567890", "/-1"]),
    st.sampled_from(["", "/720p", "/-p", "/" + "a" * 33, "/720p/x"]),
    st.sampled_from(["/1.m4s", "/init.mp4", "/master.m3u8", "/manifest.mpd", "/playlist.m3u8", "/.m4s", "/1.m4s.x", "/a.ts"]),
)  # fmt: skip
def test_one_pattern_means_what_the_names_mean(asset: str, revision: str, folder: str, file: str) -> None:
    path = asset + revision + folder + file
    is_ours = parse_media_key(path[1:]) is not None or parse_manifest_key(path[1:]) is not None
    assert (re.fullmatch(MEDIA_PATH, path) is not None) == is_ours
