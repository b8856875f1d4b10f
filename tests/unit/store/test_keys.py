"""The key grammar, as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.errors import InvalidInput
from playnet.names import AssetId, MediaKey, Revision, source_key
from playnet.store.keys import MAX_KEY_LENGTH, check_key, check_prefix, check_range, is_key

ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789._-"
parts = st.text(ALLOWED, min_size=1, max_size=40).filter(lambda part: not part.startswith("."))
well_formed = st.lists(parts, min_size=1, max_size=10).map("/".join)


@given(well_formed)
def test_every_path_of_plain_names_is_a_key(key: str) -> None:
    assert check_key(key) == key
    assert check_prefix(f"{key}/") == f"{key}/"


@given(st.text(sorted({*ALLOWED, *"/A%\\\0\nü"}), max_size=60) | st.text(max_size=600))
def test_what_passes_has_only_plain_parts(text: str) -> None:
    plain = all(part and not part.startswith(".") and set(part) <= set(ALLOWED) for part in text.split("/"))
    assert is_key(text) == (plain and len(text) <= MAX_KEY_LENGTH and max(map(len, text.split("/"))) <= 255)


def test_names_on_the_wire_are_keys() -> None:
    asset = AssetId("abcdefghijkm")
    for key in (str(MediaKey(asset, Revision(999_999_999), "x" * 32, f"{'9' * 32}.m4s")), source_key(asset, "0af3")):
        assert check_key(key) == key


@given(st.integers(0, 1000), st.integers(-10, 1010), st.none() | st.integers(-10, 1010))
def test_ranges_are_slices_inside_the_object(size: int, start: int, length: int | None) -> None:
    inside = 0 <= start <= size and (length is None or 0 <= length <= size - start)
    try:
        wanted = check_range("k", size, start, length)
    except InvalidInput:
        assert not inside
    else:
        assert inside
        assert wanted == len(range(size)[start : None if length is None else start + length])


@pytest.mark.parametrize("prefix", ["a", "/", "a//", "../", ".tmp/", "a/../"])
def test_prefixes_are_empty_or_folders(prefix: str) -> None:
    assert check_prefix("") == ""
    with pytest.raises(InvalidInput):
        check_prefix(prefix)
