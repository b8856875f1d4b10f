"""Every policy: what holds for all, cases worked out by hand, plain definitions, and published miss ratios."""

import bisect
import itertools
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.adapters.traces import Trace
from edge.core.eviction import DEFAULT_POLICY, POLICIES, Gdsf, Lru, Policy, S3Fifo, Sieve
from edge.core.key import Key
from edge.core.simulation import Cache, simulate
from playnet.config import Config
from playnet.config.model import EdgeTuning

TRACE = Path(__file__).parents[4] / "shared" / "traces" / "web12.trace.xz"

every_policy = pytest.mark.parametrize("make", POLICIES.values(), ids=POLICIES)

_keys = st.sampled_from([Key(name) for name in "abcdefghijklmnop"])
_steps = st.lists(
    st.tuples(st.sampled_from(["insert", "insert", "hit", "hit", "remove", "evict"]), _keys, st.integers(0, 50)),
    max_size=120,
)


def test_the_settings_name_the_policies_that_there_are() -> None:
    for name in POLICIES:
        assert EdgeTuning.model_validate({"policy": name}).policy == name
    assert Config().edge_tuning.policy == DEFAULT_POLICY


@every_policy
@given(steps=_steps)
def test_accounts_are_exact_whatever_happens(make: Callable[[], Policy], steps: list[tuple[str, Key, int]]) -> None:
    """Also: a victim was there and leaves once, and the same steps name the same victims."""
    policy, twin, held = make(), make(), dict[Key, int]()
    for action, key, size_bytes in steps:
        if action == "evict":
            victim = policy.evict()
            assert victim == twin.evict()
            assert (victim is None) == (not held)
            if victim is not None:
                del held[victim]
        elif action == "insert":
            policy.insert(key, size_bytes)
            twin.insert(key, size_bytes)
            held[key] = size_bytes
        elif action == "hit":
            policy.hit(key)
            twin.hit(key)
        else:
            policy.remove(key)
            twin.remove(key)
            held.pop(key, None)
        assert policy.size_bytes == sum(held.values())
        assert len(policy) == len(held)
        assert (key in policy) == (key in held)
    assert {policy.evict() for _ in range(len(held))} == set(held)
    assert (policy.evict(), policy.size_bytes, len(policy)) == (None, 0, 0)


@every_policy
@given(uses=st.lists(st.tuples(_keys, st.integers(0, 60)), max_size=150), quota_bytes=st.integers(1, 100))
def test_the_quota_holds_and_every_request_counts(
    make: Callable[[], Policy], uses: list[tuple[Key, int]], quota_bytes: int
) -> None:
    cache = Cache(make(), quota_bytes)
    stored = 0
    for key, size_bytes in uses:
        there = key in cache.policy
        cache.use(key, size_bytes)
        stored += not there and size_bytes <= quota_bytes
        assert cache.policy.size_bytes <= quota_bytes
        assert (key in cache.policy) == (there or size_bytes <= quota_bytes), "what fits at all is kept"
    assert stored == cache.evictions + len(cache.policy)


def _filled(policy: Policy, names: str, size_bytes: int = 1) -> None:
    for name in names:
        policy.insert(Key(name), size_bytes)


def _hit(policy: Policy, names: str) -> None:
    for name in names:
        policy.hit(Key(name))


def _victims(policy: Policy, count: int) -> str:
    return "".join(policy.evict() or "." for _ in range(count))


def test_lru_names_the_one_used_longest_ago() -> None:
    policy = Lru()
    _filled(policy, "abc")
    _hit(policy, "ax")
    policy.insert(Key("b"), 7)
    assert _victims(policy, 4) == "bca.", "a new size is no use"


def test_sieve_spares_what_was_used_once() -> None:
    policy = Sieve()
    _filled(policy, "abcde")
    _hit(policy, "ab")
    assert _victims(policy, 1) == "c", "a and b lose their marks, c had none"
    _filled(policy, "f")
    _hit(policy, "d")
    assert _victims(policy, 3) == "efa", "the hand goes on to the youngest, then starts again"
    assert _victims(policy, 3) == "bd."


def test_s3fifo_promotes_remembers_and_gives_another_round() -> None:
    policy = S3Fifo()
    _filled(policy, "abcdefghijkl")  # nothing evicted yet: a and k are on probation, a tenth; the others are not
    _hit(policy, "aab")
    assert _victims(policy, 1) == "c", "a moves to the main queue, whose oldest, b, buys another round"
    assert _victims(policy, 3) == "dek", "the main queue shrinks until k alone is more than a tenth; a ghost keeps k"
    _filled(policy, "km")
    assert _victims(policy, 2) == "fm", "k came back into the main queue, m is on probation"
    assert _victims(policy, 9) == "ghijlabk.", "main in order of arrival there"


