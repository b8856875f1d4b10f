"""Private video through a whole delivery chain: front, two nodes with their nginx and brain, one origin."""

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import yaml
from redis.asyncio import from_url
from yarl import URL

from playnet.revocation_log import RevocationLog
from playnet.token_keys import KeyFile
from playnet.tokens import Claims, KeySet, Revocation, mint
from tests.aio import run, until
from tests.files import files_below

from .edge_fleet import Nodes, processes
from .edge_parts import Script, pattern
from .test_edge_private import private

Port = Callable[[], int]
ASSET, OTHER = "/v/abcdefghijkm/", "/v/bbbbbbbbbbbb/"
SEGMENTS = [f"{ASSET}1/360p/{number}.m4s" for number in range(1, 5)]
MANIFEST = f"{ASSET}1/360p/playlist.m3u8"
VIEWERS, GUESSES, AT_ONCE = 200, 2000, 50


class Chain:
    """What a test does with the chain."""

    def __init__(self, nodes: Nodes, front: str, folder: Path) -> None:
        self.nodes, self.front, self.folder = nodes, front, folder
        self.keys = KeyFile(folder / "d" / "secrets" / "token-keys.json").current()

    def token(self, prefix: str = ASSET, *, ago: int = 5, keys: KeySet | None = None, **more: str) -> str:
        issued = int(time.time()) - ago
        return mint(keys or self.keys, Claims(issued_s=issued, expires_s=issued + 300, prefix=prefix, **more))

    async def status(self, url: str) -> int:
        async with self.nodes.client.get(URL(url, encoded=True)) as answer:
            await answer.read()
            return answer.status

    async def statuses(self, paths: Sequence[str]) -> Counter[int]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(path: str) -> int:
            async with room:
                return await self.status(self.front + path)

        return Counter(await asyncio.gather(*(one(path) for path in paths)))


@asynccontextmanager
async def chain(folder: Path, free_port: Port, redis_url: str) -> AsyncIterator[Chain]:
    async with processes(folder, free_port, redis_url, count=2) as nodes:
        origin = nodes.origin
        for path in SEGMENTS:
            origin.scripts[path] = private(pattern(60_000))
        origin.scripts[MANIFEST] = Script(
            b"#EXTM3U\n1.m4s\n",
            {"Content-Type": "application/vnd.apple.mpegurl", "Cache-Control": "private, max-age=5",
             "PlayNet-CDN-Cache-Control": "max-age=300", "PlayNet-Access": "token"},
        )  # fmt: skip
        listen = yaml.safe_load((folder / "p.yaml").read_text())["lb"]["listen"]
        async with _process(folder, "lb", "--config", str(folder / "p.yaml")):
            made = Chain(nodes, f"http://{listen}", folder)
            await until(lambda: _answers(made, f"{made.front}/readyz"))
            yield made


@asynccontextmanager
async def _process(folder: Path, *argv: str) -> AsyncIterator[asyncio.subprocess.Process]:
    with (folder / "more.log").open("ab") as log:
        child = await asyncio.create_subprocess_exec(sys.executable, "-m", *argv, stdout=log, stderr=log)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            await child.wait()


async def _answers(chain: Chain, url: str) -> bool:
    try:
        return await chain.status(url) == 200
    except aiohttp.ClientError:
        return False


