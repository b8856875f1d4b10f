"""Mixed load with faults of every kind, for a while: no wrong byte, few refusals, and nothing that grows."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from tests.aio import run, until

from .bed import Bed, bed, number, seeded
from .catalogue import catalogue
from .leaks import Held, descriptors, memory_mib
from .viewers import Habits

_VIEWERS = 16
_FAULTS = 0.05
_PURGE_PAUSE_S = 0.1
_EPISODE_S = 1.0
_REFUSED = 0.05  # of all answers: an origin that fails is not the node's fault
_GROWTH = Held(memory_mib=24, descriptors=8, tasks=2)


def test_a_soak_with_faults_leaves_nothing_behind(
    short_tmp: Path, free_port: Callable[[], int], redis_url: str
) -> None:
    rng, seconds = seeded(), number("SOAK_S", 10)

    async def body() -> None:
        objects = catalogue(500, 200_000)
        habits = Habits(parts=0.2, leaving=0.1)
        async with bed(short_tmp, free_port(), redis_url, objects, rng, size="24MiB", habits=habits) as node:
            await node.viewers.see_all()
            await _soak(node, rng, max(4, seconds / 4))
            before = await _at_rest(node)
            await _soak(node, rng, seconds)
            after = await _at_rest(node, before)
            tally = node.viewers.tally
            print(
                f"{before} -> {after}; {tally.answered} answers, hits {tally.hit_ratio:.3f}, {dict(tally.unanswered)}"
            )
            assert not tally.wrong, tally.wrong[:5]
            assert tally.unanswered.total() <= _REFUSED * tally.answered
            assert after.memory_mib - before.memory_mib < _GROWTH.memory_mib

    run(body(), deadline_s=120 + 2 * seconds)


async def _soak(node: Bed, rng: random.Random, seconds: float) -> None:
    """Load, purges and an origin that fails now and then, with episodes of something worse."""
    node.origin.fault_share = _FAULTS
    async with node.viewers.watching(_VIEWERS), node.purging(rng, _PURGE_PAUSE_S):
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            await rng.choice([_calm, _origin_restarts, _disk_refuses, _purge_all])(node)
    node.origin.fault_share = 0


async def _calm(node: Bed) -> None:
    await node.viewers.see(1000)


async def _origin_restarts(node: Bed) -> None:
    await node.origin.stop()
    await node.viewers.see(100)
    await node.origin.start()
    await node.viewers.see(300)


async def _disk_refuses(node: Bed) -> None:
    """New bodies cannot be written for a moment."""
    temp = node.cache / "temp"
    temp.chmod(0o500)
    try:
        await node.viewers.see(200)
    finally:
        temp.chmod(0o755)
    await node.viewers.see(300)


async def _purge_all(node: Bed) -> None:
    await node.purge_all()
    await node.viewers.see(300)


async def _at_rest(node: Bed, like: Held | None = None) -> Held:
    """Without viewers: every fill over, idle connections closed, and with `like` as little held as then."""

    async def rests() -> bool:
        if await node.metric("playnet_edge_open_fills") > 0:
            return False
        held = await _held(node)
        return like is None or (
            held.descriptors <= like.descriptors + _GROWTH.descriptors and held.tasks <= like.tasks + _GROWTH.tasks
        )

    await until(rests)
    return await _held(node)


async def _held(node: Bed) -> Held:
    brain = node.child("brain")
    assert brain is not None
    return Held(round(memory_mib(brain), 1), descriptors(brain), int(await node.metric("playnet_edge_tasks")))
