"""Puts together what knows people: accounts, sessions, tokens, providers, and the gate that asks them. For app.py."""

from dataclasses import dataclass
from ipaddress import ip_network

from fastapi import FastAPI
from redis.asyncio import Redis

from playnet.config import Config
from playnet.db.database import Database

from .adapters.accounts import Accounts
from .adapters.api_tokens import ApiTokens
from .adapters.attempts import Attempts
from .adapters.audit import Audit
from .adapters.callers import Callers, Credentials
from .adapters.hashing import Hashing
from .adapters.sessions import Sessions
from .core.accounts.sessions import Lifetime, cookie_rule
from .routes import accounts as account_routes
from .routes import api_tokens as api_token_routes
from .routes import sessions as session_routes
from .routes.authorisation import Gate
from .routes.sessions import Door


@dataclass(frozen=True, slots=True)
class Membership:
    """One per origin; `close` when it ends."""

    door: Door
    api_tokens: ApiTokens
    gate: Gate
    hashing: Hashing

    def add_routes(self, app: FastAPI) -> None:
        """Everything below /api/v1 that is about accounts."""
        door = self.door
        app.include_router(session_routes.signing_in(door))
        app.include_router(session_routes.own_sessions(door))
        app.include_router(api_token_routes.owning(self.api_tokens))
        app.include_router(account_routes.administering(door.accounts, door.sessions, door.attempts))
        app.include_router(account_routes.auditing(self.gate.audit))

    async def close(self) -> None:
        """Let go of threads and connections."""
        self.hashing.close()


def membership(config: Config, database: Database, redis: Redis, automation: str) -> Membership:
    """Everything wired, nothing opened. `automation`: the API token."""
    settings = config.auth
    hashing = Hashing()
    accounts = Accounts(database, hashing)
    sessions = Sessions(redis, Lifetime(settings.session_idle, settings.session_lifetime))
    api_tokens = ApiTokens(database)
    cookie = cookie_rule(config.public_url, plain_http=settings.plain_http)
    credentials = Credentials(automation=automation, sessions=sessions, api_tokens=api_tokens, id_tokens=None)
    callers = Callers(database, credentials, cookie)
    door = Door(accounts=accounts, sessions=sessions, attempts=Attempts(redis), callers=callers, cookie=cookie)
    trusted = [ip_network(network) for network in settings.trusted_fronts]
    return Membership(door, api_tokens, Gate(callers=callers, audit=Audit(database), trusted=trusted), hashing)
