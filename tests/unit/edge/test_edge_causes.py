"""Causes of misses: one each, from bounded memory."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.causes import Cause, Causes, stale_cause
from edge.core.decide import Marks
from edge.core.key import Key
from tests.unit.edge.test_edge_decisions import NOW, entry

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


@pytest.mark.parametrize(
    ("after_s", "marks", "soft", "cause"),
    [
        pytest.param(61, Marks(), None, Cause.EXPIRED, id="time"),
        pytest.param(61, Marks(stale_before=NOW), NOW, Cause.EXPIRED, id="time-and-order"),
        pytest.param(5, Marks(), NOW + 1, Cause.PURGED, id="soft-purge"),
        pytest.param(5, Marks(stale_before=NOW), None, Cause.PURGED, id="soft-purge-of-all"),
        pytest.param(5, Marks(validate_before=NOW), None, Cause.PURGED, id="missed-orders"),
        pytest.param(5, Marks(stale_before=NOW - 1), None, Cause.BYPASS, id="the-viewer-demands-it"),
    ],
)
def test_a_stored_entry_is_not_served_for_one_cause(
    after_s: float, marks: Marks, soft: float | None, cause: Cause
) -> None:
    stored = replace(entry(), soft_purged_at=soft)
    assert stale_cause(stored, marks=marks, now=NOW + after_s) is cause