def test_s3fifo_takes_one_use_on_probation_for_chance() -> None:
    policy = S3Fifo()
    _filled(policy, "abcdefghij")
    policy.evict()
    _filled(policy, "xy")
    _hit(policy, "xyyyyy")
    assert _victims(policy, 2) == "ax", "y moves to the main queue, as one that was not used there yet"
    assert _victims(policy, 9) == "cdefghijy"


def test_s3fifo_counts_three_uses_and_no_more() -> None:
    policy = S3Fifo()
    _filled(policy, "abcdefghij")
    _hit(policy, "bbbbbccc")
    assert _victims(policy, 11) == "daefghijbc.", "b has no more rounds than c"


def test_s3fifo_admits_what_is_larger_than_its_small_queue() -> None:
    policy = S3Fifo()
    _filled(policy, "abcdefghij")
    policy.evict()
    policy.insert(Key("L"), 30)
    assert _victims(policy, 2) == "aL", "when those before it on probation have left; the main queue stays"
    policy.insert(Key("L"), 30)
    _filled(policy, "m")
    assert _victims(policy, 3) == "cde", "it came back into the main queue"
    policy.insert(Key("X"), 1000)
    assert _victims(policy, 2) == "mX"
    assert policy.remembered == 0, "more than the ghost may hold"


@pytest.mark.parametrize(("size_bytes", "count"), [(1, 30_000), (1000, 3000)])
def test_the_ghost_of_s3fifo_is_bounded(size_bytes: int, count: int) -> None:
    """A scan of small objects through a cache of large ones must not be remembered whole."""
    policy = S3Fifo()
    for number in range(100):
        policy.insert(Key(f"kept-{number}"), 1000)
    for number in range(count):
        policy.insert(Key(f"scan-{number}"), size_bytes)
        while policy.size_bytes > 100_000:
            policy.evict()
        assert policy.remembered <= len(policy) + 1
    assert policy.remembered >= 80


def test_gdsf_weighs_uses_against_size_and_ages() -> None:
    policy = Gdsf()  # ranks in 128ths
    policy.insert(Key("a"), 128)  # 1
    _filled(policy, "bc", 8)  # 16 each
    _hit(policy, "b")  # 32
    assert _victims(policy, 1) == "a", "L becomes 1"
    policy.insert(Key("d"), 128)  # 2
    policy.insert(Key("e"), 16)  # 9
    assert _victims(policy, 1) == "d", "L becomes 2"
    policy.insert(Key("f"), 8)  # 18
    assert _victims(policy, 2) == "ec", "L becomes 16"
    policy.insert(Key("g"), 8)  # 32, as b, which is older
    assert _victims(policy, 4) == "fbg."


class _PlainSieve:
    """The algorithm as the paper words it, on a list from the oldest to the newest."""

    def __init__(self) -> None:
        self.queue: list[Key] = []
        self.visited: set[Key] = set()
        self.hand: Key | None = None

    def insert(self, key: Key, _: int) -> None:
        if key not in self.queue:
            self.queue.append(key)

    def hit(self, key: Key) -> None:
        if key in self.queue:
            self.visited.add(key)

    def evict(self) -> Key | None:
        if not self.queue:
            return None
        at = self.queue.index(self.hand) if self.hand in self.queue else 0
        while self.queue[at] in self.visited:
            self.visited.remove(self.queue[at])
            at = (at + 1) % len(self.queue)
        self.hand = victim = self.queue[at]
        self.remove(victim)
        return victim

    def remove(self, key: Key) -> None:
        if key in self.queue:
            at = self.queue.index(key)
            if self.hand == key:
                self.hand = self.queue[at + 1] if at + 1 < len(self.queue) else None
            self.queue.remove(key)
            self.visited.discard(key)


class _PlainS3Fifo:
    """The rules of its module on three lists, sums computed anew at each question."""

    def __init__(self) -> None:
        self.small: list[Key] = []
        self.main: list[Key] = []
        self.ghost: list[tuple[Key, int]] = []
        self.sizes: dict[Key, int] = {}
        self.uses: dict[Key, int] = {}
        self.filling = True

    def small_is_full(self) -> bool:
        return 10 * sum(self.sizes[key] for key in self.small) > sum(self.sizes.values())

    def insert(self, key: Key, size_bytes: int) -> None:
        if key not in self.sizes:
            self.filling |= not self.sizes
            known = key in {key for key, _ in self.ghost}
            self.ghost = [item for item in self.ghost if item[0] != key]
            (self.main if known or (self.filling and self.small_is_full()) else self.small).append(key)
            self.uses[key] = 0
        self.sizes[key] = size_bytes

    def hit(self, key: Key) -> None:
        if key in self.uses:
            self.uses[key] = min(self.uses[key] + 1, 3)

    def evict(self) -> Key | None:
        self.filling = False
        while self.sizes:
            from_small = self.small_is_full() or not self.main
            key = (self.small if from_small else self.main)[0]
            if self.uses[key] < (2 if from_small else 1):
                held_bytes, held_keys = sum(self.sizes.values()), len(self.sizes)
                if from_small:
                    self.ghost.append((key, self.sizes[key]))
                    while len(self.ghost) > held_keys or 10 * sum(size for _, size in self.ghost) > 9 * held_bytes:
                        self.ghost.pop(0)
                self.remove(key)
                return key
            (self.small if from_small else self.main).pop(0)
            self.main.append(key)
            self.uses[key] = 0 if from_small else self.uses[key] - 1
        return None

    def remove(self, key: Key) -> None:
        if key in self.sizes:
            (self.small if key in self.small else self.main).remove(key)
            del self.sizes[key], self.uses[key]


