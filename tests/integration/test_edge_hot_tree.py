"""Files of the hot tree that nginx finds and then cannot open: the brain answers."""

import socket
from collections.abc import Callable
from pathlib import Path

from tests.aio import run
from tests.integration.edge_parts import cache_status, media, pattern
from tests.integration.test_edge_node import HOT, PATH, standalone


def test_a_hot_file_that_vanishes_between_look_and_open_is_served_by_the_brain(
    short_tmp: Path, free_port: Callable[[], int]
) -> None:
    """A socket stands for it: `stat` finds it, `open` fails."""

    async def body() -> None:
        async with standalone(short_tmp, free_port()) as (lab, _):
            lab.origin.scripts[PATH] = media(pattern(300_000))
            await lab.get(PATH)
            await lab.hot(PATH)
            assert cache_status((await lab.get(PATH))[0]) == HOT
            link = lab.cache / "hot" / PATH.lstrip("/")
            link.unlink()
            with socket.socket(socket.AF_UNIX) as stand_in:
                stand_in.bind(str(link))
                response, data = await lab.get(PATH)
            assert (response.status, data) == (200, pattern(300_000))
            assert cache_status(response).startswith("hit; ttl=")
            async with lab.client.put(lab.url + PATH, data=b"x") as unsafe:
                assert cache_status(unsafe).startswith("fwd=method")
            assert lab.origin.seen[PATH] == 2

    run(body())
