"""One OpenID Connect provider over HTTP: discovery, keys, the code's exchange. Bounded in time and bytes.

What was read is kept for an hour; a key that is not known makes the keys be read once more, at most every half
minute, however many forged tokens name new ones. A provider that does not answer is left alone for a few seconds.
"""

import asyncio
import json
import time
from typing import Any, Final

import aiohttp

from origin.core.accounts.flow import Client, Flow, Metadata, read_metadata, token_request
from origin.core.accounts.id_tokens import PublicKey, choose_keys, read_keys
from playnet.config.auth import Provider as Settings
from playnet.errors import Unauthorized, Unavailable
from playnet.logs import logger

log = logger(__name__)

_TOTAL_S: Final = 10.0
_CONNECT_S: Final = 3.0
_MAX_BYTES: Final = 1 << 20
_KEEP_S: Final = 3600.0
_REFETCH_S: Final = 30.0
_PAUSE_S: Final = 5.0


class ProviderHttp:
    """One client for all providers: no redirects, no cookies, no proxies of the environment."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, headers: dict[str, str] | None = None) -> Any:
        """A JSON document. Unavailable."""
        return await self._ask("GET", url, headers={"Accept": "application/json", **(headers or {})})

    async def post(self, url: str, body: str, headers: dict[str, str]) -> Any:
        """The JSON answer to a form. Unauthorized for 4xx, Unavailable for the rest."""
        return await self._ask("POST", url, data=body, headers=headers)

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    async def _ask(self, method: str, url: str, **options: Any) -> Any:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=_TOTAL_S, sock_connect=_CONNECT_S)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with self._session.request(method, url, allow_redirects=False, **options) as response:
                body = await _bounded(response)
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise Unavailable("the sign-in provider does not answer", url=url, cause=type(exc).__name__) from exc
        if method == "POST" and 400 <= response.status < 500:
            log.info("provider.refused", url=url, status=response.status, said=body[:300].decode("utf-8", "replace"))
            raise Unauthorized("the sign-in provider did not accept the sign-in: try again")
        if response.status != 200:
            raise Unavailable(f"the sign-in provider answered HTTP {response.status}", url=url)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as exc:
            raise Unavailable("the sign-in provider did not answer with JSON", url=url) from exc


class Provider:
    """What one issuer says about itself, and what it gives for a code."""

    def __init__(self, settings: Settings, client: Client, http: ProviderHttp) -> None:
        self.settings = settings
        self.client = client
        self._http = http
        self._lock = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._read_s = self._keys_read_s = self._failed_s = -_KEEP_S
        self._keys: dict[str | None, list[PublicKey]] = {}

    async def metadata(self) -> Metadata:
        """The discovery document. An old one serves on while the provider is away. Unavailable."""
        async with self._lock:
            return await self._current_metadata()

    async def keys(self, kid: str | None) -> list[PublicKey]:
        """The keys that may have signed a token which names `kid`. Unavailable only without any keys."""
        if (found := choose_keys(self._keys, kid)) and time.monotonic() - self._keys_read_s < _KEEP_S:
            return found
        async with self._lock:
            age_s = time.monotonic() - self._keys_read_s
            found = choose_keys(self._keys, kid)
            if age_s >= (_KEEP_S if found else _REFETCH_S):
                await self._read_keys()
            return choose_keys(self._keys, kid)

    async def exchange(self, flow: Flow, code: str) -> tuple[str, str | None]:
        """ID token and access token for a code. Unauthorized, Unavailable."""
        metadata = await self.metadata()
        if metadata.token_endpoint is None:
            raise Unavailable("the sign-in provider names no token endpoint")
        body, headers = token_request(metadata, self.client, flow, code)
        answer = await self._http.post(metadata.token_endpoint, body, headers)
        id_token = answer.get("id_token") if isinstance(answer, dict) else None
        if not isinstance(id_token, str):
            raise Unauthorized("the sign-in provider gave no ID token")
        access_token = answer.get("access_token")
        return id_token, access_token if isinstance(access_token, str) else None

    async def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Claims that are not in the ID token; none unless they are about `subject`. Core 1.0 §5.3.2."""
        url = (await self.metadata()).userinfo_endpoint
        if url is None:
            return {}
        claims = await self._http.get(url, {"Authorization": f"Bearer {access_token}"})
        return claims if isinstance(claims, dict) and claims.get("sub") == subject else {}

    async def _current_metadata(self) -> Metadata:
        now = time.monotonic()
        if self._metadata is not None and now - self._read_s < _KEEP_S:
            return self._metadata
        if now - self._failed_s < _PAUSE_S:
            return self._known("the sign-in provider does not answer")
        url = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            self._metadata = read_metadata(await self._http.get(url), self.settings.issuer)
            self._read_s = now
        except Unavailable as exc:
            self._failed_s = now
            log.warning("provider.away", provider=self.settings.name, detail=str(exc), **exc.context)
            return self._known(str(exc))
        return self._metadata

    def _known(self, reason: str) -> Metadata:
        if self._metadata is None:
            raise Unavailable(f"{reason} ({self.settings.name})")
        return self._metadata

    async def _read_keys(self) -> None:
        metadata = await self._current_metadata()
        self._keys_read_s = time.monotonic()
        try:
            keys = read_keys(await self._http.get(metadata.jwks_uri))
        except Unavailable as exc:
            log.warning("provider.keys_unread", provider=self.settings.name, detail=str(exc), **exc.context)
            if not self._keys:
                self._keys_read_s += _PAUSE_S - _REFETCH_S
                raise
            return
        if keys:
            self._keys = keys


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 << 10):
        body += chunk
        if len(body) > _MAX_BYTES:
            raise Unavailable(f"the sign-in provider's answer is larger than {_MAX_BYTES} bytes")
    return bytes(body)