class _PlainGdsf:
    """The paper's formula, computed anew at each use; the lowest is searched for."""

    def __init__(self) -> None:
        self.objects: dict[Key, list[int]] = {}  # size, uses, rank, turn
        self.floor = self.turn = 0

    def insert(self, key: Key, size_bytes: int) -> None:
        self.objects.setdefault(key, [0, 1, 0, 0])[0] = size_bytes
        self.rank(self.objects[key])

    def hit(self, key: Key) -> None:
        if key in self.objects:
            self.objects[key][1] += 1
            self.rank(self.objects[key])

    def rank(self, item: list[int]) -> None:
        self.turn += 1
        item[2:] = [self.floor + item[1] * (1 << 40) // max(item[0], 1), self.turn]

    def evict(self) -> Key | None:
        if not self.objects:
            return None
        victim = min(self.objects, key=lambda key: self.objects[key][2:])
        self.floor = self.objects.pop(victim)[2]
        return victim

    def remove(self, key: Key) -> None:
        self.objects.pop(key, None)


@pytest.mark.parametrize(
    ("make", "define"),
    [(S3Fifo, _PlainS3Fifo), (Sieve, _PlainSieve), (Gdsf, _PlainGdsf)],
    ids=["s3-fifo", "sieve", "gdsf"],
)
@given(steps=_steps)
def test_the_quick_one_is_the_plain_one(
    make: Callable[[], Policy],
    define: Callable[[], _PlainS3Fifo | _PlainSieve | _PlainGdsf],
    steps: list[tuple[str, Key, int]],
) -> None:
    policy, plain = make(), define()
    for action, key, size_bytes in steps:
        if action == "evict":
            assert policy.evict() == plain.evict()
        elif action == "insert":
            policy.insert(key, size_bytes)
            plain.insert(key, size_bytes)
        else:
            getattr(policy, action)(key)
            getattr(plain, action)(key)


def test_a_heap_of_departed_objects_is_built_anew() -> None:
    """Purges and new sizes leave entries behind; eviction has to find its way, and memory to stay in bounds."""
    policy = Gdsf()
    for number in range(2000):
        policy.insert(Key("a"), number % 7 + 1)
        policy.insert(Key(str(number)), 4)
        policy.remove(Key(str(number)))
    assert len(policy._heap) < 100
    assert _victims(policy, 2) == "a."


def _synthetic() -> list[tuple[Key, int]]:
    """20,000 requests for 2000 objects of one byte, Zipf .9."""
    rng, weights = random.Random(12), list(itertools.accumulate((rank + 1) ** -0.9 for rank in range(2000)))
    return [(Key(str(bisect.bisect(weights, rng.random() * weights[-1]))), 1) for _ in range(20_000)]


_TRACES = [
    pytest.param(
        _synthetic(),
        (20, 100, 400),
        {
            "lru": (0.8238, 0.6099, 0.3763),
            "s3-fifo": (0.6870, 0.5086, 0.3237),
            "sieve": (0.6927, 0.5110, 0.3250),
            "gdsf": (0.7466, 0.5493, 0.3373),
        },
        id="synthetic",
    )
]
if TRACE.exists():  # it stands beside the checkout, not in it
    _TRACES.append(
        pytest.param(
            Trace(TRACE, "web12"),
            (137, 687, 1375, 3439),  # 1, 5, 10, 25 % of its objects
            {
                "lru": (0.603, 0.400, 0.315, 0.223),
                "s3-fifo": (0.590, 0.352, 0.279, 0.205),
                "sieve": (0.598, 0.365, 0.283, 0.209),
                "gdsf": (0.567, 0.351, 0.281, 0.211),
            },
            id="web12",
        )
    )


@pytest.mark.parametrize(("uses", "quotas", "expected"), _TRACES)
def test_miss_ratios_are_those_of_libcachesim(
    uses: Iterable[tuple[Key, int]], quotas: tuple[int, ...], expected: dict[str, tuple[float, ...]]
) -> None:
    """Reference: libcachesim 0.3.5 on the same requests."""
    caches = {name: [Cache(POLICIES[name](), quota) for quota in quotas] for name in expected}
    demand = simulate(uses, itertools.chain.from_iterable(caches.values()))
    for name, ratios in expected.items():
        found = [cache.misses / demand.requests for cache in caches[name]]
        assert found == pytest.approx(ratios, abs=0.005), name
