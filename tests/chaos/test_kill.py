"""kill -9 of brain, nginx or both under load, with purges going on: what viewers see before, meanwhile and after."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

from tests.aio import run, until

from .bed import Bed, bed, number, seeded
from .catalogue import catalogue

_VIEWERS = 12
_REQUESTS = 1000
_PURGE_PAUSE_S = 0.2
_KEPT = 0.95
_VICTIMS = (("brain",), ("nginx",), ("brain", "nginx"))
_KILLS_PER_NODE = 6  # its supervisor waits ever longer before it starts what dies again and again
_BACK_S = 60


def test_killed_nodes_come_back_with_what_they_had(
    short_tmp: Path, free_port: Callable[[], int], redis_url: str
) -> None:
    rng, kills = seeded(), number("KILLS", 4)

    async def body() -> None:
        usual: list[float] = []  # all hit ratios before: a thousand requests alone say it to two percent
        for first in range(0, kills, _KILLS_PER_NODE):
            folder = short_tmp / str(first)
            folder.mkdir(mode=0o755)
            objects = catalogue(400, 160_000)  # a third more than fits: fills and evictions go on, too
            async with bed(folder, free_port(), redis_url, objects, rng, size="24MiB", first_order=first << 20) as node:
                await node.viewers.see_all()
                async with node.viewers.watching(_VIEWERS), node.purging(rng, _PURGE_PAUSE_S):
                    for kill in range(first, min(first + _KILLS_PER_NODE, kills)):
                        await _killed(node, rng, kill, usual)
                _tell(node)

    run(body(), deadline_s=60 + 30 * kills)


async def _killed(node: Bed, rng: random.Random, kill: int, usual: list[float]) -> None:
    """A thousand requests, a kill, and a thousand more once the node is back."""
    before = await node.viewers.see(_REQUESTS)
    usual.append(before.hit_ratio)
    for name in _VICTIMS[kill % len(_VICTIMS)]:
        await node.kill(name)
        await asyncio.sleep(rng.random() / 4)
    await until(node.ready, deadline_s=_BACK_S)
    after = await node.viewers.see(_REQUESTS)
    print(f"{kill}: hits {before.hit_ratio:.3f} before, {after.hit_ratio:.3f} after")
    assert not node.viewers.tally.wrong, node.viewers.tally.wrong[:5]
    assert after.hit_ratio >= _KEPT * fmean(usual)
    assert after.unanswered.total() <= _VIEWERS, f"{after.unanswered} after it was back"


def _tell(node: Bed) -> None:
    tally = node.viewers.tally
    print(
        f"{tally.answered} answers, unanswered {dict(tally.unanswered)}, {sum(node.catalogue.versions.values())} purges"
    )
    assert node.catalogue.versions, "purges went on"
