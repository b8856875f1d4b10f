"""Slips in queries, and the cursor of a search: pure rules."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.core.searching import Place, query_language, read_place, write_place
from origin.core.spelling import corrected, distance, spellings, words_of
from playnet.errors import InvalidInput
from playnet.names import AssetId


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("bunny", "bunny", 0), ("buny", "bunny", 1), ("bnuny", "bunny", 1), ("bunmy", "bunny", 1), ("", "ab", 2), ("ab", "ba", 1)],
)  # fmt: skip
def test_slips_between_words(one: str, other: str, expected: int) -> None:
    assert distance(one, other) == distance(other, one) == expected


_WORDS = st.text(alphabet="abcdeé", min_size=4, max_size=10)


@given(_WORDS, st.integers(0, 9), st.sampled_from(["drop", "swap", "add", "put"]))
def test_words_one_slip_apart_share_a_spelling(word: str, place: int, slip: str) -> None:
    at = place % (len(word) - 1)
    wrong = {
        "drop": word[:at] + word[at + 1 :],
        "swap": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        "add": word[:at] + "x" + word[at:],
        "put": word[:at] + "x" + word[at + 1 :],
    }[slip]
    assert distance(word, wrong) <= 1
    assert spellings(word) & spellings(wrong)


@pytest.mark.parametrize(
    ("text", "known", "expected"),
    [
        pytest.param("Big Bnuny", {"bunny"}, "Big bunny", id="only-the-wrong-word"),
        pytest.param("bunny", {"bunny", "sunny"}, None, id="nothing-wrong"),
        pytest.param("dunny", {"bunny", "sunny", "dunno"}, "dunno", id="first-letters-are-rarely-wrong"),
        pytest.param("buny", {"sunny"}, None, id="too-far"),
        pytest.param("squrirels", {"squirrels"}, "squirrels", id="two-slips-in-a-long-word"),
        pytest.param("bunny -bnuny", {"bunny"}, None, id="what-is-excluded-stays"),
        pytest.param("abc 1234", {"abcd"}, None, id="short-words-and-numbers-stay"),
    ],
)
def test_what_was_meant(text: str, known: set[str], expected: str | None) -> None:
    assert corrected(text, known) == expected


def test_long_queries_cost_no_more_than_eight_words() -> None:
    assert len(words_of(" ".join(chr(97 + n) * 5 for n in range(26)))) == 8


@given(st.integers(0, 10**8), st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_place_comes_back_as_it_was(rank: int, moment: datetime) -> None:
    place = Place(rank, moment, AssetId("a" * 12))
    assert read_place(write_place(place)) == place


@pytest.mark.parametrize("text", ["", "x", "AAAA", "é", "/" * 50])
def test_forged_places_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_place(text)


@pytest.mark.parametrize(
    ("header", "expected"), [(None, None), ("", None), ("*", None), ("de-CH,de;q=0.9", "de"), (" EN ", "en"), ("english", None)]
)  # fmt: skip
def test_the_language_of_a_query(header: str | None, expected: str | None) -> None:
    assert query_language(header) == expected
