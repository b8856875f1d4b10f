"""Three times the quota, all of it once and fast: the disk stays within bounds, nobody is refused, memory stays flat."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from tests.aio import run, until

from .bed import Bed, bed, number, seeded
from .catalogue import Catalogue, catalogue
from .leaks import disk_bytes, memory_mib
from .viewers import Habits

_QUOTA_MIB = 24
_LARGEST = 600_000
_ROUNDING = 1.02  # blocks of 4 KiB
_GROWTH_MIB = 24


def test_a_flood_of_three_times_the_quota_stays_within_it(
    short_tmp: Path, free_port: Callable[[], int], redis_url: str
) -> None:
    rng, floods = seeded(), number("FLOODS", 1)

    async def body() -> None:
        objects = _flood()
        habits = Habits(parts=0, leaving=0)
        async with bed(short_tmp, free_port(), redis_url, objects, rng, size=f"{_QUOTA_MIB}MiB", habits=habits) as node:
            brain, most, memory = node.child("brain"), 0, []
            assert brain is not None
            async with asyncio.TaskGroup() as group:
                flooding = group.create_task(_floods(node, brain, 1 + floods, memory), name="flooding")

                async def looked() -> bool:
                    nonlocal most
                    most = max(most, await asyncio.to_thread(disk_bytes, node.cache, brain))
                    return flooding.done()

                await until(looked, deadline_s=60 + 60 * floods)
            tally = node.viewers.tally
            print(f"most {most / 1e6:.1f} MB of {_QUOTA_MIB} MiB, memory {memory} MiB, {tally.answered} answers")
            assert not tally.wrong, tally.wrong[:5]
            assert not tally.unanswered
            assert most <= ((_QUOTA_MIB << 20) + _LARGEST) * _ROUNDING
            assert await node.metric("playnet_edge_evictions_total") > 0
            assert memory[-1] - memory[0] < _GROWTH_MIB

    run(body(), deadline_s=120 + 120 * floods)


def _flood() -> Catalogue:
    """At least three times the quota, each object small beside it."""
    count = 64
    while sum((objects := catalogue(count, _LARGEST)).sizes.values()) < 3 * (_QUOTA_MIB << 20):
        count += 16
    return objects


async def _floods(node: Bed, brain: int, times: int, memory: list[float]) -> None:
    """Every object once per flood, 16 viewers at a time; notes the brain's memory after each."""
    for _ in range(times):
        await node.viewers.see_all(at_once=16)
        memory.append(round(memory_mib(brain), 1))
