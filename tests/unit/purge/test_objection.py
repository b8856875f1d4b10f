"""Purge orders that can never mean anything are refused; those that mean something never are."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.forget import concerns
from edge.core.key import target
from playnet.errors import InvalidInput
from playnet.purge.objection import objection
from playnet.purge.order import PurgeOrder

MEDIA = "/v/abcdefghijkm/1/720p/1.m4s"


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        pytest.param("url", "/a#t=3", "fragment", id="fragment"),
        pytest.param("url", "/t/v1.k.p.m/v/a", "token", id="token"),
        pytest.param("prefix", "/t/v1.k.p.m/v/", "token", id="token-in-a-prefix"),
        pytest.param("url", "/a/../b", "segments", id="dot-segments"),
        pytest.param("url", "/a/%2e%2E/b?x", "segments", id="dot-segments-escaped"),
        pytest.param("prefix", "/a/../b", "segments", id="dot-segments-in-a-prefix"),
        pytest.param("url", "/a b", "' '", id="space"),
        pytest.param("tag", "a b", "' '", id="two-tags"),
        pytest.param("tag", "a\x00", "'\\x00'", id="nul"),
        pytest.param("prefix", "/a\n", "'\\n'", id="newline"),
        pytest.param("prefix", "/ä", "escapes", id="no-ascii-in-a-prefix"),
        pytest.param("url", "/a%zz", "broken", id="broken-escape"),
        pytest.param("url", "/a%", "broken", id="half-an-escape"),
        pytest.param("url", "/a%00", "broken", id="escaped-nul"),
        pytest.param("prefix", "/%61", "known by a ", id="escape-that-no-key-has"),
        pytest.param("prefix", "/%c3", "known by %C3", id="escape-in-lower-case"),
        pytest.param("prefix", "/a%C", "broken", id="prefix-ends-within-an-escape"),
        pytest.param("prefix", f"{MEDIA}?x=1", "media", id="query-of-media"),
        pytest.param("tag", "x" * 2000, "longer", id="tag-too-long"),
        pytest.param("url", "/" + "x" * 9000, "longer", id="url-too-long"),
    ],
)
def test_what_no_entry_can_be_is_refused_in_words(kind: str, value: str, says: str) -> None:
    reason = objection(PurgeOrder(kind=cast(Any, kind), value=value))
    assert reason is not None
    assert says in reason


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("url", "/a?b=c;d=e", id="query"),
        pytest.param("url", "/ä", id="iri"),
        pytest.param("url", "/%61", id="another-spelling"),
        pytest.param("prefix", "/v/a.", id="half-a-segment"),
        pytest.param("prefix", "/a?x=", id="half-a-query"),
        pytest.param("prefix", "/t", id="t"),
        pytest.param("url", f"{MEDIA}?x=1", id="media-as-a-player-asks"),
        pytest.param("tag", "asset:k3v9m2qx7ahd", id="tag"),
    ],
)
def test_what_makes_sense_passes(kind: str, value: str) -> None:
    assert objection(PurgeOrder(kind=cast(Any, kind), value=value)) is None


PATHS = st.lists(st.text("aZ9._~-%2Ff;,+é ", max_size=6), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)


@given(PATHS, st.text("ab=&;%20?", max_size=6), st.data())
def test_no_prefix_of_a_key_is_refused(path: str, query: str, data: st.DataObject) -> None:
    try:
        key = target(path.encode(), query.encode()).key
    except InvalidInput:
        return
    cut = data.draw(st.integers(1, len(key)))
    prefix = PurgeOrder(kind="prefix", value=key[:cut])
    assert concerns(prefix, key, ())
    reason = objection(prefix)
    assert reason is None or reason.endswith("broken escape") or "token" in reason
