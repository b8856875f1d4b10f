"""Beats, views, likes, resume and lists over HTTP, against real PostgreSQL and Redis."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from playnet.media.records import Presentation, VideoTrack
from tests.aio import run
from tests.members import Browser, browser, enrol
from tests.origin import Api, Place, publish, running
from tests.players import FIREFOX, Player, send
from tests.servers import RedisServer

_TEN_MINUTES = Presentation(
    tracks=(
        VideoTrack(
            name="144p", codec="avc1.64000c", timescale=1000, segment_ticks=(4000,) * 150, segment_bytes=(9000,) * 150,
            width=256, height=144, fps_num=25, fps_den=1,
        ),
    ),
)  # fmt: skip


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url, site="http://127.0.0.1:8080")


async def _film(api: Api, title: str = "A title") -> str:
    asset = await api.create(title)
    await publish(api.place, asset, _TEN_MINUTES)
    return asset


async def _sums(place: Place) -> dict[str, int]:
    """Totals beside what they must equal."""
    connection = await asyncpg.connect(place.dsn)
    row = await connection.fetchrow(
        "select (select coalesce(sum(views), 0) from asset_signal)::int as views,"
        " (select count(*) from asset_view)::int as view_rows, (select count(*) from beat)::int as beats,"
        " (select coalesce(sum(watch_ms), 0) from asset_signal)::int as watch_ms,"
        " (select coalesce(sum(n), 0) from asset_heat, unnest(plays) as n)::int as plays"
    )
    await connection.close()
    assert row is not None
    assert row["views"] == row["view_rows"]
    return dict(row)


def test_beats_are_counted_once_however_they_come(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as viewer:
            asset = await _film(api)
            player = Player(asset, skew_s=86_400 * 40)  # a phone that believes in another month
            beats = player.watched(40, ago_s=3600)
            assert await send(viewer, player, beats[2], beats[0]) == (200, {"accepted": 2, "refused": []})
            assert (await _sums(place))["views"] == 0
            for _ in range(2):
                assert await send(viewer, player, *beats, beats[1]) == (200, {"accepted": 5, "refused": []})
            sums = {"views": 1, "view_rows": 1, "beats": 4, "watch_ms": 40_000, "plays": 40}
            assert await _sums(place) == sums
            again = Player(asset)  # ten minutes later the same viewer opens the page again
            await send(viewer, again, *again.watched(60, ago_s=2990))
            assert (await _sums(place))["views"] == 1
            later = Player(asset)
            await send(viewer, later, *later.watched(60))
            assert (await api.show(asset))["views"] == 2
            bot = Player(asset)
            headers = {"User-Agent": "Googlebot/2.1"}
            async with browser(api) as crawler:
                await crawler.call("POST", "/api/v1/beats", json=bot.report(bot.watched(60)), headers=headers)
            assert await _sums(place) == {
                **sums,
                "views": 2,
                "view_rows": 2,
                "beats": 22,
                "watch_ms": 160_000,
                "plays": 160,
            }
            status, heat = await viewer.call("GET", f"/api/v1/assets/{asset}/most-replayed")
            assert (status, heat["bins"][0]["heat"], heat["bins"][-1]) == (
                200,
                1,
                {"start_s": 594, "end_s": 600, "heat": 0},
            )

    run(scenario())


def test_bad_beats_say_why_and_the_others_count(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as viewer:
            asset = await _film(api)
            player, other = Player(asset), Player("a" * 12)
            good = player.beat(10, 10)
            future = player.beat(20, 10, ago_s=-(10**6))
            impossible = player.beat(500, 400)
            old = player.beat(30, 10, ago_s=8 * 86_400)
            unknown = other.beat(10, 10)
            status, receipt = await send(viewer, player, good, future, impossible, old, unknown)
            assert status == 200
            assert receipt["accepted"] == 2
            reasons = {(found["session"], found["sequence"]): found["reason"] for found in receipt["refused"]}
            assert reasons == {
                (player.session, 2): "impossible", (player.session, 3): "too-old", (other.session, 0): "unknown-asset",
            }  # fmt: skip
            assert (await _sums(place))["watch_ms"] <= 10_000 + 1_000, "the future is now"
            for body, words in _BAD.items():
                status, problem = await viewer.call("POST", "/api/v1/beats", data=body.replace("ASSET", asset))
                assert (status, problem["code"]) == (400, "invalid-input"), body
                assert words in problem["detail"]
            status, problem = await viewer.call("POST", "/api/v1/beats", data=b" " * (64 << 10) + b"{}")
            assert status == 413
            async with api.session.post(
                f"{place.url}/api/v1/beats", data="{}", headers={"Sec-Fetch-Site": "cross-site"}
            ) as answer:
                assert answer.status == 403

    run(scenario())


def _body(**changes: Any) -> str:
    return json.dumps({"sent_at_ms": 1, "beats": [{**Player("ASSET").beat(1), **changes}]})


_BAD = {
    "{": "body",
    "[]": "body",
    '{"sent_at_ms": 1, "beats": []}': "body.beats",
    _body(position_s=-1): "body.beats.0.position_s",
    _body(position_s="NaN"): "body.beats.0.position_s",
    _body(sequence=10**9): "body.beats.0.sequence",
    _body(session="short"): "body.beats.0.session",
    _body(rate=99): "body.beats.0.rate",
    _body(rendition="<script>\u0000"): "body.beats.0.rendition",
    _body(asset="../../etc/pw"): "body.beats.0.asset",
    _body(at_ms=10**30): "body.beats.0.at_ms",
}


def test_one_who_sends_too_much_is_told_to_wait(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as viewer:
            asset = await _film(api)
            player = Player(asset)
            await viewer.call("GET", f"/api/v1/resume/{asset}")
            statuses = [(await send(viewer, player, player.beat(1)))[0] for _ in range(45)]
            assert statuses[:30] == [200] * 30
            assert 429 in statuses

    run(scenario())


def test_a_second_device_goes_on_within_a_second(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as tv, browser(api) as phone, browser(api) as stranger:
            asset = await _film(api)
            await enrol(api, "ada@example.org")
            for device in (tv, phone):
                assert (await device.sign_in("ada@example.org"))[0] == 201
            player = Player(asset)
            assert (await _resume(phone, asset))["at"] is None
            await send(tv, player, player.beat(200, 10, audio="en", captions="de"))
            began = time.monotonic()
            seen = await _resume(phone, asset)
            assert time.monotonic() - began < 1
            assert (seen["start_s"], seen["audio"], seen["captions"], seen["rendition"]) == (200, "en", "de", "144p")
            assert (await _resume(stranger, asset))["at"] is None
            second = Player(asset)
            await send(phone, second, second.beat(100, 5, act=True))
            await send(tv, player, player.beat(210, 10))
            assert (await _resume(tv, asset))["start_s"] == 100, "the device acted on last leads"
            await send(tv, player, player.beat(40, 0, act=True, state="seeking"))
            assert (await _resume(phone, asset))["start_s"] == 40, "a rewind is respected"
            await send(tv, player, player.beat(600, 10, state="ended"))
            ended = await _resume(phone, asset)
            assert (ended["finished"], ended["start_s"]) == (True, 0)
            assert (await phone.call("GET", "/api/v1/continue-watching"))[1]["items"] == []
            assert len((await phone.call("GET", "/api/v1/history"))[1]["items"]) == 1

    run(scenario())


async def _resume(device: Browser, asset: str) -> dict[str, Any]:
    status, found = await device.call("GET", f"/api/v1/resume/{asset}")
    assert status == 200, found
    return dict(found)


def test_what_a_device_watched_becomes_its_owners_at_sign_in(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as laptop, browser(api) as phone:
            first, second = await _film(api, "one"), await _film(api, "two")
            for asset in (first, second):
                player = Player(asset)
                await send(laptop, player, *player.watched(40))
            assert (await _resume(laptop, first))["start_s"] == 40, "anonymous viewers go on by device"
            await enrol(api, "ada@example.org")
            await phone.sign_in("ada@example.org")
            assert (await phone.call("PUT", f"/api/v1/resume/{first}", json={"position_s": 77}))[0] == 200
            await laptop.sign_in("ada@example.org")
            _, found = await laptop.call("GET", "/api/v1/history")
            assert {(item["asset"]["title"], item["position_s"]) for item in found["items"]} == {
                ("one", 77),
                ("two", 40),
            }
            again = Player(second)
            await send(laptop, again, *again.watched(60))
            assert (await api.show(second))["views"] == 1, "the device's view counts as its owner's"
            await laptop.call("DELETE", "/api/v1/session")
            assert (await _resume(laptop, second))["at"] is None, "the next one at this device sees nothing of it"
            assert (await phone.call("DELETE", f"/api/v1/history/{first}"))[0] == 204
            assert (await _resume(phone, first))["at"] is None
            assert (await phone.call("DELETE", "/api/v1/history"))[0] == 204
            assert (await phone.call("GET", "/api/v1/history"))[1] == {"items": [], "next": None}

    run(scenario())


def test_without_redis_watching_and_resuming_go_on(place: Place, redis_server: RedisServer) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as viewer:
            asset = await _film(api)
            player = Player(asset)
            await send(viewer, player, player.beat(50, 10))
            redis_server.stop()
            assert (await _resume(viewer, asset))["start_s"] == 50
            assert (await send(viewer, player, player.beat(60, 10)))[0] == 200
            redis_server.start()
            assert (await _resume(viewer, asset))["start_s"] == 60, "what Redis still holds is older, and not asked for"

    run(scenario())


def test_likes_and_watch_later_are_idempotent_and_counted(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as ada, browser(api) as bob:
            assets = [await _film(api, f"film {number}") for number in range(5)]
            for person, email in ((ada, "ada@example.org"), (bob, "bob@example.org")):
                await enrol(api, email)
                await person.sign_in(email)
            path = f"/api/v1/assets/{assets[0]}/reaction"
            for _ in range(2):
                assert (await ada.call("PUT", path, json={"reaction": "like"}))[1] == {
                    "reaction": "like",
                    "likes": 1,
                    "dislikes": 0,
                }
            assert (await bob.call("PUT", path, json={"reaction": "dislike"}))[1]["dislikes"] == 1
            assert (await ada.call("PUT", path, json={"reaction": "dislike"}))[1] == {
                "reaction": "dislike",
                "likes": 0,
                "dislikes": 2,
            }
            for _ in range(2):
                assert (await bob.call("DELETE", path))[1] == {"reaction": "none", "likes": 0, "dislikes": 1}
            assert (await ada.call("PUT", path, json={"reaction": "love"}))[0] == 400
            assert (await ada.call("PUT", "/api/v1/assets/aaaaaaaaaaaa/reaction", json={"reaction": "like"}))[0] == 404
            assert (await api.session.get(f"{place.url}{path}")).status == 200
            assert (await api.show(assets[0]))["dislikes"] == 1
            await _keep_for_later(ada, assets)

    run(scenario())


async def _keep_for_later(ada: Browser, assets: list[str]) -> None:
    for asset in [*assets, assets[0]]:
        assert (await ada.call("PUT", f"/api/v1/watch-later/{asset}"))[0] == 204
    found, cursor = [], ""
    while True:
        _, page = await ada.call("GET", f"/api/v1/watch-later?limit=2{cursor}")
        found += [item["asset"]["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert found == assets[::-1]
    assert (await ada.call("DELETE", f"/api/v1/watch-later/{assets[0]}"))[0] == 204
    assert len((await ada.call("GET", "/api/v1/watch-later"))[1]["items"]) == 4
    assert (await ada.call("GET", "/api/v1/watch-later?cursor=x"))[0] == 400


def test_devices_get_a_cookie_that_scripts_cannot_read(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as viewer:
            asset = await _film(api)
            async with viewer.session.get(
                f"{place.url}/api/v1/resume/{asset}", headers={"User-Agent": FIREFOX}
            ) as answer:
                (cookie,) = answer.headers.getall("Set-Cookie")
                assert answer.headers["Cache-Control"] == "no-store"
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie
            async with viewer.session.get(f"{place.url}/api/v1/resume/{asset}") as answer:
                assert "Set-Cookie" not in answer.headers
            async with api.session.get(f"{place.url}/api/v1/openapi.json") as answer:
                schema = await answer.json()
            assert schema["components"]["schemas"]["Report"]["properties"]["beats"]["maxItems"] == 200

    run(scenario())


def test_private_videos_go_on_for_who_may_play_them_only(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as bearer, browser(api) as stranger:
            asset = await _film(api)
            for person, email in ((bearer, "ada@example.org"), (stranger, "eve@example.org")):
                await enrol(api, email)
                await person.sign_in(email)
                assert (await person.call("PUT", f"/api/v1/watch-later/{asset}"))[0] == 204
            edit: dict[str, Any] = {"json": {"visibility": "private"}, "headers": {"If-Match": "*"}}
            assert (await api.call("PATCH", f"/api/v1/assets/{asset}", **edit))[0] == 200
            _, signed = await api.call("POST", "/api/v1/tokens", json={"asset": asset})
            token = {"headers": {"Playback-Token": signed["token"]}}
            calls: list[tuple[str, str, dict[str, Any]]] = [
                ("PUT", f"/api/v1/resume/{asset}", {"json": {"position_s": 60}}),
                ("GET", f"/api/v1/resume/{asset}", {}),
                ("GET", f"/api/v1/assets/{asset}/most-replayed", {}),
                ("GET", f"/api/v1/assets/{asset}/reaction", {}),
                ("PUT", f"/api/v1/assets/{asset}/reaction", {"json": {"reaction": "like"}}),
                ("DELETE", f"/api/v1/assets/{asset}/reaction", {}),
            ]
            for method, path, options in calls:
                assert (await stranger.call(method, path, **options))[0] == 404, (method, path)
                assert (await bearer.call(method, path, **options, **token))[0] == 200, (method, path)
            assert (await stranger.call("PUT", f"/api/v1/watch-later/{asset}"))[0] == 404
            player = Player(asset)
            await send(stranger, player, *player.watched(20))
            for path in ("history", "continue-watching", "watch-later"):
                assert (await stranger.call("GET", f"/api/v1/{path}"))[1]["items"] == [], "a list tells no title"

    run(scenario())
