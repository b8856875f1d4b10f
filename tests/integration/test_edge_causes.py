"""Every miss has exactly one cause, and every body byte a source."""

import re
from collections.abc import Callable
from pathlib import Path

from tests.aio import run
from tests.integration.edge_parts import Lab, Script, brain, cache_status, pattern


async def _told(lab: Lab, metric: str) -> dict[str, float]:
    _, text = await lab.get("/metrics")
    found = re.findall(rf'^{metric}\{{\w+="([\w-]+)"\}} (\S+)$', text.decode(), re.MULTILINE)
    return {label: float(value) for label, value in found if float(value)}


def test_each_miss_has_one_cause_and_each_byte_one_source(free_port: Callable[[], int], short_tmp: Path) -> None:
    async def scenario() -> None:
        async with brain(free_port(), short_tmp, size_bytes=2 << 20, honour_request_directives=True) as lab:
            scripts, big, forwarded, sent = lab.origin.scripts, pattern(900 << 10), 0, 0
            for path in ("/a", "/x", "/y", "/z"):
                scripts[path] = Script(big).saying("max-age=60")
            scripts["/own"] = Script(b"own").saying("private")

            async def ask(path: str, method: str = "GET", **fields: str) -> None:
                nonlocal forwarded, sent
                headers = {name.replace("_", "-"): value for name, value in fields.items()}
                async with lab.client.request(method, lab.url + path, headers=headers) as response:
                    body = await response.read()
                    sent += len(body) if response.status < 500 else 0  # a problem document comes from nowhere
                    forwarded += "fwd=" in cache_status(response)
                await lab.settled()

            await ask("/a")  # cold
            await ask("/a", Range="bytes=0-99")  # a hit
            lab.clock.ahead_s += 61
            await ask("/a")  # expired
            await ask("/a", method="POST")  # bypass; changes /a
            await ask("/a")  # purged
            for path in ("/x", "/y", "/z"):
                await ask(path)  # cold; /a and others make room
            await ask("/a")  # evicted
            await ask("/own")  # uncacheable
            await ask("/own")  # uncacheable
            await ask("/own", Cache_Control="no-store")  # bypass
            await ask("/nowhere", Cache_Control="only-if-cached")  # nobody was asked: no miss
            misses = await _told(lab, "playnet_edge_misses_total")
            assert misses == {"cold": 4, "expired": 1, "purged": 1, "evicted": 1, "uncacheable": 2, "bypass": 2}
            assert sum(misses.values()) == forwarded
            assert await _told(lab, "playnet_edge_hits_total") in ({"disk": 1}, {"memory": 1})
            sources = await _told(lab, "playnet_edge_sent_bytes_total")
            assert sum(sources.values()) == sent

    run(scenario())
