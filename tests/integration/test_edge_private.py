"""Private objects at a node: the same rules by the brain alone, by nginx with njs, and by nginx without it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import from_url

from edge.adapters.revoked import Revoked
from edge.adapters.viewer.gate import TokenSettings
from edge.core.hot import SEALED_FIELDS
from playnet.purge.log import PurgeLog
from playnet.purge.order import PurgeOrder
from playnet.revocation_log import STREAM, RevocationLog
from playnet.tokens import Claims, KeySet, Revocation, Rules, mint
from tests.aio import run, until
from tests.files import files_below

from .edge_parts import MODIFIED, MODIFIED_S, Lab, Script, brain, cache_status, media, pattern, standalone

Port = Callable[[], int]
PATH = "/v/abcdefghijkm/1/360p/1.m4s"
FOLDER = "/v/abcdefghijkm/"
KEYS = KeySet({"k2": b"2" * 32, "k1": b"1" * 32})
STRANGE = KeySet({"k2": b"x" * 32})
_WRAPPER = """#!/bin/sh
if [ "$1" = -V ]; then echo "nginx version: nginx/1.22.1 --prefix=/nowhere" >&2; else exec {nginx} "$@"; fi
"""


def private(body: bytes) -> Script:
    """What the appliance's origin says of a private segment."""
    return Script(
        body=body,
        headers={
            "Content-Type": "video/iso.segment",
            "Surrogate-Key": "asset:abcdefghijkm",
            "Last-Modified": MODIFIED,
            "ETag": f'"{MODIFIED_S:x}-{len(body):x}"',
            "Accept-Ranges": "bytes",
            "PlayNet-Access": "token",
            **dict(SEALED_FIELDS),
        },
    )


@dataclass
class Guarded:
    """A node that judges tokens; `way`: who does it."""

    lab: Lab
    way: str
    now: Callable[[], float]
    keys_file: Path
    folder: Path

    @property
    def has_njs(self) -> bool:
        return self.way == "njs"

    def token(
        self, prefix: str = FOLDER, *, ago: int = 10, life: int = 600, network: str | None = None,
        subject: str | None = None, keys: KeySet = KEYS,
    ) -> str:  # fmt: skip
        issued = int(self.now()) - ago
        claims = Claims(
            issued_s=issued, expires_s=issued + life, prefix=prefix, network=network, subject=subject
        )  # fmt: skip
        return mint(keys, claims)

    def revoked(self) -> Revoked:
        return Revoked(self.lab.cache / "revoked")


@asynccontextmanager
async def guarded(way: str, folder: Path, port: int) -> AsyncIterator[Guarded]:
    keys_file = folder / "keys.json"
    keys_file.write_text(KEYS.dumped())
    keys_file.chmod(0o644)
    if way == "brain":
        settings = TokenSettings(keys_file, folder / "c" / "revoked", Rules())
        async with brain(port, folder / "c", tokens=settings) as lab:
            yield Guarded(lab, way, lab.clock, keys_file, folder)
    else:
        async with standalone(folder, port, "--token-keys", str(keys_file)) as (lab, _):
            yield Guarded(lab, way, time.time, keys_file, folder)


