"""Puts the origin together: parts, routes, background work, and their lifetimes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from redis.asyncio import Redis, from_url
from redis.exceptions import RedisError
from starlette.types import Scope

from playnet import __version__
from playnet.api_token import ensure_api_token
from playnet.asgi import problems
from playnet.asgi.bodies import LimitedBody
from playnet.asgi.serve import serve
from playnet.config import Config
from playnet.db.database import Database
from playnet.errors import StartupFailed, Unavailable
from playnet.layout import Layout, database_dsn, redis_url
from playnet.logs import logger
from playnet.purge.log import PurgeLog
from playnet.purge.replies import PurgeReplies
from playnet.revocation_log import RevocationLog
from playnet.store.open import open_store
from playnet.store.port import PartedStore
from playnet.token_keys import KeyFile, rules_of, token_keys

from .adapters.assets import Assets
from .adapters.catalogue import Catalogue
from .adapters.manifests import Manifests
from .adapters.media import Media
from .adapters.metrics import Measured, Metrics
from .adapters.playback import Revoking, Signing, SigningSettings
from .adapters.presence import Presence
from .adapters.purges import Purges
from .adapters.relay import PURGES, REVOCATIONS, Relay
from .adapters.rounds import keep_going
from .adapters.search import Search
from .adapters.sweeper import Sweeper
from .adapters.upload.body import Limits
from .adapters.upload.joining import Joining
from .adapters.upload.resumable import Resumables
from .adapters.upload.room import Room
from .adapters.upload.streamed import Uploads
from .adapters.webapp import WebApp
from .membership import Membership, membership
from .routes import assets as asset_routes
from .routes import openapi
from .routes import purges as purge_routes
from .routes import search as search_routes
from .routes import tokens as token_routes
from .routes import tus as tus_routes
from .routes.authorisation import Authorisation, checked_routes
from .routes.health import Health
from .routes.media import Viewing
from .routes.pages import Pages
from .routes.sight import Sight
from .signals import Signals, signals

log = logger(__name__)

MAX_JSON_BYTES = 64 << 10
_WEB_FOLDER = Path(__file__).parents[1] / "web" / "dist"
_REDIS_TIMEOUT_S = 5.0  # above PurgeLog's longest blocking read


@dataclass
class Origin:
    """One origin, not running yet."""

    app: FastAPI
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    failure: StartupFailed | None = None


@dataclass(frozen=True, slots=True)
class _Parts:
    database: Database
    assets: Assets
    presence: Presence
    catalogue: Catalogue
    store: PartedStore
    redis: Redis
    uploads: Uploads
    resumables: Resumables
    joining: Joining
    sweeper: Sweeper
    relays: tuple[Callable[[], Awaitable[None]], ...]
    membership: Membership
    signals: Signals


def build(config: Config, layout: Layout, *, web_folder: Path = _WEB_FOLDER) -> Origin:
    """Everything wired, nothing opened. ConfigError for secrets or folders that cannot be had."""
    token = ensure_api_token(config, layout)
    keys = token_keys(config, layout)
    parts = _parts(config, layout, token)
    metrics = Metrics()
    app = FastAPI(
        title="PlayNet",
        version=__version__,
        summary="Upload video, get adaptive HLS and DASH from your own edges.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # both would load scripts from third parties
        redoc_url=None,
    )
    origin = Origin(app)
    app.router.lifespan_context = lambda _: _lifespan(parts, origin)
    problems.install(app)
    app.add_exception_handler(RequestValidationError, openapi.invalid_request)
    _add_routes(app, config, parts, metrics, WebApp(web_folder), keys)
    openapi.describe(app)
    app.add_middleware(LimitedBody, max_bytes=MAX_JSON_BYTES, unlimited=_takes_source)
    app.add_middleware(Authorisation, gate=parts.membership.gate, routes=checked_routes(app))
    app.add_middleware(Measured, metrics=metrics)
    return origin


async def run(config: Config, layout: Layout) -> None:
    """Serve until a signal. Raises ConfigError or StartupFailed."""
    origin = build(config, layout)
    await serve(origin.app, config.origin.listen, stop=origin.stop)
    if origin.failure is not None:
        raise origin.failure


def _parts(config: Config, layout: Layout, token: str) -> _Parts:
    settings = config.origin
    database = Database(database_dsn(config, layout), config.database, service="origin")
    store = open_store(config, layout)
    redis = from_url(
        redis_url(config, layout), socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S
    )
    limits = Limits(max_bytes=settings.max_source, idle_s=settings.upload_idle)
    room = Room(store, settings.max_source, settings.free_space)
    joining = Joining(database, store, life_s=settings.upload_expiry)
    assets = Assets(database)
    presence = Presence(assets)
    catalogue = Catalogue(database, presence, restore_s=settings.restore_within)
    return _Parts(
        database=database,
        assets=assets,
        presence=presence,
        catalogue=catalogue,
        store=store,
        redis=redis,
        uploads=Uploads(database, store, owner=f"{socket.gethostname()}/{settings.listen}", limits=limits, room=room),
        resumables=Resumables(database, store, joining, limits=limits, room=room, life_s=settings.upload_expiry),
        joining=joining,
        sweeper=Sweeper(database, store, catalogue),
        relays=(
            Relay(database, PURGES, PurgeLog(redis)).session,
            Relay(database, REVOCATIONS, RevocationLog(redis)).session,
        ),
        membership=membership(config, database, redis, token),
        signals=signals(config, database, redis),
    )


def _add_routes(app: FastAPI, config: Config, parts: _Parts, metrics: Metrics, web: WebApp, keys: KeyFile) -> None:
    """In this order: the pages take what is left."""
    assets, presence = parts.assets, parts.presence
    health = Health(
        {"database": parts.database.check, "store": parts.store.check},
        {"redis": lambda: _ping(parts.redis)},
        metrics,
        parts.database,
    )
    viewing = Viewing(Media(parts.store, presence), Manifests(parts.database, presence))
    purges = Purges(parts.database, PurgeReplies(parts.redis), [edge.name for edge in config.edges])
    life_s, rules = round(config.tokens.life), rules_of(config)
    signing = Signing(keys, SigningSettings(config.public_url, life_s, rules), presence)
    app.include_router(asset_routes.reading(assets, signing, config.public_url))
    app.include_router(asset_routes.writing(assets, parts.catalogue, parts.uploads, parts.sweeper, config.public_url))
    app.include_router(search_routes.searching(Search(parts.database), config.public_url))
    app.include_router(tus_routes.writing(parts.resumables, assets, max_bytes=config.origin.max_source))
    app.include_router(purge_routes.writing(purges))
    app.include_router(token_routes.writing(signing, Revoking(parts.database), assets))
    parts.membership.add_routes(app)
    parts.signals.add_routes(app, Sight(assets, signing))
    app.router.routes.extend([*viewing.routes(), *health.routes(), *Pages(web, presence).routes()])


@asynccontextmanager
async def _lifespan(parts: _Parts, origin: Origin) -> AsyncIterator[None]:
    """Background work while the app serves; the database is waited for there, so that /healthz answers at once."""
    try:
        async with asyncio.TaskGroup() as group:
            work = [
                group.create_task(_open(parts, origin), name="origin-database"),
                group.create_task(keep_going("sweeper", parts.sweeper.round), name="origin-sweeper"),
                *(
                    group.create_task(keep_going("relay", relay), name=f"origin-relay-{number}")
                    for number, relay in enumerate(parts.relays)
                ),
                group.create_task(parts.joining.run(), name="origin-joining"),
                group.create_task(keep_going("intake", parts.signals.intake.run), name="origin-intake"),
                group.create_task(keep_going("upkeep", parts.signals.upkeep.round), name="origin-upkeep"),
            ]
            yield
            for task in work:
                task.cancel()
    finally:
        await parts.membership.close()
        await parts.database.close()
        await parts.redis.aclose()
        await parts.store.close()


async def _open(parts: _Parts, origin: Origin) -> None:
    try:
        await parts.database.open()
    except StartupFailed as exc:
        log.error("origin.cannot_start", detail=str(exc))
        origin.failure = exc
        origin.stop.set()
        return
    try:
        if abandoned := await parts.uploads.abandon_former():
            log.info("upload.former_abandoned", count=abandoned)
    except Unavailable as exc:  # their leases run out by themselves
        log.warning("upload.former_left_to_lease", detail=str(exc))


async def _ping(redis: Redis) -> None:
    try:
        await redis.ping()
    except (RedisError, OSError) as exc:
        raise Unavailable(f"Redis does not answer: {exc}") from exc


def _takes_source(scope: Scope) -> bool:
    """Uploads have a bound of their own."""
    method, path = scope["method"], scope["path"]
    streamed = method == "PUT" and path.startswith("/api/v1/assets/") and path.endswith("/source")
    return streamed or tus_routes.takes_bytes(method, path)
