"""`/healthz`: the process answers. `/readyz`: it can do its work. `/metrics`: for Prometheus."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from origin.adapters.metrics import Metrics
from playnet.asgi.problems import RETRY_AFTER_S
from playnet.db.database import Database
from playnet.errors import PlayNetError

_CHECK_S = 2.0  # with the answer below the 3 s that a probe waits: else nobody learns which part is silent
_UNCACHED = {"Cache-Control": "no-store"}

Check = Callable[[], Awaitable[None]]


class Health:
    """The origin's condition. `needed` decides on readiness; `useful` is shown: without Redis uploads and play go on."""

    def __init__(self, needed: Mapping[str, Check], useful: Mapping[str, Check], metrics: Metrics, database: Database):
        self._needed = needed
        self._useful = useful
        self._metrics = metrics
        self._database = database

    async def live(self, _: Request) -> Response:
        """200 as long as the loop turns."""
        return JSONResponse({"alive": True}, headers=_UNCACHED)

    async def ready(self, _: Request) -> Response:
        """200 when every needed part answers, else 503 with each one's state."""
        checks = {**self._needed, **self._useful}
        details = await asyncio.gather(*(_state(check) for check in checks.values()))
        parts: dict[str, dict[str, Any]] = dict(zip(checks, details, strict=True))
        ready = all(parts[name]["ok"] for name in self._needed)
        headers = _UNCACHED if ready else {**_UNCACHED, "Retry-After": str(RETRY_AFTER_S)}
        return JSONResponse({"ready": ready, "parts": parts}, 200 if ready else 503, headers)

    async def metrics(self, _: Request) -> Response:
        """Prometheus text."""
        return Response(await self._metrics.exposition(self._database), 200, _UNCACHED, CONTENT_TYPE_LATEST)

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.live, include_in_schema=False),
            Route("/readyz", self.ready, include_in_schema=False),
            Route("/metrics", self.metrics, include_in_schema=False),
        ]


async def _state(check: Check) -> dict[str, Any]:
    try:
        async with asyncio.timeout(_CHECK_S):
            await check()
    except PlayNetError as exc:
        return {"ok": False, "detail": str(exc)}
    except TimeoutError:
        return {"ok": False, "detail": f"no answer within {_CHECK_S:g} s"}
    return {"ok": True}
