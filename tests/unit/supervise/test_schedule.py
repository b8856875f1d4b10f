import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.supervise.schedule import Schedule


@pytest.mark.parametrize(
    ("failures", "jitter", "delay_s"),
    [
        pytest.param(0, 0.0, 0.0, id="no failure, no pause"),
        pytest.param(1, 0.0, 0.5, id="first"),
        pytest.param(2, 0.0, 1.0, id="doubles"),
        pytest.param(7, 0.0, 30.0, id="longest"),
        pytest.param(10_000, 0.0, 30.0, id="for ever"),
        pytest.param(2, 0.5, 0.75, id="jitter takes off"),
    ],
)
def test_delay(failures: int, jitter: float, delay_s: float) -> None:
    assert Schedule(failures).delay_s(jitter=jitter) == delay_s


@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_delay_stays_within_half_and_all_of_its_step(failures: int, jitter: float) -> None:
    full = Schedule(failures).delay_s(jitter=0)
    assert full / 2 <= Schedule(failures).delay_s(jitter=jitter) <= full <= 30


def test_a_healthy_time_earns_a_fresh_start() -> None:
    flapping = Schedule()
    for _ in range(5):
        flapping = flapping.after_exit(healthy_s=59.9)
    assert flapping == Schedule(5)
    assert flapping.after_exit(healthy_s=60) == Schedule(1)
