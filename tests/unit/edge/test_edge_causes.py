"""Causes of misses: one each, from bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from edge.core.causes import Cause, Causes
from edge.core.key import Key

KEYS = st.text("abc/", min_size=1, max_size=4).map(Key)


def test_the_newest_note_counts_and_what_was_never_noted_is_cold() -> None:
    causes = Causes(64)
    causes.note(Key("/a"), Cause.EVICTED)
    causes.note(Key("/a"), Cause.PURGED)
    assert [causes.why(Key(key)) for key in ("/a", "/b")] == [Cause.PURGED, Cause.COLD]


@given(st.lists(st.tuples(KEYS, st.sampled_from(Cause)), max_size=200))
def test_a_note_that_fell_out_is_cold_and_never_another_key_s(notes: list[tuple[Key, Cause]]) -> None:
    causes, newest = Causes(8), dict(notes)
    for key, cause in notes:
        causes.note(key, cause)
    for key, cause in newest.items():
        assert causes.why(key) in {cause, Cause.COLD}
    if notes:
        assert causes.why(notes[-1][0]) is notes[-1][1]


def test_every_cause_survives_the_table() -> None:
    causes = Causes()
    for cause in Cause:
        causes.note(Key(f"/{cause}"), cause)
    assert {causes.why(Key(f"/{cause}")) for cause in Cause} == set(Cause)
