"""Background work that goes on for as long as the origin lives: in rounds, with a pause, through every failure."""

import asyncio
from collections.abc import Awaitable, Callable

from playnet.errors import PlayNetError
from playnet.logs import logger

log = logger(__name__)

_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 15.0


async def keep_going(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Call `work` again and again; after a failure with growing pauses. `work` waits by itself while all is well."""
    delay_s = _FIRST_RETRY_S
    while True:
        try:
            await work()
        except PlayNetError as exc:
            log.warning(f"{name}.postponed", detail=str(exc), retry_s=delay_s)
        except Exception:
            log.exception(f"{name}.crashed", retry_s=delay_s)
        else:
            delay_s = _FIRST_RETRY_S
            continue
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, _LAST_RETRY_S)


async def wait_for_wake(wake: asyncio.Event, timeout_s: float) -> None:
    """Until somebody sets `wake`, which is cleared, or until the time is over."""
    try:
        async with asyncio.timeout(timeout_s):
            await wake.wait()
    except TimeoutError:
        return
    finally:
        wake.clear()
