"""Sign-in by OpenID Connect, and ID tokens as bearers: providers, flows and identities put together."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from origin.core.accounts.callers import AccountId, Caller, Means
from origin.core.accounts.flow import Client, Flow, authorization_url, is_answer_of, safe_next
from origin.core.accounts.id_tokens import SKEW_S, Expected, Peek, believe, believe_logout, peek
from origin.core.accounts.linking import Policy, roles_by
from origin.core.accounts.roles import Role, permissions_of
from playnet.config import Config
from playnet.config.auth import Provider as Settings
from playnet.errors import Forbidden, InvalidInput, NotFound, Unauthorized
from playnet.layout import read_secret
from playnet.logs import logger

from .accounts import Accounts
from .flows import Flows
from .identities import Identities, provider_as_actor
from .provider import Provider, ProviderHttp
from .sessions import Sessions

log = logger(__name__)

_LOGOUT_MEMORY_S: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Somebody came back from a provider, and is who they say."""

    account: AccountId
    issuer: str
    subject: str
    provider_session: str | None
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The request that brings somebody, for the record."""

    request_id: str | None
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers:
    """Where people and sign-ins are looked up."""

    accounts: Accounts
    identities: Identities
    flows: Flows
    sessions: Sessions


class OpenId:
    """All configured providers."""

    def __init__(self, config: Config, registers: Registers, http: ProviderHttp) -> None:
        self._registers = registers
        self._providers = {
            settings.name: Provider(settings, _client(config, settings), http) for settings in config.auth.providers
        }

    @property
    def buttons(self) -> list[Settings]:
        """The providers that the sign-in page offers."""
        return [provider.settings for provider in self._providers.values() if provider.settings.sign_in]

    async def start(self, name: str, next_path: str | None, browser: str, address: str | None) -> str:
        """Where to send a browser. NotFound, Unavailable, TooManyTries."""
        provider = self._provider(name)
        metadata = await provider.metadata()
        flow = Flow(
            provider=name,
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            next=safe_next(next_path),
            browser=browser,
        )
        state = await self._registers.flows.begin(flow, address)
        return authorization_url(metadata, provider.client, flow, state)

    async def finish(self, name: str, query: Mapping[str, str], browser: str, where: Where) -> Arrival:
        """Who came back. Forbidden with a `reason`, Unauthorized, Unavailable."""
        provider = self._provider(name)
        flow = await self._registers.flows.take(query.get("state", ""), browser)
        if flow is None or flow.provider != name:
            raise Unauthorized("this sign-in was begun elsewhere, or more than ten minutes ago", reason="expired")
        metadata = await provider.metadata()
        if not is_answer_of(query, metadata, provider.settings.issuer):
            raise Unauthorized("the answer comes from another provider than was asked")
        if (error := query.get("error")) is not None:
            log.info("provider.declined", provider=name, error=error[:100])
            raise Forbidden("the sign-in provider did not let you in", reason="declined")
        id_token, access_token = await provider.exchange(flow, query.get("code", ""))
        claims = await self._claims(provider, id_token, flow.nonce, access_token)
        account = await self._settle(provider, claims, where)
        sid = claims.get("sid")
        return Arrival(
            account=account,
            issuer=claims["iss"],
            subject=claims["sub"],
            provider_session=sid if isinstance(sid, str) else None,
            next=flow.next,
        )

    async def bearer(self, token: str) -> Caller | None:
        """The caller behind an ID token of a provider that may be used so; None when nobody of ours issued it."""
        seen = peek(token)
        if seen is None:
            return None
        for provider in self._providers.values():
            if provider.settings.bearer and provider.settings.issuer == seen.issuer:
                return await self._holder(provider, token, seen)
        return None

    async def logout(self, name: str, token: str) -> None:
        """OpenID Connect Back-Channel Logout 1.0. InvalidInput for a token that is not to be believed."""
        provider = self._provider(name)
        settings = provider.settings
        seen = peek(token)
        expected = Expected(issuer=settings.issuer, audiences=[settings.client_id])
        try:
            keys = await provider.keys(seen.kid) if seen is not None else []
            claims = believe_logout(token, keys, expected, now=time.time())
        except Unauthorized as exc:
            raise InvalidInput(str(exc)) from exc
        if not await self._registers.flows.is_first(claims["jti"], settings.issuer, _LOGOUT_MEMORY_S + SKEW_S):
            return
        sid, sub = claims.get("sid"), claims.get("sub")
        ended = 0
        if isinstance(sid, str):
            ended = await self._registers.sessions.end_of_provider(settings.issuer, sid)
        elif isinstance(sub, str) and (account := await self._registers.identities.find(settings.issuer, sub)):
            ended = await self._registers.sessions.end_of_identity(account, settings.issuer, sub)
        log.info("provider.logout", provider=name, ended=ended)

    async def _claims(
        self, provider: Provider, id_token: str, nonce: str, access_token: str | None
    ) -> Mapping[str, Any]:
        """Of the ID token; what it lacks, from the userinfo endpoint."""
        settings = provider.settings
        seen = peek(id_token)
        expected = Expected(
            issuer=settings.issuer, audiences=[settings.client_id], nonce=nonce, access_token=access_token
        )
        keys = await provider.keys(seen.kid) if seen is not None else []
        claims = believe(id_token, keys, expected, now=time.time())
        if "email" in claims or access_token is None:
            return claims
        return {**await provider.userinfo(access_token, claims["sub"]), **claims}

    async def _holder(self, provider: Provider, token: str, seen: Peek) -> Caller:
        settings = provider.settings
        expected = Expected(issuer=settings.issuer, audiences=[settings.client_id, *settings.audiences])
        claims = believe(token, await provider.keys(seen.kid), expected, now=time.time())
        account = await self._settle(provider, claims, Where(request_id=None, address=None))
        found = await self._registers.accounts.show(account)
        roles = found.roles | roles_by(settings.roles, claims)
        return Caller(
            means=Means.ID_TOKEN,
            name=found.name,
            permissions=permissions_of(roles),
            account=account,
            email=found.email,
            roles=roles,
        )

    async def _settle(self, provider: Provider, claims: Mapping[str, Any], where: Where) -> AccountId:
        settings = provider.settings
        policy = Policy(
            allowed_domains=frozenset(settings.allowed_domains),
            trust_email=settings.trust_email,
            sign_up=settings.sign_up,
        )
        actor = provider_as_actor(settings.name, where.request_id, where.address)
        given = roles_by(settings.roles, claims)
        return await self._registers.identities.settle(claims, policy, given, Role(settings.default_role), actor)

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise NotFound(f"no sign-in provider is called {name[:40]!r}")
        return self._providers[name]


def _client(config: Config, settings: Settings) -> Client:
    """ConfigError when the secret cannot be read."""
    file = settings.client_secret_file
    return Client(
        client_id=settings.client_id,
        secret=read_secret(file, f"auth.providers ({settings.name}).client_secret_file") if file else None,
        redirect_uri=f"{config.public_url}/api/v1/providers/{settings.name}/callback",
        scopes=settings.scopes,
    )
