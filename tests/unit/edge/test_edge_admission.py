"""What a full cache writes."""

from hypothesis import given
from hypothesis import strategies as st

from edge.core.admission import ADMISSIONS, SecondRequest
from edge.core.eviction import POLICIES
from edge.core.key import Key
from edge.core.simulation import Cache, simulate


def key(number: int) -> Key:
    return Key(f"/v/{number}")


def test_a_cache_with_room_takes_everything_and_remembers_it() -> None:
    admission = SecondRequest()
    assert admission.admits(key(1), is_full=False, held=0)
    assert admission.admits(key(1), is_full=True, held=10), "asked for before"
    assert not admission.admits(key(2), is_full=True, held=10)
    assert admission.admits(key(2), is_full=True, held=10)


@given(st.lists(st.integers(0, 60), max_size=400))
def test_what_was_asked_for_lately_is_never_overlooked(asked: list[int]) -> None:
    """64 distinct keys are remembered at least, whatever comes between two requests for one of them."""
    admission, seen = SecondRequest(b"seed"), set[int]()
    for number in asked:
        admitted = admission.admits(key(number), is_full=True, held=1)
        assert admitted or number not in seen
        seen.add(number)


def test_what_was_asked_for_long_ago_is_forgotten() -> None:
    admission = SecondRequest()
    admission.admits(key(0), is_full=True, held=100)
    for number in range(1, 900):  # more than two filters of 4 x 100
        admission.admits(key(number), is_full=True, held=100)
    assert not admission.admits(key(0), is_full=True, held=100)


def test_few_strangers_are_taken_for_acquaintances() -> None:
    admission, held = SecondRequest(b"s"), 1 << 12
    for number in range(4 * held):
        admission.admits(key(number), is_full=True, held=held)
    strangers = range(1_000_000, 1_002_000)
    assert sum(admission.admits(key(number), is_full=True, held=held) for number in strangers) < 0.03 * len(strangers)


def test_a_scan_is_not_written() -> None:
    """A full cache of 100 objects that are asked for again and again, and 2,000 others once each."""
    written = {}
    for name, make in ADMISSIONS.items():
        cache = Cache(POLICIES["s3-fifo"](), 100, make(b""))
        regular = [(key(number % 100), 1) for number in range(300)]
        scan = [use for number in range(2000) for use in ((key(1000 + number), 1), (key(number % 100), 1))]
        simulate([*regular, *scan], [cache])
        written[name] = cache.written_bytes
    assert written["always"] > 2000
    assert written["second-request"] < 250
