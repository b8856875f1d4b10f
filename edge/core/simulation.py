"""What a cache of a given size would have done with the requests of a trace, under the policies that nodes run.

A trace names objects and their sizes, nothing else: no freshness, no purges, one node. Pure; time is not simulated.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from edge.core.admission import Admission, Always
from edge.core.eviction import Policy
from edge.core.key import Key

Use = tuple[Key, int]
"""One request of a trace: whose, and the object's size in bytes."""


@dataclass(slots=True, eq=False)
class Cache:
    """One policy with a quota and an admission, and what came of it. An object larger than the quota is never kept.

    An object keeps the size with which it was stored, whatever later requests say: a trace tells no reason for a change.
    """

    policy: Policy
    quota_bytes: int
    admission: Admission = field(default_factory=Always)
    misses: int = 0
    missed_bytes: int = 0
    written_bytes: int = 0
    evictions: int = 0

    def use(self, key: Key, size_bytes: int) -> None:
        """One request: a hit, or a miss that makes room for the object and stores it if it is admitted."""
        policy = self.policy
        if key in policy:
            policy.hit(key)
            return
        self.misses += 1
        self.missed_bytes += size_bytes
        is_full = policy.size_bytes + size_bytes > self.quota_bytes
        if size_bytes > self.quota_bytes or not self.admission.admits(key, is_full=is_full, held=len(policy)):
            return
        self.written_bytes += size_bytes
        while policy.size_bytes + size_bytes > self.quota_bytes:
            policy.evict()
            self.evictions += 1
        policy.insert(key, size_bytes)


@dataclass(slots=True, eq=False)
class Demand:
    """What was asked for in all."""

    requests: int = 0
    requested_bytes: int = 0

    def counted(self, uses: Iterable[Use]) -> Iterator[Use]:
        """The same requests, counted as they pass."""
        for key, size_bytes in uses:
            self.requests += 1
            self.requested_bytes += size_bytes
            yield key, size_bytes


@dataclass(frozen=True, slots=True)
class Footprint:
    """All distinct objects of a trace, each at the size of its first request."""

    objects: int
    size_bytes: int


def footprint(uses: Iterable[Use]) -> Footprint:
    """Count distinct objects. Remembers a hash of each, the only thing here that grows with the trace."""
    seen: set[int] = set()
    total_bytes = 0
    for key, size_bytes in uses:
        if hash(key) not in seen:
            seen.add(hash(key))
            total_bytes += size_bytes
    return Footprint(len(seen), total_bytes)


def simulate(uses: Iterable[Use], caches: Iterable[Cache]) -> Demand:
    """Let every cache see every request, in one pass."""
    demand, caches = Demand(), tuple(caches)
    for key, size_bytes in demand.counted(uses):
        for cache in caches:
            cache.use(key, size_bytes)
    return demand