@pytest.fixture(params=["brain", "njs", "no-njs"])
def way(request: pytest.FixtureRequest, short_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """`no-njs`: an nginx that knows of no modules, as on a distribution that has none."""
    if request.param == "no-njs":
        tools = short_tmp / "tools"
        tools.mkdir()
        (tools / "nginx").write_text(_WRAPPER.format(nginx="/usr/sbin/nginx"))
        (tools / "nginx").chmod(0o755)
        monkeypatch.setenv("PATH", str(tools), prepend=":")
    return str(request.param)


def test_a_private_object_is_for_tokens_only(way: str, short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(100_000)
        async with guarded(way, short_tmp, free_port()) as node:
            lab = node.lab
            lab.origin.scripts[PATH] = private(whole)
            refused, told = await lab.get(PATH)
            assert (refused.status, refused.content_type) == (403, "application/problem+json"), told
            assert b'"code":"token-needed"' in told
            await until(lambda: len(lab.files) == 1)
            url = f"/t/{node.token()}{PATH}"
            for _ in range(2):
                response, got = await lab.get(url)
                assert (response.status, got == whole) == (200, True)
                assert response.headers["Cache-Control"] == "private, max-age=3600, immutable"
                assert not {"PlayNet-Access", "PlayNet-CDN-Cache-Control", "Surrogate-Key"} & set(response.headers)
            response, part = await lab.get(url, Range="bytes=5-9")
            assert (response.status, part) == (206, whole[5:10])
            assert (cache_status(response) == "hit; detail=sealed") == node.has_njs
            assert (await lab.get(PATH))[0].status == 403
            assert (await lab.get(PATH, Range="bytes=0-1"))[0].status == 403
            assert (await lab.get(PATH, If_None_Match=response.headers["ETag"]))[0].status == 403
            assert (lab.cache / "sealed" / PATH.lstrip("/")).exists()
            assert not files_below(lab.cache / "hot")
            assert lab.origin.seen[PATH] == 1

    run(body())


REFUSALS = [
    pytest.param(lambda node: "guess", PATH, "token-refused", id="guessed"),
    pytest.param(lambda node: "", PATH, "token-refused", id="empty"),
    pytest.param(lambda node: "..", PATH, "token-refused", id="dots"),
    pytest.param(lambda node: "%2e%2e", PATH, "token-refused", id="escaped-dots"),
    pytest.param(lambda node: node.token(keys=STRANGE), PATH, "token-refused", id="forged"),
    pytest.param(lambda node: node.token(ago=700), PATH, "token-expired", id="expired"),
    pytest.param(lambda node: node.token(ago=-100), PATH, "token-refused", id="early"),
    pytest.param(lambda node: node.token(life=90_000), PATH, "token-refused", id="overlong"),
    pytest.param(lambda node: node.token("/v/abcdefghijk"), PATH, "token-refused", id="cross-asset"),
    pytest.param(lambda node: node.token(network="192.0.2.0/24"), PATH, "token-client", id="elsewhere"),
    pytest.param(lambda node: node.token(subject="mallory"), PATH, "token-revoked", id="revoked"),
    pytest.param(
        lambda node: node.token(ago=700), "/v/abcdefghijkm/1/360p/9.m4s", "token-expired", id="unknown-object"
    ),
    pytest.param(lambda node: node.token(ago=700), "/v/abcdefghijkm/%31/x.mpd", "token-expired", id="escaped-path"),
    pytest.param(lambda node: node.token(), "/v/other/1.m4s", "token-refused", id="public-object-of-another-folder"),
]


def test_refusals_cost_the_origin_nothing(way: str, short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with guarded(way, short_tmp, free_port()) as node:
            lab = node.lab
            lab.origin.scripts[PATH] = private(pattern(5000))
            lab.origin.scripts["/v/other/1.m4s"] = media(pattern(10))
            assert (await lab.get(f"/t/{node.token()}{PATH}"))[0].status == 200
            await lab.settled()
            node.revoked().apply(Revocation(kind="subject", value="mallory", at=int(node.now())))
            before = lab.origin.seen.copy()
            for case in REFUSALS:
                make, path, code = case.values
                response, told = await lab.get(f"/t/{make(node)}{path}")
                assert (response.status, response.content_type) == (403, "application/problem+json"), case.id
                assert f'"code":"{code}"'.encode() in told, (case.id, told)
                assert b'"status":403' in told
                assert b"/docs/errors#token-" in told
                fields = response.headers
                assert (fields["Cache-Control"], fields["Access-Control-Allow-Origin"]) == ("no-store", "*"), case.id
                assert fields["Cache-Status"].endswith(f"; detail={code}"), case.id
                assert fields.getall("Access-Control-Allow-Origin") == ["*"]
                assert (await lab.client.head(lab.url + f"/t/{node.token(ago=700)}{path}")).status == 403
            assert lab.origin.seen == before

    run(body())


def test_a_good_token_opens_public_objects_too(way: str, short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with guarded(way, short_tmp, free_port()) as node:
            lab, whole = node.lab, pattern(3000)
            lab.origin.scripts[PATH] = media(whole)
            lab.origin.scripts[f"{FOLDER}master.m3u8"] = Script(
                b"#EXTM3U\n1/360p/1.m4s\n", {"Cache-Control": "max-age=60", "PlayNet-Access": "token"}
            )
            for url in (PATH, f"/t/{node.token()}{PATH}", f"/t/{node.token()}{PATH}?CMCD=x", PATH):
                response, got = await lab.get(url)
                assert (response.status, got == whole) == (200, True), url
                await lab.settled()
            assert cache_status(response) == "hit; detail=hot" or not node.way.endswith("njs")
            manifest, text = await lab.get(f"/t/{node.token()}{FOLDER}master.m3u8")
            assert (manifest.status, b"1/360p" in text) == (200, True), "a relative URL inherits the token"
            assert (await lab.get(f"{FOLDER}master.m3u8"))[0].status == 403
            assert (lab.origin.seen[PATH], lab.origin.seen[f"{FOLDER}master.m3u8"]) == (1, 1)

    run(body())


def test_no_token_is_told_to_anybody(way: str, short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with guarded(way, short_tmp, free_port()) as node:
            lab = node.lab
            lab.origin.scripts[PATH] = private(pattern(3000))
            tokens = [node.token(), node.token(ago=700), node.token("/v/x"), node.token(keys=STRANGE)]
            for token in tokens:
                for path in (PATH, "/v/abcdefghijkm/gone.m4s", "/v/%61bcdefghijkm/y"):
                    await lab.get(f"/t/{token}{path}", Referer=f"http://x/t/{token}{FOLDER}master.m3u8")
                await lab.client.post(f"{lab.url}/t/{token}{PATH}", data=b"x")
                await lab.get(f"/t/{token}/t/{token}{PATH}")
            asked = "".join(f"{request.path_qs} {dict(request.headers)}" for request in lab.origin.requests)
            kept = "".join(path.read_text(errors="replace") for path in files_below(short_tmp))
            for token in tokens:
                secret = token.rpartition(".")[2]
                assert secret not in asked
                assert secret not in kept
            assert set(lab.origin.seen) >= {PATH, "/v/abcdefghijkm/gone.m4s", "/v/abcdefghijkm/y"}

    run(body())


def test_keys_rotate_without_a_restart(way: str, short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with guarded(way, short_tmp, free_port()) as node:
            lab = node.lab
            lab.origin.scripts[PATH] = private(pattern(3000))
            old = f"/t/{node.token()}{PATH}"
            rotated = KEYS.rotated("k3", b"3" * 32)
            new = f"/t/{node.token(keys=rotated)}{PATH}"
            await lab.get(old)
            await lab.settled()
            assert [(await lab.get(url))[0].status for url in (old, new)] == [200, 403]
            node.keys_file.with_suffix(".new").write_text(rotated.dumped())
            node.keys_file.with_suffix(".new").replace(node.keys_file)
            assert [(await lab.get(url))[0].status for url in (old, new)] == [200, 200]
            await lab.get(new.replace("360p", "%3360p"))  # the brain reads it, too
            node.keys_file.write_text("{ broken")
            assert [(await lab.get(url))[0].status for url in (old, new)] == [200, 200]
            node.keys_file.write_text(KeySet({"k3": b"3" * 32}).dumped())
            assert [(await lab.get(url))[0].status for url in (old, new)] == [403, 200]

    run(body())


def test_preflights_are_answered_whatever_the_token(way: str, short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with guarded(way, short_tmp, free_port()) as node:
            url = f"{node.lab.url}/t/{node.token(ago=700)}{PATH}"
            asked = {"Origin": "http://page.test", "Access-Control-Request-Method": "GET"}
            async with node.lab.client.options(url, headers=asked) as answer:
                assert (answer.status, answer.headers["Access-Control-Allow-Headers"]) == (204, "*")
            async with node.lab.client.options(url) as answer:
                assert answer.status == 403
            assert not node.lab.origin.seen

    run(body())


def test_a_crowd_at_a_cold_private_object_is_told_apart(short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        whole = pattern(400_000)
        async with guarded("brain", short_tmp, free_port()) as node:
            lab = node.lab
            script = lab.origin.scripts[PATH] = private(whole)
            script.pause_at = 200_000
            urls = [PATH if number % 2 else f"/t/{node.token(ago=number)}{PATH}" for number in range(40)]
            crowd = [asyncio.create_task(lab.get(url), name=url) for url in urls]
            await script.reached.wait()
            script.go.set()
            answers = [await task for task in crowd]
            assert [(answer.status, got == whole) for answer, got in answers] == [(200, True), (403, False)] * 20
            assert lab.origin.seen[PATH] == 1

    run(body())


def test_a_304_moves_an_object_between_the_trees(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        keys_file = short_tmp / "keys.json"
        keys_file.write_text(KEYS.dumped())
        settings = TokenSettings(keys_file, short_tmp / "c" / "revoked", Rules())
        async with brain(free_port(), short_tmp / "c", tokens=settings, redis_url=redis_url) as lab:
            node = Guarded(lab, "brain", lab.clock, keys_file, short_tmp)
            script = lab.origin.scripts[PATH] = media(pattern(3000), tags="a")
            await lab.get(PATH)
            hot, sealed = (lab.cache / tree / PATH.lstrip("/") for tree in ("hot", "sealed"))
            await until(hot.exists)
            redis = from_url(redis_url)
            try:
                log = PurgeLog(redis)
                script.headers = private(script.body).headers
                await log.append([(1, PurgeOrder(kind="tag", value="a", soft=True))])
                await until(lambda: not hot.exists())
                assert (await lab.get(PATH))[0].status == 200, "stale while it is revalidated"
                await until(sealed.exists)
                assert not hot.exists()
                assert (await lab.get(PATH))[0].status == 403
                script.headers = {**media(script.body).headers, "PlayNet-Access": "public"}
                await log.append([(2, PurgeOrder(kind="tag", value="asset:abcdefghijkm", soft=True))])
                await until(lambda: not sealed.exists())
                assert (await lab.get(PATH))[0].status == 403, "who may not have it does not make the node ask"
                assert (await lab.get(f"/t/{node.token()}{PATH}"))[0].status == 200
                await until(hot.exists)
                assert not sealed.exists()
                assert (await lab.get(PATH))[0].status == 200
            finally:
                await redis.aclose()

    run(body())


@pytest.mark.parametrize("method", ["HEAD", "POST"])
def test_what_is_passed_through_is_judged_too(method: str, short_tmp: Path, free_port: Port) -> None:
    async def body() -> None:
        async with guarded("brain", short_tmp, free_port()) as node:
            lab = node.lab
            lab.origin.scripts["/x"] = Script(b"secret", {"Cache-Control": "no-store", "PlayNet-Access": "staff"})
            for path, status in (("/x", 403), (f"/t/{node.token('/')}/x", 200)):
                async with lab.client.request(method, lab.url + path, data=b"" if method == "POST" else None) as answer:
                    assert (answer.status, b"secret" in await answer.read()) == (
                        status,
                        status == 200 and method == "POST",
                    )
                assert "PlayNet-Access" not in answer.headers
            assert (await lab.get(f"/t/{node.token('/')}/metrics"))[0].status == 404, (
                "a token opens no door to the node"
            )
            response, got = await lab.get("/x")
            assert (response.status, b"secret" in got) == (403, False)

    run(body())


def test_revocations_are_followed_caught_up_and_never_missed(short_tmp: Path, free_port: Port, redis_url: str) -> None:
    async def body() -> None:
        keys_file = short_tmp / "keys.json"
        keys_file.write_text(KEYS.dumped())
        settings = TokenSettings(keys_file, short_tmp / "c" / "revoked", Rules())
        redis = from_url(redis_url)
        log = RevocationLog(redis)

        async def status(node: Guarded, token: str) -> int:
            return (await node.lab.get(f"/t/{token}{PATH}"))[0].status

        async def becomes(node: Guarded, token: str, wanted: int) -> None:
            async def is_so() -> bool:
                return await status(node, token) == wanted

            await until(is_so)

        try:
            async with brain(free_port(), short_tmp / "c", tokens=settings, redis_url=redis_url) as lab:
                node = Guarded(lab, "brain", lab.clock, keys_file, short_tmp)
                lab.origin.scripts[PATH] = private(b"x" * 100)
                at = int(node.now())
                ann, bob = node.token(subject="ann"), node.token(subject="bob")
                assert [await status(node, token) for token in (ann, bob)] == [200, 200]
                await log.append([(1, Revocation(kind="subject", value="ann", at=at))])
                await becomes(node, ann, 403)
                assert await status(node, bob) == 200
            await log.append([(2, Revocation(kind="subject", value="bob", at=at))])
            async with brain(free_port(), short_tmp / "c", tokens=settings, redis_url=redis_url) as lab:
                node = Guarded(lab, "brain", lab.clock, keys_file, short_tmp)
                lab.origin.scripts[PATH] = private(b"x" * 100)
                await becomes(node, bob, 403)
                cid = node.token(subject="cid")
                assert await status(node, cid) == 200
            await redis.delete(STREAM)
            await log.append([(9, Revocation(kind="subject", value="zoe", at=at))])
            async with brain(free_port(), short_tmp / "c", tokens=settings, redis_url=redis_url) as lab:
                node = Guarded(lab, "brain", lab.clock, keys_file, short_tmp)
                lab.origin.scripts[PATH] = private(b"x" * 100)
                await becomes(node, cid, 403)
                assert await status(node, node.token(ago=-1, subject="cid")) == 200, "issued after the gap"
        finally:
            await redis.aclose()

    run(body())


def test_old_revocations_are_swept(short_tmp: Path) -> None:
    revoked = Revoked(short_tmp / "revoked")
    for kind, at in (("subject", 100), ("session", 200), ("key", 300)):
        revoked.apply(Revocation.model_validate({"kind": kind, "value": "x", "at": at}))
    revoked.apply(Revocation(kind="key", value="x", at=250))
    revoked.remember_position(7)
    assert [revoked.at(name) for name in ("subject-x", "session-x", "key-x", "newest")] == [100, 200, 300, 300]
    assert revoked.sweep(200) == 1
    again = Revoked(short_tmp / "revoked")
    assert (again.at("subject-x"), again.at("session-x"), again.position()) == (None, 200, 7)
    assert again.sweep(1000) == 3
    assert sorted(path.name for path in (short_tmp / "revoked").iterdir()) == ["position"]
