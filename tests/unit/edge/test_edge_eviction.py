"""SIEVE: against a hand-made case, against its plain definition, and against published miss ratios."""

import lzma
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.eviction import Sieve
from edge.core.key import Key

TRACE = Path(__file__).parents[4] / "shared" / "traces" / "web12.trace.xz"


def simulate(policy: Sieve, keys: list[Key], capacity: int) -> int:
    """Misses with objects of size 1."""
    misses = 0
    for key in keys:
        if key in policy:
            policy.hit(key)
            continue
        misses += 1
        while policy.size_bytes + 1 > capacity:
            policy.evict()
        policy.insert(key, 1)
    return misses


class PlainSieve:
    """The algorithm as the paper words it, on a list from the oldest to the youngest."""

    def __init__(self) -> None:
        self.queue: list[Key] = []
        self.visited: dict[Key, bool] = {}
        self.hand: Key | None = None

    def insert(self, key: Key) -> None:
        self.queue.append(key)
        self.visited[key] = False

    def evict(self) -> Key:
        at = self.queue.index(self.hand) if self.hand in self.queue else 0
        while self.visited[self.queue[at]]:
            self.visited[self.queue[at]] = False
            at = (at + 1) % len(self.queue)
        victim = self.queue[at]
        self.hand = self.queue[at + 1] if at + 1 < len(self.queue) else None
        self.remove(victim)
        return victim

    def remove(self, key: Key) -> None:
        if self.hand == key:
            at = self.queue.index(key)
            self.hand = self.queue[at + 1] if at + 1 < len(self.queue) else None
        self.queue.remove(key)
        del self.visited[key]


def test_the_hand_spares_what_was_used_once() -> None:
    policy = Sieve()
    for name in "abcde":
        policy.insert(Key(name), 1)
    for name in "ab":
        policy.hit(Key(name))
    assert policy.evict() == "c", "a and b lose their marks, c had none"
    policy.insert(Key("f"), 1)
    policy.hit(Key("d"))
    assert [policy.evict() for _ in range(3)] == ["e", "f", "a"], "the hand goes on to the youngest, then starts again"
    assert [policy.evict() for _ in range(3)] == ["b", "d", None]


def test_size_follows_replacements_and_removals() -> None:
    policy = Sieve()
    policy.insert(Key("a"), 10)
    policy.insert(Key("b"), 5)
    policy.insert(Key("a"), 3)
    assert (policy.size_bytes, len(policy)) == (8, 2)
    policy.remove(Key("a"))
    policy.remove(Key("a"))
    policy.hit(Key("a"))
    assert (policy.size_bytes, len(policy), Key("a") in policy) == (5, 1, False)


@given(st.lists(st.tuples(st.sampled_from(["use", "evict", "remove"]), st.sampled_from("abcdefgh"))))
def test_sieve_is_its_definition(steps: list[tuple[str, str]]) -> None:
    policy, plain = Sieve(), PlainSieve()
    for action, name in steps:
        key = Key(name)
        if action == "use" and key in policy:
            policy.hit(key)
            plain.visited[key] = True
        elif action == "use":
            policy.insert(key, 1)
            plain.insert(key)
        elif action == "remove" and key in policy:
            policy.remove(key)
            plain.remove(key)
        elif action == "evict" and plain.queue:
            assert policy.evict() == plain.evict()
        assert len(policy) == len(plain.queue)


@pytest.mark.parametrize(("share", "miss_ratio"), [(0.01, 0.598), (0.05, 0.365), (0.10, 0.283), (0.25, 0.209)])
def test_miss_ratios_of_a_real_trace(share: float, miss_ratio: float) -> None:
    """Reference: libcachesim 0.3.5 on web12. Without the trace, a loop over more objects than fit says the same of order."""
    if TRACE.exists():
        data = lzma.decompress(TRACE.read_bytes())
        keys = [Key(str(number)) for (number,) in struct.iter_unpack(">I", data)]
        assert simulate(Sieve(), keys, int(len(set(keys)) * share)) / len(keys) == pytest.approx(miss_ratio, abs=0.005)
    else:
        keys = [Key(str(number % 100)) for number in range(1000)]
        assert simulate(Sieve(), keys, 50) < 1000, "SIEVE keeps a part of a loop, LRU would keep nothing"
