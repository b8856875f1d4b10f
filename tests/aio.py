"""Run a coroutine in a test, with a deadline; wait for a condition, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coro: Coroutine[Any, Any, T], *, deadline_s: float = 60) -> T:
    """Run `coro` in a loop of its own. TimeoutError after `deadline_s`."""

    async def bounded() -> T:
        async with asyncio.timeout(deadline_s):
            return await coro

    with asyncio.Runner() as runner:
        return runner.run(bounded())


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], *, deadline_s: float = 30) -> None:
    """Return as soon as `condition` holds; looked at every 20 ms. TimeoutError names the condition."""
    async with asyncio.timeout(deadline_s):
        while True:
            held = condition()
            if held is True or (isinstance(held, Awaitable) and await held):
                return
            await asyncio.sleep(0.02)
