"""Wires the transcoder: workers in the background of a small ASGI app that tells health, readiness and metrics."""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from playnet.asgi import problems
from playnet.asgi.serve import serve
from playnet.config import Config
from playnet.db.database import Database
from playnet.errors import StartupFailed
from playnet.layout import Layout, database_dsn
from playnet.logs import logger
from playnet.store.open import open_store
from playnet.supervise.ready import WARNING
from transcoder.adapters.ffmpeg import Runner, find_tools
from transcoder.adapters.metrics import Metrics
from transcoder.adapters.steps import Steps
from transcoder.adapters.tasks import TaskTable
from transcoder.adapters.worker import Worker
from transcoder.adapters.workspace import Workspace

log = logger(__name__)

_READY_S = 2.0  # with the answer below the 3 s that a probe waits


class Service:
    """The process's resources, open for as long as the app lives."""

    def __init__(self, config: Config, layout: Layout) -> None:
        self._settings = config.transcoder
        self._work = layout.work
        self._tools = find_tools(config.transcoder)
        self._runner = Runner(self._tools)
        self.warning: str | None = None
        self._database = Database(database_dsn(config, layout), config.database, service="transcoder")
        self._store = open_store(config, layout)
        self.metrics = Metrics()
        self._worker: Worker | None = None
        self.stop = asyncio.Event()
        self.failure: StartupFailed | None = None

    @asynccontextmanager
    async def opened(self, _: Starlette) -> AsyncIterator[None]:
        """Work in the background; at the end give every task back, then close."""
        draining = asyncio.Event()
        try:
            with Workspace(self._work) as workspace:
                async with asyncio.TaskGroup() as group:
                    work = group.create_task(self._run(workspace, draining), name="transcoder")
                    yield
                    draining.set()
                    if not self._database.opened.is_set():
                        work.cancel()
        finally:
            await self._database.close()
            await self._store.close()

    async def _run(self, workspace: Workspace, draining: asyncio.Event) -> None:
        try:
            await self._examine()
            await self._database.open()
        except StartupFailed as exc:
            log.error("transcoder.cannot-start", detail=str(exc))
            self.failure = exc
            self.stop.set()
            return
        settings = self._settings
        name = f"{socket.gethostname()}:{os.getpid()}"
        tasks = TaskTable(self._database, worker=name, lease_s=settings.lease, max_attempts=settings.max_attempts)
        steps = Steps(self._store, self._runner, settings, workspace.make("sources"))
        worker = self._worker = Worker(tasks, steps, workspace, self.metrics, jitter=random.random)
        log.info("transcoder.started", worker=name, workers=settings.workers, swept=workspace.swept)
        await worker.run(draining, slots=settings.workers)

    async def _examine(self) -> None:
        """Said once in the log, and in `playnet status` for as long as it is so."""
        findings = await asyncio.to_thread(self._tools.sandbox.examine)
        if findings is not None:
            self.warning = f"the sandbox is open: {findings}"
            log.error("sandbox.open", detail=str(findings), missing=findings.missing)

    async def check(self) -> None:
        """Raise Unavailable when database or store do not answer or tasks are held up, TimeoutError when it takes too long."""
        async with asyncio.timeout(_READY_S):
            await self._database.check()
            await self._store.check()
        if self._worker is not None:
            self._worker.check()


def create_app(service: Service) -> Starlette:
    """The app of one service."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        try:
            await service.check()
        except TimeoutError:
            return PlainTextResponse("database or storage do not answer in time\n", 503)
        return PlainTextResponse("ready\n" + (f"{WARNING}{service.warning}\n" if service.warning else ""))

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    app = Starlette(routes=routes, lifespan=service.opened)
    problems.install(app)
    return app


async def run(config: Config, layout: Layout) -> None:
    """Serve until a signal. Raises ConfigError or StartupFailed."""
    layout.run.mkdir(parents=True, exist_ok=True)
    service = Service(config, layout)
    await serve(create_app(service), layout.transcoder_socket, stop=service.stop)
    if service.failure is not None:
        raise service.failure
