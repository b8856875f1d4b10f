"""Prefetch with real nginx and brains: a film played in order, what players name, and who fetches it."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from tests.aio import run, until
from tests.integration.edge_fleet import SECRET, brains, processes
from tests.integration.edge_parts import Lab, Origin, cache_status, media, node, pattern

Port = Callable[[], int]
FILM = "/v/abcdefghijkm/1/360p"
BODY = pattern(40_000)


def film(origin: Origin, segments: int) -> list[str]:
    paths = [f"{FILM}/{number}.m4s" for number in range(1, segments + 1)]
    origin.scripts.update({path: media(BODY) for path in paths})
    return paths


async def _comes(lab: Lab, path: str, played: Callable[[], Awaitable[object]]) -> None:
    """The object gets there without anybody asking for it; what leads to it is asked for again where the node was too busy."""
    for _ in range(4):
        try:
            await until((lab.cache / "hot" / path.lstrip("/")).exists, deadline_s=8)
        except TimeoutError:
            await played()
        else:
            return
    raise AssertionError(f"{path} was not fetched")


def test_playing_a_film_in_order_costs_one_miss(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        port = free_port()
        async with Origin().running() as origin:
            argv = ["--origin", origin.url, "--listen", f"127.0.0.1:{port}", "--cache", str(short_tmp / "c")]
            async with node(port, short_tmp, argv, short_tmp / "c", origin) as (lab, _):
                paths = film(origin, 6)
                said = []
                for path, following in zip(paths, [*paths[1:], None], strict=True):
                    response, data = await lab.get(path)
                    assert data == BODY
                    said.append(cache_status(response).partition(";")[0])
                    if following is not None:
                        await _comes(lab, following, partial(lab.get, path))
                assert said == ["fwd=miss"] + ["hit"] * 5
                end = f"{FILM}/7.m4s"
                await until(lambda: origin.seen[end] == 1)
                assert all(origin.seen[path] == 1 for path in paths)
                await _played_by_name(lab)

    async def _played_by_name(lab: Lab) -> None:
        """CMCD on hits that nginx serves alone, in the field and in the query; what leads elsewhere leads nowhere."""
        played, others = f"{FILM}/3.m4s", [f"/v/abcdefghijkm/1/720p/{number}.m4s" for number in (4, 5)]
        lab.origin.scripts.update({path: media(BODY) for path in others})
        before = dict(lab.origin.seen)
        hostile = 'nor="http://127.0.0.1/x"', 'nor="../../../api/v1/assets"', 'nor="/v/abcdefghijkn/1/720p/4.m4s"'
        for text in hostile:
            assert (await lab.get(played, CMCD_Request=text))[0].status == 200
        leading = (
            partial(lab.get, played, CMCD_Request='nor="..%2F720p%2F4.m4s",bl=1'),
            partial(lab.get, played + "?CMCD=nor%3D%22..%252F720p%252F5.m4s%22"),
        )
        for path, play in zip(others, leading, strict=True):
            assert (await play())[0].status == 200
            await _comes(lab, path, play)
        assert dict(lab.origin.seen) == {**before, **dict.fromkeys(others, 1)}

    run(body())


def test_the_owner_of_the_next_segment_fetches_it(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        async with processes(short_tmp, free_port, redis_url, count=2) as nodes:
            paths = film(nodes.origin, 10)  # of six, one node may own all
            said = []
            for path, following in zip(paths, [*paths[1:], None], strict=True):
                response, data = await nodes.get(nodes.order(path)[0], path)
                assert data == BODY
                said.append(cache_status(response).partition(";")[0])
                if following is not None:
                    await _comes(
                        nodes.labs[nodes.order(following)[0]], following, partial(nodes.get, nodes.order(path)[0], path)
                    )
            assert said == ["fwd=miss"] + ["hit"] * 9
            assert {nodes.origin.seen[path] for path in paths} == {1}
            owners = {nodes.order(path)[0] for path in paths}
            assert owners == set(nodes.labs), "both had a part in it"
            for path in paths:
                other = nodes.labs[nodes.order(path)[1]]
                assert not (other.cache / "hot" / path.lstrip("/")).exists(), "nobody fetched what is another's"

    run(body(), deadline_s=90)


def test_nobody_but_a_node_gives_hints(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with brains(short_tmp, free_port, prefetch=True) as nodes:
            (path,) = film(nodes.origin, 1)
            for proof in ("v1;edge-2;hint;9999999999;" + "0" * 64, SECRET):
                response, data = await nodes.get("edge-1", path, PlayNet_Peer=proof)
                assert (response.status, data) == (200, BODY), "a stranger's request like any other"

    run(body())
