"""Purges as an operator orders them: what the edges say comes back, and who says nothing is named."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import from_url

from playnet.client import Client
from playnet.purge.order import PurgeOrder
from playnet.purge.replies import PurgeReplies, Question
from tests.aio import run, until
from tests.origin import Place, running

TAG = PurgeOrder(kind="tag", value="asset:a")


@pytest.fixture
def place(short_tmp: Path, postgres_dsn: str, redis_url: str, free_port: Callable[[], int]) -> Place:
    return Place(short_tmp, free_port(), postgres_dsn, redis_url)


@asynccontextmanager
async def _answering(redis_url: str, *nodes: str) -> AsyncIterator[PurgeReplies]:
    """Edges as far as dry runs go: each has seven entries of everything."""
    redis = from_url(redis_url)
    replies = PurgeReplies(redis)

    async def answer() -> None:
        async with aclosing(replies.questions()) as questions:
            async for question in questions:
                for node in nodes:
                    await replies.answer(node, question.id, 7)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(answer())

        async def heard() -> bool:
            await replies.ask(Question("first", TAG))
            return bool(await replies.answers("first"))

        if nodes:
            await until(heard)
        yield replies
        task.cancel()
    await redis.aclose()


@pytest.mark.parametrize("away", [False, True], ids=["all-answer", "one-is-away"])
def test_a_dry_run_asks_all_edges(place: Place, redis_url: str, monkeypatch: pytest.MonkeyPatch, away: bool) -> None:
    monkeypatch.setattr("origin.adapters.purges._PATIENCE_S", 1.0 if away else 30.0)
    nodes = ["edge-1"] if away else ["edge-1", "edge-2"]

    async def scenario() -> None:
        async with (
            running(place) as api,
            _answering(redis_url, *nodes),
            Client(place.url, place.token) as client,
        ):
            report = await client.purge(TAG, dry_run=True)
            assert (report["id"], report["complete"]) == (None, not away)
            assert {reply["node"]: reply["entries"] for reply in report["nodes"]} == {
                "edge-1": 7,
                "edge-2": None if away else 7,
            }
            _, ordered = await api.call("POST", "/api/v1/purges", json=TAG.model_dump())
            assert ordered == {"id": 1}, "a dry run is no order"

    run(scenario())


def test_an_order_is_complete_when_every_edge_has_said_so(place: Place, redis_url: str) -> None:
    async def scenario() -> None:
        async with (
            running(place),
            _answering(redis_url) as replies,
            Client(place.url, place.token) as client,
        ):
            number = (await client.purge(TAG))["id"]
            await replies.acknowledge("edge-1", number, 3)
            report = await client.purged(number, 0)
            assert not report["complete"]
            assert [(reply["node"], reply["answered"], reply["entries"]) for reply in report["nodes"]] == [
                ("edge-1", True, 3),
                ("edge-2", False, None),
            ]
            waiting = asyncio.create_task(client.purged(number, 30))
            await replies.acknowledge("edge-2", number, 0)
            assert (await waiting)["complete"]

    run(scenario())
