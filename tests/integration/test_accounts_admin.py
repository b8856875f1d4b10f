"""Administering accounts by API and command line, and the record that it leaves."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from origin.adapters.hashing import Hashing
from playnet.errors import Unavailable
from tests.aio import run
from tests.members import PASSWORD, browser, enrol
from tests.origin import Place, running

_PLAYNET = Path(sys.executable).parent / "playnet"


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url, site="http://127.0.0.1:8080")


def test_edits_are_guarded_by_entity_tags_and_leave_an_administrator(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api:
            account = await enrol(api, "ada@example.org", "admin")
            where = f"/api/v1/accounts/{account}"
            async with api.session.get(
                place.url + where, headers={"Authorization": f"Bearer {place.token}"}
            ) as response:
                tag = response.headers["ETag"]
            status, edited = await api.call("PATCH", where, json={"name": " Ada  L. "}, headers={"If-Match": tag})
            assert (status, edited["name"]) == (200, "Ada  L.")
            for stale in (tag, '"zzz"'):
                assert (await api.call("PATCH", where, json={"name": "x"}, headers={"If-Match": stale}))[0] == 412
            for change in ({"roles": ["viewer"]}, {"disabled": True}):
                status, problem = await api.call("PATCH", where, json=change)
                assert (status, problem["code"]) == (409, "conflict")
            await enrol(api, "grace@example.org", "admin")
            assert (await api.call("PATCH", where, json={"roles": ["operator", "publisher"]}))[0] == 200
            status, problem = await api.call("POST", "/api/v1/accounts", json={"email": "ADA@example.org"})
            assert (status, problem["code"]) == (409, "conflict")
            for bad in (
                {"email": "no address"}, {"email": "x@example.org", "password": "short"},
                {"email": "x@example.org", "roles": ["king"]}, {"email": "x@example.org", "name": "a\x00b"},
                {"email": "x@example.org", "name": "n" * 201},
            ):  # fmt: skip
                assert (await api.call("POST", "/api/v1/accounts", json=bad))[0] == 400, bad
            first = (await api.call("GET", "/api/v1/accounts?limit=1"))[1]
            then = (await api.call("GET", f"/api/v1/accounts?limit=1&cursor={first['next']}"))[1]
            assert [page["items"][0]["email"] for page in (first, then)] == ["grace@example.org", "ada@example.org"]
            assert then["next"] is None

    run(scenario())


def test_acts_are_recorded_with_who_what_and_request_and_stay(place: Place) -> None:
    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            account = await enrol(api, "ada@example.org", "admin")
            await one.sign_in("ada@example.org")
            other = (await one.call("POST", "/api/v1/accounts", json={"email": "bob@example.org"}))[1]["id"]
            headers = {"X-Request-Id": "request-of-the-test"}
            where = f"/api/v1/accounts/{other}"
            assert (await one.call("PATCH", where, json={"roles": ["publisher"]}, headers=headers))[0] == 200
            asset = await api.create()
            await one.call("POST", "/api/v1/purges", json={"kind": "tag", "value": f"asset:{asset}"})
            acts = (await one.call("GET", "/api/v1/audit?limit=3"))[1]
            purge, edit, create = acts["items"]
            assert purge["action"] == "purge.order"
            assert purge["details"]["body"]["value"] == f"asset:{asset}"
            assert (edit["actor"], edit["actor_name"], edit["action"]) == (account, "ada@example.org", "account.edit")
            assert (edit["target"], edit["request_id"]) == (other, "request-of-the-test")
            assert edit["details"] == {"roles": {"from": ["viewer"], "to": ["publisher"]}}
            assert create["action"] == "account.create"
            last = (await one.call("GET", f"/api/v1/audit?before={acts['next']}"))[1]["items"]
            assert [(act["actor"], act["action"]) for act in last] == [("automation", "account.create")]
            assert PASSWORD not in json.dumps(acts) + json.dumps(last)
            connection = await asyncpg.connect(place.dsn)
            for statement in ("update audit_entry set actor = 'x'", "delete from audit_entry", "truncate audit_entry"):
                with pytest.raises(asyncpg.RaiseError, match="append-only"):
                    await connection.execute(statement)
            await connection.close()

    run(scenario())


def test_the_first_administrator_by_command_line(place: Place) -> None:
    def playnet(*args: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(_PLAYNET), *args, "--front", place.url],
            env={**os.environ, "PLAYNET_CONFIG": str(place.file), "COLUMNS": "200"},
            input=stdin, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    async def scenario() -> None:
        async with running(place) as api, browser(api) as one:
            made = await asyncio.to_thread(
                playnet, "admin", "create", "--email", "ada@example.org", stdin=f"{PASSWORD}\n"
            )
            assert (made.returncode, PASSWORD in made.stdout + made.stderr) == (0, False), made.stderr
            assert (await one.sign_in("ada@example.org"))[1]["account"]["roles"] == ["admin"]
            nothing = await asyncio.to_thread(playnet, "admin", "create", "--email", "bob@example.org")
            assert (nothing.returncode, "--generate" in nothing.stderr) == (2, True)
            reset = await asyncio.to_thread(
                playnet, "admin", "reset", "--email", "ada@example.org", "--generate", "--json"
            )
            fresh = json.loads(reset.stdout)["password"]
            assert len(fresh) == 24
            assert (await one.call("GET", "/api/v1/sessions"))[0] == 401, "a reset signs out"
            assert (await one.sign_in("ada@example.org", fresh))[0] == 201
            lost = await asyncio.to_thread(playnet, "admin", "reset", "--email", "no@example.org", "--generate")
            assert (lost.returncode, "there is no account" in lost.stderr) == (1, True)
            listed = await asyncio.to_thread(playnet, "admin", "list")
            assert listed.stdout.split()[1:] == ["ada@example.org", "admin"]
            audit = await asyncio.to_thread(playnet, "audit")
            assert [line.split()[3] for line in audit.stdout.splitlines()] == [
                "account.password-reset",
                "account.create",
            ]

    run(scenario(), deadline_s=120)


def test_a_flood_of_passwords_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        hashing = Hashing()
        stored = await hashing.hash(b"correct horse battery")
        assert not hashing.is_dated(stored)
        assert hashing.is_dated(stored.replace("t=3", "t=2"))
        assert await hashing.verify(b"correct horse battery", stored)
        assert not await hashing.verify(b"anything", None)
        assert not await hashing.verify(b"anything", "no hash")
        monkeypatch.setattr("origin.adapters.hashing._QUEUE", 2)
        answers = await asyncio.gather(*(hashing.verify(b"x", stored) for _ in range(20)), return_exceptions=True)
        assert answers[:2] == [False, False]
        assert all(isinstance(answer, Unavailable) for answer in answers[2:])
        hashing.close()

    run(scenario())
