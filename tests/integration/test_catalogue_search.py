"""Search over HTTP, and how it and the lists find their rows among 100,000 assets."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from origin.adapters.statements import SQL
from playnet.db.migrate import migrate
from tests.aio import run
from tests.catalogue import fill
from tests.origin import Api, Place, running


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url)


async def _create(api: Api, title: str, **said: Any) -> str:
    status, asset = await api.call("POST", "/api/v1/assets", json={"title": title, **said})
    assert status == 201, asset
    name: str = asset["id"]
    return name


async def _titles(api: Api, q: str, more: str = "", **headers: str) -> tuple[list[str], str | None]:
    status, page = await api.call("GET", f"/api/v1/search?q={quote(q)}{more}", headers=headers)
    assert status == 200, (q, page)
    return [item["title"] for item in page["items"]], page["corrected"]


_CATALOGUE: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "Big Buck Bunny",
        {"language": "en", "tags": ["animation"], "description": "A rabbit takes revenge on squirrels."},
    ),
    ("Squirrels at home", {"language": "en", "category": "nature"}),
    ("Häuser am Meer", {"language": "de", "description": "Vom Bauen."}),
    ("Running with wolves", {"language": "en", "tags": ["o'clock \\ & |"]}),
    ("東京の朝", {"language": "ja"}),
    ("Secret rabbit", {"visibility": "private"}),
    ("Unlisted rabbit", {"visibility": "unlisted"}),
)

_FOUND = {
    "one-word": ("bunny", "", {}, ["Big Buck Bunny"], None),
    "title-before-description": ("squirrels", "", {}, ["Squirrels at home", "Big Buck Bunny"], None),
    "only-what-is-public": ("rabbit", "", {}, ["Big Buck Bunny"], None),
    "another-ending": ("runs", "", {"Accept-Language": "en-GB,en;q=0.9"}, ["Running with wolves"], None),
    "german-ending": ("haus", "", {"Accept-Language": "de"}, ["Häuser am Meer"], None),
    "phrase": ('"buck bunny"', "", {}, ["Big Buck Bunny"], None),
    "not-this-phrase": ('"bunny buck"', "", {}, [], None),
    "without": ("squirrels -bunny", "", {}, ["Squirrels at home"], None),
    "either": ("bunny or wolves", "", {}, ["Big Buck Bunny", "Running with wolves"], None),
    "tag-as-word": ("animation", "", {}, ["Big Buck Bunny"], None),
    "left-out": ("buny", "", {}, ["Big Buck Bunny"], "bunny"),
    "too-many": ("bunnny", "", {}, ["Big Buck Bunny"], "bunny"),
    "swapped": ("bnuny", "", {}, ["Big Buck Bunny"], "bunny"),
    "replaced": ("big buck bunmy", "", {}, ["Big Buck Bunny"], "big buck bunny"),
    "two-slips-in-a-long-word": ("squrirels", "", {}, ["Squirrels at home", "Big Buck Bunny"], "squirrels"),
    "too-far": ("bxxxy", "", {}, [], None),
    "by-tag": ("bunny", "&tag=Animation", {}, ["Big Buck Bunny"], None),
    "by-another-tag": ("bunny", "&tag=x", {}, [], None),
    "by-hostile-tag": ("wolves", "&tag=" + quote("o'clock \\ & |"), {}, ["Running with wolves"], None),
    "by-category": ("squirrels", "&category=nature", {}, ["Squirrels at home"], None),
    "no-words": ("!!! & | ()", "", {}, [], None),
    "a-label-is-no-word": ("tag:animation", "", {}, [], None),
}


def test_search_finds_what_is_public_by_words_endings_and_slips(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            made = {title: await _create(api, title, **said) for title, said in _CATALOGUE}
            for name, (q, more, headers, titles, meant) in _FOUND.items():
                found, corrected = await _titles(api, q, more, **headers)
                assert (sorted(found), corrected) == (sorted(titles), meant), (name, found, corrected)
                if name == "title-before-description":
                    assert found == titles
            path = f"/api/v1/assets/{made['Big Buck Bunny']}"
            await api.call("PATCH", path, json={"title": "Elephants Dream", "tags": []}, headers={"If-Match": "*"})
            assert (await _titles(api, "elephants"))[0] == ["Elephants Dream"]
            assert (await _titles(api, "bunny"))[0] == []
            await api.call("DELETE", path)
            assert (await _titles(api, "elephants"))[0] == []

    run(scenario(), deadline_s=60)


_GARBAGE = (
    "'", "''", "\\", "a'b\\c", "'; drop table asset; --", "%", "_%", ":*", "a:*b", "!!", "(((", "<->", "a <-> b", "& & &", "-", "- -",
    '"', '"""', "or or or", "-or", "\u202dx"[1:], "💥", "a" * 200, "ﬁ", "İstanbul", "١٢٣", "a\tb\nc", "http://x/y?z", "a@b.c", "1e9999",
)  # fmt: skip


