"""The brain of one cache node, wired: Starlette in front, the store behind, tasks beside it."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis, from_url
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from edge.adapters.fill.fills import Fills
from edge.adapters.hits import Hits
from edge.adapters.inspection import Inspection
from edge.adapters.metrics import Metrics
from edge.adapters.prefetch import Prefetch
from edge.adapters.purges import Purges
from edge.adapters.revocations import Revocations
from edge.adapters.store.recovery import system_boot_id
from edge.adapters.store.reservation import Limits
from edge.adapters.store.store import Rules, Store
from edge.adapters.upstream.pool import Deadlines
from edge.adapters.upstream.upstream import Membership, Upstream
from edge.adapters.viewer.delivery import Delivery
from edge.adapters.viewer.gate import Gate, TokenSettings
from edge.adapters.viewer.parts import Parts, Settings
from edge.core.admission import ADMISSIONS, DEFAULT_ADMISSION
from edge.core.eviction import DEFAULT_POLICY, POLICIES
from edge.core.nginx import PUBLIC_HEADER
from edge.core.offer import Keeping
from edge.core.parents import Fleet
from edge.core.peering import Position
from edge.core.proof import Prover
from playnet.asgi import problems
from playnet.errors import NotFound, StartupFailed, Unavailable
from playnet.logs import logger

log = logger(__name__)

_RETRY_S: Final = 1.0
_JOINED_SHARE: Final = 8  # of the cache that one object in one piece may take, if it could also be in slices


@dataclass(frozen=True, slots=True, kw_only=True)
class Brain:
    """What one brain is told. `policy` is a key of POLICIES, `admission` of ADMISSIONS.

    `reports`: file in which nginx reports direct hits; None without nginx in front.
    """

    name: str
    origins: tuple[str, ...]
    cache: Path
    size_bytes: int
    max_object_bytes: int
    slice_bytes: int = 8 << 20
    connect_s: float
    read_s: float
    policy: str = DEFAULT_POLICY
    reports: Path | None = None
    redis_url: str | None = None
    honour_request_directives: bool = False
    negative_s: float = 0
    spare_bytes: int = 0
    admission: str = DEFAULT_ADMISSION
    memory_bytes: int = 64 << 20
    fleet: Fleet | None = None
    prover: Prover | None = None
    prefetch: bool = False
    tokens: TokenSettings | None = None


class _Node:
    """The running parts, between start and end of the app's lifespan."""

    def __init__(self, brain: Brain, clock: Callable[[], float]) -> None:
        self.brain, self.clock = brain, clock
        self.metrics = Metrics()
        self.delivery: Delivery
        self.inspection: Inspection

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open everything, close it in reverse."""
        brain, metrics = self.brain, self.metrics
        gate = Gate(brain.tokens, self.clock) if brain.tokens is not None else None
        async with AsyncExitStack() as stack:
            store = await self._store()
            stack.push_async_callback(store.close)
            position = Position.at(await store.position(), self.clock)
            upstream = self._upstream(position)
            stack.push_async_callback(upstream.close)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            fills = Fills(store, upstream, group, keeping=_keeping(brain), metrics=metrics, clock=self.clock)
            stack.push_async_callback(fills.close)
            prefetch = Prefetch(brain.name, store, fills, upstream, metrics, self.clock) if brain.prefetch else None
            tasks = [group.create_task(_kept(store.upkeep), name="upkeep")]
            if prefetch is not None:
                tasks.append(group.create_task(_kept(prefetch.run), name="prefetch"))
            if gate is not None:
                tasks.append(group.create_task(_kept(gate.watch), name="token-keys"))
            if brain.reports is not None:
                hits = Hits(brain.reports, store, metrics, prefetch)
                hits.start()
                stack.callback(hits.close)
                tasks.append(group.create_task(_kept(hits.run), name="hits"))
            if brain.redis_url is not None:
                redis = from_url(brain.redis_url)
                stack.push_async_callback(redis.aclose)
                purges = Purges(brain.name, redis, store, fills, metrics, position)
                tasks.append(group.create_task(purges.run(), name="purges"))
                tasks.append(group.create_task(purges.answer(), name="purge-questions"))
                if gate is not None:
                    tasks.append(group.create_task(self._revocations(redis, gate).run(), name="revocations"))
            self.delivery = Delivery(
                Parts(
                    settings=_settings(brain, gate), store=store, fills=fills, upstream=upstream, metrics=metrics,
                    clock=self.clock, prefetch=prefetch,
                )
            )  # fmt: skip
            follows = brain.redis_url is not None
            self.inspection = Inspection(brain.name, store, fills, metrics, self.clock, follows_purges=follows)
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

    async def _store(self) -> Store:
        """Raises StartupFailed."""
        brain = self.brain
        rules = Rules(
            policy=POLICIES[brain.policy](),
            admission=ADMISSIONS[brain.admission](secrets.token_bytes(16)),
            limits=Limits(brain.size_bytes, brain.spare_bytes, brain.memory_bytes),
            boot_id=system_boot_id(),
        )
        try:
            return await Store.open(brain.cache, rules, metrics=self.metrics, clock=self.clock)
        except Unavailable as exc:
            raise StartupFailed(f"cache folder {brain.cache}: {exc} ({exc.context.get('cause')})") from exc

    def _upstream(self, position: Position) -> Upstream:
        brain = self.brain
        return Upstream(
            brain.origins,
            deadlines=Deadlines(connect_s=brain.connect_s, read_s=brain.read_s),
            metrics=self.metrics,
            clock=self.clock,
            membership=Membership(brain.fleet, brain.prover, position) if brain.fleet and brain.prover else None,
        )

    def _revocations(self, redis: Redis, gate: Gate) -> Revocations:
        return Revocations(redis, gate.revoked, self.metrics, kept_s=gate.longest_s, clock=self.clock)


def _keeping(brain: Brain) -> Keeping:
    return Keeping(
        min(brain.max_object_bytes, brain.size_bytes),
        brain.negative_s,
        brain.slice_bytes,
        joined_bytes=brain.size_bytes // _JOINED_SHARE,
    )


def _settings(brain: Brain, gate: Gate | None) -> Settings:
    return Settings(
        brain.name,
        has_nginx=brain.reports is not None,
        honours_wishes=brain.honour_request_directives,
        slice_bytes=brain.slice_bytes,
        gate=gate,
    )


async def _kept(run: Callable[[], object]) -> None:
    """Run a task that must not end; a crash is logged and it starts again."""
    while True:
        try:
            await run()  # type: ignore[misc]
        except Exception:
            log.exception("task.crashed")
            await asyncio.sleep(_RETRY_S)


class _App(Starlette):
    """Hands everything but the node's own few paths straight to the delivery: Starlette's layers cost a tenth of a hit."""

    def __init__(
        self, node: _Node, routes: Sequence[Route], lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]]
    ) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self._node, self._own = node, frozenset(route.path for route in routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._own:
            await self._node.delivery(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(brain: Brain, *, clock: Callable[[], float] = time.time) -> Starlette:
    """The ASGI app. Its lifespan raises StartupFailed when the cache folder does not work."""
    node = _Node(brain, clock)

    async def alive(_: Request) -> Response:
        return JSONResponse({"status": "ok", "node": brain.name})

    async def metrics(request: Request) -> Response:
        if PUBLIC_HEADER in request.headers:
            raise NotFound("there is nothing here")
        node.metrics.tasks.set(len(asyncio.all_tasks()))
        return Response(generate_latest(node.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with node.running():
            yield

    async def debug_entry(request: Request) -> Response:
        return await node.inspection.entry(request)

    async def debug_node(request: Request) -> Response:
        return await node.inspection.node(request)

    routes = [
        Route("/healthz", alive),
        Route("/readyz", alive),
        Route("/metrics", metrics),
        Route("/debug/entry", debug_entry),
        Route("/debug/node", debug_node),
    ]
    app = _App(node, routes, lifespan)
    problems.install(app)
    return app
