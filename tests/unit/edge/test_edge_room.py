"""A node stays within its quota and leaves the disk to others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.room import Room


@pytest.mark.parametrize(
    ("room", "wanted", "excess"),
    [
        pytest.param(Room(quota=100, held=40, reserved=10, free=900, spare=50), 50, 0, id="fits"),
        pytest.param(Room(quota=100, held=40, reserved=10, free=900, spare=50), 60, 10, id="over-the-quota"),
        pytest.param(Room(quota=100, held=0, reserved=10, free=900, spare=50), 91, None, id="larger-than-the-quota"),
        pytest.param(Room(quota=1000, held=40, reserved=10, free=70, spare=50), 20, 10, id="over-the-disk"),
        pytest.param(Room(quota=1000, held=40, reserved=0, free=20, spare=50), 0, 30, id="others-filled-the-disk"),
        pytest.param(Room(quota=1000, held=5, reserved=0, free=20, spare=50), 1, None, id="giving-all-would-not-help"),
    ],
)
def test_what_has_to_go(room: Room, wanted: int, excess: int | None) -> None:
    assert room.excess(wanted) == excess


_bytes = st.integers(0, 1 << 40)


@given(quota=_bytes, held=_bytes, reserved=_bytes, free=_bytes, spare=_bytes, wanted=_bytes)
def test_afterwards_both_bounds_hold(quota: int, held: int, reserved: int, free: int, spare: int, wanted: int) -> None:
    excess = Room(quota, held, reserved, free, spare).excess(wanted)
    if excess is None:
        assert reserved + wanted > quota or reserved + wanted + spare > free + held
    else:
        assert held - excess + reserved + wanted <= quota or excess == held == 0
        assert reserved + wanted + spare <= free + excess
