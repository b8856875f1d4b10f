"""Background work goes on through every failure, and says so."""

import asyncio

import pytest
from structlog.testing import capture_logs

from origin.adapters import rounds
from playnet.errors import Unavailable
from playnet.logs import logger
from tests.aio import run


def test_work_goes_on_after_outages_and_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "_FIRST_RETRY_S", 0.001)
    monkeypatch.setattr(rounds, "log", logger("rounds"))  # one that no earlier test has bound
    outcomes = iter([None, Unavailable("no database"), KeyError("a mistake of ours"), None])
    ended = asyncio.Event()

    async def work() -> None:
        outcome = next(outcomes, ended)
        if outcome is ended:
            ended.set()
            await asyncio.Event().wait()
        if isinstance(outcome, Exception):
            raise outcome

    async def scenario() -> None:
        task = asyncio.create_task(rounds.keep_going("sweeper", work), name="rounds")
        await ended.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with capture_logs() as logs:
        run(scenario())
    assert [line["event"] for line in logs] == ["sweeper.postponed", "sweeper.crashed"]


def test_a_wake_is_heard_once() -> None:
    async def scenario() -> None:
        wake = asyncio.Event()
        wake.set()
        await rounds.wait_for_wake(wake, 60)
        assert not wake.is_set()
        await rounds.wait_for_wake(wake, 0)

    run(scenario())
