"""The catalogue over HTTP: what is said about assets, who sees what where, edits at once, deletion and return."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.aio import run, until
from tests.members import Browser, browser, enrol
from tests.origin import Api, Place, chunks, publish, running


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    site = "http://127.0.0.1:8080"
    return Place(short_tmp, free_port(), postgres_dsn, redis_url, site=site, restore_within="1h")


@asynccontextmanager
async def people(api: Api, **roles: str) -> AsyncIterator[dict[str, Browser]]:
    """Browsers of accounts that are signed in, by name."""
    async with AsyncExitStack() as stack:
        found = {}
        for name, role in roles.items():
            await enrol(api, f"{name}@example.org", role)
            found[name] = await stack.enter_async_context(browser(api))
            await found[name].sign_in(f"{name}@example.org")
        yield found


async def create(by: Browser | Api, **said: Any) -> str:
    """A new asset of this caller; its id."""
    status, asset = await by.call("POST", "/api/v1/assets", json={"title": "A title", **said})
    assert status == 201, asset
    name: str = asset["id"]
    return name


async def edit(by: Browser | Api, asset: str, **said: Any) -> tuple[int, Any]:
    """An edit of whatever is there."""
    return await by.call("PATCH", f"/api/v1/assets/{asset}", json=said, headers={"If-Match": "*"})


def test_metadata_is_cleaned_kept_and_edited_by_its_version(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, people(api, ada="publisher") as by:
            ada = by["ada"]
            said = {
                "title": "e\u0301", "description": "<b>one</b>\r\ntwo", "tags": ["B", "a", "b"], "category": " Film ",
                "language": "PT-br", "visibility": "unlisted",
            }  # fmt: skip
            asset = await create(ada, **said)
            kept = {
                "title": "é",
                "description": "<b>one</b>\ntwo",
                "tags": ["b", "a"],
                "category": "film",
                "language": "pt-BR",
            }
            async with ada.session.get(f"{api.place.url}/api/v1/assets/{asset}") as response:
                shown, tag = await response.json(), response.headers["ETag"]
            assert {name: shown[name] for name in kept} == kept
            path, change = f"/api/v1/assets/{asset}", {"json": {"title": "tab one"}}
            assert (await ada.call("PATCH", path, **change))[0] == 428
            answers = await asyncio.gather(
                *(ada.call("PATCH", path, **change, headers={"If-Match": tag}) for _ in range(5))
            )
            assert sorted(status for status, _ in answers) == [200, 412, 412, 412, 412], (
                "two tabs: one wins, others are told"
            )
            refused = next(body for status, body in answers if status == 412)
            assert refused["code"] == "outdated"
            status, shown = await edit(ada, asset, description="", tags=None)
            assert (status, shown["title"], shown["description"], shown["tags"]) == (200, "tab one", "", [])
            assert shown["category"] == "film"
            for wrong in ({"title": "x" * 1_000_000}, {"title": "\u202e"}, {"tags": ["a"] * 1000}, {"state": "ready"}):
                assert (await edit(ada, asset, **wrong))[0] in {400, 413}, wrong

    run(scenario())


_SEEN = {
    # visibility: who finds it in the list, who is shown it; whether manifests and media need a token
    "public": ({"nobody", "ada", "bob", "eve", "root"}, {"nobody", "ada", "bob", "eve", "root"}, False),
    "unlisted": (set[str](), {"nobody", "ada", "bob", "eve", "root"}, False),
    "private": (set[str](), {"ada", "root"}, True),
    "scheduled": (set[str](), {"ada", "root"}, True),
}


def test_who_sees_what_where(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, AsyncExitStack() as stack:
            by = await stack.enter_async_context(
                people(api, ada="publisher", bob="publisher", eve="viewer", root="admin")
            )
            by["nobody"] = await stack.enter_async_context(browser(api))
            tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            elsewhere = await create(api, visibility="private")
            for visibility, (listed, shown, sealed) in _SEEN.items():
                when = {"publish_at": tomorrow} if visibility == "scheduled" else {}
                asset = await create(by["ada"], visibility=visibility, **when)
                await publish(place, asset)
                await place.store.put(f"v/{asset}/1/144p/1.m4s", chunks(b"segment"))
                found = {name: await _ids(one, "") for name, one in by.items()}
                assert {name for name, ids in found.items() if asset in ids} == listed, visibility
                answers = {name: (await one.call("GET", f"/api/v1/assets/{asset}"))[0] for name, one in by.items()}
                assert {name for name, status in answers.items() if status == 200} == shown, visibility
                assert set(answers.values()) <= {200, 404}, (
                    "what somebody may not see is not told from what is not there"
                )
                for path in (f"/v/{asset}/master.m3u8", f"/v/{asset}/manifest.mpd", f"/v/{asset}/1/144p/1.m4s"):
                    async with api.session.get(place.url + path) as response:
                        assert (response.headers.get("PlayNet-Access") == "token") == sealed, (visibility, path)
                tokens = {
                    name: (await one.call("POST", "/api/v1/tokens", json={"asset": asset}))[0]
                    for name, one in by.items()
                }
                assert tokens["ada"] == 201
                bearer = {
                    "Playback-Token": (await by["ada"].call("POST", "/api/v1/tokens", json={"asset": asset}))[1][
                        "token"
                    ]
                }
                assert (await by["nobody"].call("GET", f"/api/v1/assets/{asset}", headers=bearer))[0] == 200
                assert (await by["nobody"].call("GET", f"/api/v1/assets/{elsewhere}", headers=bearer))[0] == 404
                assert tokens["bob"] == (404 if sealed else 201), "nobody signs addresses for another's private video"
            assert len(await _ids(by["ada"], "?mine=1")) == len(_SEEN)
            assert await _ids(by["bob"], "?mine=1") == []
            assert len(await _ids(by["root"], "?all=1")) == len(_SEEN) + 1
            statuses = [(await by[name].call("GET", f"/api/v1/assets?{query}"))[0] for name, query in
                        (("bob", "all=1"), ("nobody", "mine=1"), ("nobody", "deleted=1"))]  # fmt: skip
            assert statuses == [403, 401, 401]

    run(scenario(), deadline_s=60)


async def _ids(by: Browser | Api, query: str) -> list[str]:
    status, page = await by.call("GET", f"/api/v1/assets{query}")
    assert status == 200, page
    return [item["id"] for item in page["items"]]


def test_only_editors_change_upload_delete_and_restore(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, people(api, ada="publisher", bob="publisher", root="admin") as by:
            asset = await create(by["ada"])
            path = f"/api/v1/assets/{asset}"
            for calls in (("PATCH", path, {"json": {"title": "x"}, "headers": {"If-Match": "*"}}),
                          ("PUT", f"{path}/source", {"data": b"x"}), ("DELETE", path, {})):  # fmt: skip
                assert (await by["bob"].call(calls[0], calls[1], **calls[2]))[0] == 403, calls
            assert (await edit(by["root"], asset, title="seen to"))[0] == 200
            acts = (await api.call("GET", f"/api/v1/audit?target={asset}"))[1]["items"]
            assert [(act["action"], act["details"]) for act in acts] == [("asset.edit", {"changed": ["title"]})]
            upload = {"Tus-Resumable": "1.0.0", "Upload-Length": "1", "Upload-Metadata": "asset " + _base64(asset)}
            assert (await by["bob"].call("POST", "/api/v1/uploads", headers=upload))[0] == 403
            upload["Upload-Metadata"] = "title " + _base64("mine")
            assert (await by["bob"].call("POST", "/api/v1/uploads", headers=upload))[0] == 201
            assert len(await _ids(by["bob"], "?mine=1")) == 1, "what comes by tus belongs to who sends it"

    run(scenario())


def _base64(text: str) -> str:
    import base64  # noqa: PLC0415

    return base64.b64encode(text.encode()).decode()


def test_what_was_deleted_comes_back_and_is_processed_again(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, people(api, ada="publisher", bob="publisher") as by:
            ada, bob = by["ada"], by["bob"]
            asset = await create(ada, tags=["kept"])
            path = f"/api/v1/assets/{asset}"
            await ada.call("PUT", f"{path}/source", data=b"x" * 1000)
            assert (await ada.call("DELETE", path))[0] == 204
            assert [(await ada.call(method, path))[0] for method in ("GET", "DELETE")] == [404, 404]
            assert await _ids(ada, "?deleted=1") == [asset]
            assert await _ids(api, "?tag=kept") == []
            assert (await bob.call("POST", f"{path}/restore"))[0] == 404, "and nobody else learns that it was there"
            status, back = await ada.call("POST", f"{path}/restore")
            assert (status, back["state"], back["restore_until"]) == (200, "queued", None)
            assert await _ids(api, "?tag=kept") == [asset]
            connection = await asyncpg.connect(place.dsn)
            states = await connection.fetch("select revision, state from task where asset_id = $1 order by 1", asset)
            assert [tuple(row) for row in states] == [(1, "cancelled"), (2, "queued")]
            assert (await ada.call("DELETE", path))[0] == 204
            assert place.sources(asset)
            assert (await ada.call("DELETE", f"{path}?for_good=1"))[0] == 204, "its space is wanted now"
            await until(lambda: not place.sources(asset))
            assert (await ada.call("POST", f"{path}/restore"))[0] == 404
            await connection.close()

    run(scenario())


def test_a_scheduled_asset_becomes_public_by_itself(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
            asset = await create(api, visibility="scheduled", publish_at=soon)
            await publish(place, asset)
            assert await _ids(api, "") == []

            async def is_public() -> bool:
                return asset in await _ids(api, "")

            await until(is_public, deadline_s=15)
            async with api.session.get(f"{place.url}/v/{asset}/master.m3u8") as response:
                assert "PlayNet-Access" not in response.headers

    run(scenario(), deadline_s=40)


def test_a_creation_that_is_repeated_makes_one_asset(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, people(api, ada="publisher") as by:
            asked: dict[str, Any] = {"json": {"title": "once"}, "headers": {"Idempotency-Key": "k-1"}}
            answers = await asyncio.gather(*(api.call("POST", "/api/v1/assets", **asked) for _ in range(5)))
            assert {status for status, _ in answers} == {201}
            assert len({asset["id"] for _, asset in answers}) == 1
            other = {**asked, "json": {"title": "twice"}}
            status, problem = await api.call("POST", "/api/v1/assets", **other)
            assert (status, problem["code"]) == (422, "idempotency-key-reused")
            assert (await by["ada"].call("POST", "/api/v1/assets", **asked))[1]["id"] != answers[0][1]["id"]
            assert len(await _ids(api, "")) == 2

    run(scenario())


def test_lists_are_narrowed_and_linked(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, people(api, ada="publisher") as by:
            for number in range(5):
                await create(api, title=f"o{number}", tags=["odd"] if number % 2 else ["even", "all"], language="en-GB")
            mine = await create(by["ada"], title="hers", tags=["all"], category="film", language="de")
            owner = (await by["ada"].call("GET", f"/api/v1/assets/{mine}"))[1]["owner_id"]
            for query, expected in {
                "tag=ODD": 2, "tag=all": 4, "tag=all&language=de": 1, "language=en": 5, "category=film": 1, "category=none": 0,
                f"owner={owner}": 1, "tag=even&tag=odd": 2, "tag=x%27%3Bdrop": 0,
            }.items():  # fmt: skip
                assert len(await _ids(api, f"?{query}")) == expected, query
            seen, path = [], "/api/v1/assets?tag=all&limit=3"
            while path:
                async with api.session.get(place.url + path) as response:
                    page, link = await response.json(), response.headers.get("Link", "")
                seen += [item["title"] for item in page["items"]]
                path = link.partition(">")[0].removeprefix("<")
                assert bool(path) == (page["next"] is not None)
            assert seen == ["hers", "o4", "o2", "o0"]
            for wrong in ("tag=", "tag=%00", "language=english", "limit=0", "cursor=x", "colour=red"):
                assert (await api.call("GET", f"/api/v1/assets?{wrong}"))[0] == 400, wrong

    run(scenario())
