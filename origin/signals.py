"""Puts together what viewers leave behind: intake, places, lists, and their routes. For app.py."""

from dataclasses import dataclass

from fastapi import FastAPI
from redis.asyncio import Redis

from playnet.config import Config
from playnet.db.database import Database

from .adapters.signals.durations import Durations
from .adapters.signals.hot import HotPlaces
from .adapters.signals.intake import Intake
from .adapters.signals.ledger import Ledger
from .adapters.signals.library import Library
from .adapters.signals.paces import Paces
from .adapters.signals.places import Places
from .adapters.signals.reactions import Reactions
from .adapters.signals.upkeep import Upkeep
from .core.accounts.sessions import cookie_rule
from .core.signals.representation import Receipt, Report
from .routes import signals as routes
from .routes.openapi import declare
from .routes.sight import Sight
from .routes.viewers import Viewers


@dataclass(frozen=True, slots=True)
class Signals:
    """One per origin; `intake.run` and `upkeep.round` are its work."""

    intake: Intake
    upkeep: Upkeep
    places: Places
    reactions: Reactions
    library: Library
    viewers: Viewers
    public_url: str

    def add_routes(self, app: FastAPI, sight: Sight) -> None:
        """Everything below /api/v1 that is about watching."""
        desk = routes.Desk(
            intake=self.intake,
            places=self.places,
            reactions=self.reactions,
            library=self.library,
            paces=Paces(),
            viewers=self.viewers,
            sight=sight,
            public_url=self.public_url,
        )
        app.include_router(routes.resuming(desk))
        app.include_router(routes.reacting(desk))
        app.include_router(routes.keeping(desk))
        app.router.routes.insert(0, routes.beating(desk))  # most calls are beats: found at once
        declare(app, {routes.BEATS_PATH: {"post": routes.BEATS_OPERATION}}, Report, Receipt)


def signals(config: Config, database: Database, redis: Redis) -> Signals:
    """Everything wired, nothing opened."""
    durations, hot = Durations(), HotPlaces(redis)
    return Signals(
        intake=Intake(Ledger(database, durations), hot),
        upkeep=Upkeep(database, keep_s=config.analytics.keep_beats),
        places=Places(database, durations, hot),
        reactions=Reactions(database),
        library=Library(database, durations),
        viewers=Viewers(cookie_rule(config.public_url, plain_http=config.auth.plain_http)),
        public_url=config.public_url,
    )