def _guesses(chain: Chain) -> list[str]:
    """Paths that nobody may have: guessed, expired, cross-asset, wrong-client, revoked, signed by strangers."""
    seeded = random.Random(7)
    good = chain.token()
    makers: list[Callable[[], str]] = [
        lambda: f"v1.{seeded.randbytes(4).hex()}.{seeded.randbytes(60).hex()}.{'A' * 43}",
        lambda: good[:-1] + seeded.choice([char for char in "AQgw048" if char != good[-1]]),
        lambda: good[: (at := seeded.randrange(len(good)))] + ("x" if good[at] != "x" else "y") + good[at + 1 :],
        lambda: chain.token(ago=seeded.randrange(400, 4000)),
        lambda: chain.token(OTHER),
        lambda: chain.token(network="192.0.2.0/24"),
        lambda: chain.token(subject="mallory"),
        lambda: chain.token(keys=KeySet({next(iter(chain.keys.keys)): seeded.randbytes(32)})),
    ]
    places = [*SEGMENTS, MANIFEST, f"{ASSET}1/360p/9999.m4s", f"{ASSET}1/360p/%31.m4s"]
    return [f"/t/{makers[at % len(makers)]()}{seeded.choice(places)}" for at in range(GUESSES)]


def test_viewers_share_one_fetch_and_strangers_get_nothing(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        async with chain(short_tmp, free_port, redis_url) as made:
            tokens = [made.token(session=f"s{number}", network="127.0.0.0/8") for number in range(VIEWERS)]
            watched = [f"/t/{token}{path}" for path in (MANIFEST, *SEGMENTS) for token in tokens]
            assert await made.statuses(watched) == {200: len(watched)}
            seen = made.nodes.origin.seen
            assert {path: seen[path] for path in (MANIFEST, *SEGMENTS)} == dict.fromkeys((MANIFEST, *SEGMENTS), 1)
            redis = from_url(redis_url)
            await RevocationLog(redis).append(
                [(1, Revocation(kind="subject", value="mallory", at=int(time.time())))]
            )  # fmt: skip
            await redis.aclose()
            for lab in made.nodes.labs.values():
                await until((lab.cache / "revoked" / "subject-mallory").exists)
            await until(lambda: seen[f"{ASSET}1/360p/5.m4s"] == 1)  # the node expects the players to go on
            before = seen.copy()
            assert await made.statuses(_guesses(made)) == {403: GUESSES}
            assert seen == before, "none of them was asked of the origin"
            assert await made.statuses([*SEGMENTS, MANIFEST]) == {403: 5}
            assert seen == before
        logs = "".join(file.read_text(errors="replace") for file in files_below(short_tmp) if file.suffix == ".log")
        assert not [token for token in tokens if token.rpartition(".")[2] in logs]

    run(body())


def test_a_revocation_acts_everywhere_within_a_second(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        async with chain(short_tmp, free_port, redis_url) as made:
            urls = [lab.url for lab in made.nodes.labs.values()]
            ann, bob = made.token(subject="ann"), made.token(subject="bob")
            redis = from_url(redis_url)
            log = RevocationLog(redis)

            async def refused(url: str, token: str) -> bool:
                return await made.status(f"{url}/t/{token}{SEGMENTS[0]}") == 403

            for url in urls:
                assert [await refused(url, token) for token in (ann, bob)] == [False, False]
            started = time.monotonic()
            await log.append([(1, Revocation(kind="subject", value="ann", at=int(time.time())))])
            for url in urls:
                await until(lambda url=url: refused(url, ann))  # type: ignore[misc]
            assert time.monotonic() - started < 1.0
            assert not await refused(urls[0], bob)

            down = made.nodes.pids["edge-2"]
            os.kill(down, signal.SIGTERM)
            await until(lambda: _is_gone(urls[1]))
            await log.append([(2, Revocation(kind="subject", value="bob", at=int(time.time())))])
            argv = ("edge", "--config", str(short_tmp / "p.yaml"), "--name", "edge-2")
            async with _process(short_tmp, *argv):
                await until(lambda: _answers(made, f"{urls[1]}/readyz"))
                started = time.monotonic()
                await until(lambda: refused(urls[1], bob))
                assert time.monotonic() - started < 1.0
            await redis.aclose()

    async def _is_gone(url: str) -> bool:
        try:
            async with aiohttp.ClientSession() as client, client.get(url):
                return False
        except aiohttp.ClientError:
            return True

    run(body())
