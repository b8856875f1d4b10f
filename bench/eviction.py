"""The edge's eviction policies beside each other: misses, CPU per request, memory per object.

Requests are made up, the same in every run: Zipf popularity, log-normal sizes, popularity and size independent.
"""

import bisect
import itertools
import random
import sys
import time
import tracemalloc
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.table import Table

from bench.rounds import Sample, interleave, show
from edge.core.eviction import POLICIES
from edge.core.key import Key
from edge.core.simulation import Cache, Use, footprint, simulate

_OBJECTS, _REQUESTS = 20_000, 300_000
_SHARES = (0.01, 0.05, 0.10, 0.25)
_SPEED_SHARE = 0.10
_HELD, _SCANNED = 50_000, 150_000


def run() -> None:
    """Print three tables."""
    uses = zipf_uses()
    whole = footprint(uses)
    quotas = [int(whole.size_bytes * share) for share in _SHARES]
    _show_misses(uses, quotas)
    quota = int(whole.size_bytes * _SPEED_SHARE)
    figures, steal = interleave({name: partial(_timed, name, uses, quota) for name in POLICIES})
    show(
        f"{_REQUESTS} requests, cache of {_SPEED_SHARE:.0%}", figures,
        cost="CPU µs per request", rate="requests/s", steal=steal, peer="lru",
    )  # fmt: skip
    _show_memory()


def zipf_uses() -> list[Use]:
    """Zipf .9 over objects of 200 B to 20 MiB, median 60 KB."""
    rng = random.Random(12)
    weights = list(itertools.accumulate((rank + 1) ** -0.9 for rank in range(_OBJECTS)))
    sizes = [max(200, min(int(rng.lognormvariate(11, 1.6)), 20 << 20)) for _ in range(_OBJECTS)]
    keys = [Key(f"/v/0197c9a4-7d1e/1/1080p/{number}.m4s") for number in range(_OBJECTS)]
    numbers = (bisect.bisect(weights, rng.random() * weights[-1]) for _ in range(_REQUESTS))
    return [(keys[number], sizes[number]) for number in (min(number, _OBJECTS - 1) for number in numbers)]


def metadata_bytes(name: str) -> float:
    """Memory per object held, without the keys of those, after a scan of three times as many has filled what remembers."""
    keys = [Key(f"/v/0197c9a4-7d1e/1/1080p/{number}.m4s") for number in range(_HELD + _SCANNED)]
    for key in keys:
        hash(key)  # a string keeps its hash: not the policy's memory either
    tracemalloc.start()
    try:
        cache = Cache(POLICIES[name](), _HELD)
        simulate(((key, 1) for key in keys), [cache])
        return tracemalloc.get_traced_memory()[0] / len(cache.policy)
    finally:
        tracemalloc.stop()


def _timed(name: str, uses: Sequence[Use], quota: int) -> Sample:
    cache = Cache(POLICIES[name](), quota)
    wall, cpu = time.perf_counter(), time.process_time()
    simulate(uses, [cache])
    return Sample((time.process_time() - cpu) / len(uses) * 1e6, len(uses) / (time.perf_counter() - wall))


def _show_misses(uses: Sequence[Use], quotas: Sequence[int]) -> None:
    caches = {name: [Cache(make(), quota) for quota in quotas] for name, make in POLICIES.items()}
    demand = simulate(uses, itertools.chain.from_iterable(caches.values()))
    table = Table(title="miss ratios: objects / bytes")
    for heading in ("", *(f"{share:.0%}" for share in _SHARES)):
        table.add_column(heading)
    for name, row in caches.items():
        cells = [
            f"{cache.misses / demand.requests:.3f} / {cache.missed_bytes / demand.requested_bytes:.3f}" for cache in row
        ]
        table.add_row(name, *cells)
    Console().print(table)


def _show_memory() -> None:
    table = Table(title=f"metadata, {_HELD} objects held, Python {sys.version_info.major}.{sys.version_info.minor}")
    table.add_column("")
    table.add_column("bytes per object", justify="right")
    for name in POLICIES:
        table.add_row(name, f"{metadata_bytes(name):.0f}")
    Console().print(table)
