"""What the origin counts, and what an operator does about it.

playnet_origin_requests_total           errors rising: the log's `request.failed` lines name the cause
playnet_origin_request_seconds          slow: look at PostgreSQL and the store first
playnet_origin_received_bytes_total     uploads, by route
playnet_origin_sent_bytes_total         media rising with a steady audience: edges evict too early, give them more room
playnet_origin_tasks                    queued growing: add transcoder workers
playnet_origin_purges_waiting           growing: Redis is away; edges serve deleted video until it is back
"""

import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from playnet.db.database import Database
from playnet.errors import Unavailable

from .statements import SQL

_BUCKETS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0)


class Metrics:
    """One registry of its own, so that two apps in one process don't mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("playnet_origin_requests", "Answers.", labels, registry=self.registry)
        self.seconds = Histogram(
            "playnet_origin_request_seconds",
            "From the head to the last byte.",
            ("route",),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.received = Counter("playnet_origin_received_bytes", "Request bodies.", ("route",), registry=self.registry)
        self.sent = Counter("playnet_origin_sent_bytes", "Response bodies.", ("route",), registry=self.registry)
        self.tasks = Gauge("playnet_origin_tasks", "Open tasks.", ("kind", "state"), registry=self.registry)
        self.purges = Gauge("playnet_origin_purges_waiting", "Orders not in Redis yet.", registry=self.registry)

    async def exposition(self, database: Database) -> bytes:
        """Prometheus text; what needs the database keeps its last value while that is away."""
        try:
            async with database.connection() as connection:
                depths = await connection.fetch(SQL["queue_depths"])
                waiting = await connection.fetchval(SQL["purges_waiting"])
        except Unavailable:
            return generate_latest(self.registry)
        self.tasks.clear()
        for row in depths:
            self.tasks.labels(row["kind"], row["state"]).set(row["depth"])
        self.purges.set(waiting)
        return generate_latest(self.registry)


class Measured:
    """Counts every request of an app by its route's pattern, never by its path. Pure ASGI."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        received = sent = 0
        status = 500

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def counting_send(message: Message) -> None:
            nonlocal sent, status
            status = message.get("status", status)
            sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, counting_receive, counting_send)
        finally:
            route = _pattern(scope)
            self._metrics.requests.labels(scope["method"], route, str(status)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - began)
            self._metrics.received.labels(route).inc(received)
            self._metrics.sent.labels(route).inc(sent)


def _pattern(scope: Scope) -> str:
    """The pattern of the route that answered. FastAPI names its own in the scope, Starlette only the endpoint."""
    if (named := getattr(scope.get("route"), "path", None)) is not None:
        return str(named)
    endpoint = scope.get("endpoint")
    routes = (route for route in scope["app"].routes if isinstance(route, Route))
    return next((route.path for route in routes if endpoint is not None and route.endpoint == endpoint), "unknown")