def test_no_text_fails_and_bad_requests_are_told(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            await _create(api, "Big Buck Bunny")
            for q in _GARBAGE:
                await _titles(api, q)
            for query in (
                "",
                "?q=",
                "?q=%00",
                "?q=" + "a" * 201,
                "?q=a&limit=0",
                "?q=a&cursor=AAAA",
                "?q=a&x=1",
                "?q=%FF%FE%00",
            ):
                assert (await api.call("GET", f"/api/v1/search{query}"))[0] == 400, query
            assert (await _titles(api, "bunny"))[0] == ["Big Buck Bunny"]

    run(scenario(), deadline_s=60)


def test_pages_of_a_search_follow_each_other_without_gaps(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            made = [await _create(api, "walrus " * (number % 3 + 1) + str(number)) for number in range(8)]
            seen, path = [], "/api/v1/search?q=walrsu&limit=3"
            while path:
                async with api.session.get(place.url + path) as response:
                    page, link = await response.json(), response.headers.get("Link", "")
                seen += [item["id"] for item in page["items"]]
                path = link.partition(">")[0].removeprefix("<")
            assert sorted(seen) == sorted(made)
            assert len(set(seen)) == len(made)

    run(scenario(), deadline_s=60)


_NOW = datetime.now(UTC)
_ID = "a" * 12
_PLANS: dict[str, tuple[Any, ...]] = {
    "list_assets": ("*", _NOW, _ID, 51, []),
    "list_own_assets": (_ID, _NOW, _ID, 51, ["tag:wordh"], False),
    "list_every_asset": (_NOW, _ID, 51, []),
    "show_asset": (_ID,),
    "search_assets": ("wordh wordj", "en", ["language:en"], None, None, None, 51),
    "spellings": (["wordh", "word", "ordh"],),
}


def test_no_page_of_a_large_catalogue_scans_a_table(postgres_dsn: str) -> None:
    async def scenario() -> None:
        await migrate(postgres_dsn)
        connection = await asyncpg.connect(postgres_dsn)
        await connection.set_type_codec("json", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        await fill(connection, 100_000)
        for mode in ("force_custom_plan", "force_generic_plan"):
            await connection.execute(f"set plan_cache_mode = {mode}")
            for name, values in _PLANS.items():
                (document,) = await connection.fetchval(f"explain (format json) {SQL[name]}", *values)
                assert not list(_scans(document["Plan"])), (name, mode, json.dumps(document)[:3000])
        for narrowed in (("tag:wordh", ["language:en"]), ("language:en", [])):
            (document,) = await connection.fetchval(
                f"explain (analyze, format json) {SQL['list_assets']}", narrowed[0], None, None, 51, narrowed[1]
            )
            assert document["Execution Time"] < 100, narrowed
        await connection.close()

    run(scenario(), deadline_s=240)


def _scans(plan: dict[str, Any]) -> Iterator[str]:
    """Tables that are read from one end to the other."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for child in plan.get("Plans", ()):
        yield from _scans(child)
