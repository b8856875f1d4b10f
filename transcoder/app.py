"""Wires the transcoder: workers in the background of a small ASGI app that tells health, readiness and metrics."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from playnet.asgi import problems
from playnet.asgi.requests import RequestId
from playnet.asgi.serve import serve
from playnet.config import Config
from playnet.db.pool import open_pool
from playnet.layout import Layout, database_dsn
from playnet.logs import logger
from playnet.store.open import open_store
from playnet.store.port import ObjectStore
from transcoder.adapters.ffmpeg import Runner, find_tools
from transcoder.adapters.metrics import Metrics
from transcoder.adapters.steps import Steps
from transcoder.adapters.tasks import TaskTable
from transcoder.adapters.worker import Worker
from transcoder.adapters.workspace import Workspace

log = logger(__name__)

_READY_S = 3.0


class Service:
    """The process's resources, open for as long as the app lives."""

    def __init__(self, config: Config, layout: Layout) -> None:
        self._config = config
        self._layout = layout
        self._runner = Runner(find_tools(config.transcoder))
        self.metrics = Metrics()
        self.tasks: TaskTable | None = None
        self.store: ObjectStore | None = None

    @asynccontextmanager
    async def opened(self, _: Starlette) -> AsyncIterator[None]:
        """Open, work, drain, close in reverse."""
        settings = self._config.transcoder
        async with AsyncExitStack() as stack:
            workspace = stack.enter_context(Workspace(self._layout.work))
            pool = await open_pool(
                database_dsn(self._config, self._layout), self._config.database, service="transcoder"
            )
            stack.push_async_callback(pool.close)
            self.store = open_store(self._config, self._layout)
            stack.push_async_callback(self.store.close)
            name = f"{socket.gethostname()}:{os.getpid()}"
            self.tasks = TaskTable(pool, worker=name, lease_s=settings.lease, max_attempts=settings.max_attempts)
            steps = Steps(self.store, self._runner, settings)
            worker = Worker(self.tasks, steps, workspace, self.metrics, jitter=random.random)
            stop = asyncio.Event()
            group = await stack.enter_async_context(asyncio.TaskGroup())
            group.create_task(worker.run(stop, slots=settings.workers), name="worker")
            stack.callback(stop.set)
            log.info("transcoder.started", worker=name, workers=settings.workers, swept=workspace.swept)
            yield

    async def check(self) -> None:
        """Raise Unavailable when database or store do not answer."""
        if self.tasks is None or self.store is None:
            return
        async with asyncio.timeout(_READY_S):
            await self.tasks.check()
            await self.store.check()


def create_app(config: Config, layout: Layout) -> Starlette:
    """The app. StartupFailed when a media tool is missing."""
    service = Service(config, layout)

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        try:
            await service.check()
        except TimeoutError:
            return PlainTextResponse("database or storage do not answer in time\n", 503)
        return PlainTextResponse("ready\n")

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    app = Starlette(routes=routes, lifespan=service.opened)
    app.add_middleware(RequestId)
    problems.install(app)
    return app


async def main(config: Config, layout: Layout) -> None:
    """Serve until a signal."""
    layout.run.mkdir(parents=True, exist_ok=True)
    await serve(create_app(config, layout), layout.transcoder_socket)
