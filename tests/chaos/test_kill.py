"""kill -9 of brain, nginx or both under load, with purges going on: what viewers see before, meanwhile and after."""

import asyncio
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


def test_killed_nodes_come_back_with_what_they_had(
    short_tmp: Path, free_port: Callable[[], int], redis_url: str
) -> None:
    rng, kills = seeded(), number("KILLS", 4)

    async def body() -> None:
        objects = catalogue(400, 160_000)  # a third more than fits: fills and evictions go on, too
        async with bed(short_tmp, free_port(), redis_url, objects, rng, size="24MiB") as node:
            await node.viewers.see_all()
            async with node.viewers.watching(_VIEWERS), node.purging(rng, _PURGE_PAUSE_S):
                usual: list[float] = []
                for round_number in range(kills):
                    before = await node.viewers.see(_REQUESTS)
                    for name in (("brain",), ("nginx",), ("brain", "nginx"))[round_number % 3]:
                        await node.kill(name)
                        await asyncio.sleep(rng.random() / 4)
                    await until(node.ready)
                    after = await node.viewers.see(_REQUESTS)
                    print(f"{round_number}: hits {before.hit_ratio:.3f} before, {after.hit_ratio:.3f} after")
                    assert not node.viewers.tally.wrong, node.viewers.tally.wrong[:5]
                    usual.append(before.hit_ratio)  # all of them: a thousand requests alone say it to two percent
                    assert after.hit_ratio >= _KEPT * fmean(usual)
                    assert after.unanswered.total() <= _VIEWERS, f"{after.unanswered} after it was back"
            _tell(node)

    run(body(), deadline_s=60 + 20 * kills)


def _tell(node: Bed) -> None:
    tally = node.viewers.tally
    print(
        f"{tally.answered} answers, unanswered {dict(tally.unanswered)}, {sum(node.catalogue.versions.values())} purges"
    )
    assert node.catalogue.versions, "purges went on"
