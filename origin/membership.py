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
from .adapters.flows import Flows
from .adapters.hashing import Hashing
from .adapters.identities import Identities
from .adapters.openid import OpenId, Registers
from .adapters.provider import ProviderHttp
from .adapters.sessions import Sessions
from .core.accounts.sessions import Lifetime, cookie_rule
from .routes import accounts as account_routes
from .routes import api_tokens as api_token_routes
from .routes import providers as provider_routes
from .routes import sessions as session_routes
from .routes.authorisation import Gate
from .routes.sessions import Door


@dataclass(frozen=True, slots=True)
class Membership:
    """One per origin; `close` when it ends."""

    door: Door
    api_tokens: ApiTokens
    gate: Gate
    openid: OpenId
    hashing: Hashing
    http: ProviderHttp

    def add_routes(self, app: FastAPI) -> None:
        """Everything below /api/v1 that is about accounts."""
        door = self.door
        app.include_router(session_routes.signing_in(door))
        app.include_router(session_routes.own_sessions(door))
        app.include_router(api_token_routes.owning(self.api_tokens))
        app.include_router(account_routes.administering(door.accounts, door.sessions, door.attempts))
        app.include_router(account_routes.auditing(self.gate.audit))
        app.include_router(provider_routes.providing(self.openid, door))

    async def close(self) -> None:
        """Let go of threads and connections."""
        self.hashing.close()
        await self.http.close()


def membership(config: Config, database: Database, redis: Redis, automation: str) -> Membership:
    """Everything wired, nothing opened. `automation`: the API token. ConfigError for a secret that cannot be read."""
    settings = config.auth
    hashing, http = Hashing(), ProviderHttp()
    accounts = Accounts(database, hashing)
    sessions = Sessions(redis, Lifetime(settings.session_idle, settings.session_lifetime))
    api_tokens = ApiTokens(database)
    registers = Registers(accounts=accounts, identities=Identities(database), flows=Flows(redis), sessions=sessions)
    openid = OpenId(config, registers, http)
    cookie = cookie_rule(config.public_url, plain_http=settings.plain_http)
    credentials = Credentials(automation=automation, sessions=sessions, api_tokens=api_tokens, id_tokens=openid.bearer)
    callers = Callers(database, credentials, cookie)
    door = Door(accounts=accounts, sessions=sessions, attempts=Attempts(redis), callers=callers, cookie=cookie)
    trusted = [ip_network(network) for network in settings.trusted_fronts]
    gate = Gate(callers=callers, audit=Audit(database), trusted=trusted)
    return Membership(door, api_tokens, gate, openid, hashing, http)
