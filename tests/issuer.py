"""An issuer whose keys are the test's: signs whatever it is asked to, right or wrong, and counts who reads its keys."""

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

AUDIENCE = "playnet-app"


def rsa(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})


def ec(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


def claims_of(issuer: str, **changes: Any) -> dict[str, Any]:
    """A good ID token's claims; None takes one away."""
    now = int(time.time())
    good = {
        "iss": issuer, "aud": AUDIENCE, "sub": "u-1", "iat": now, "exp": now + 600,
        "email": "ada@example.org", "email_verified": True,
    }  # fmt: skip
    return {key: value for key, value in {**good, **changes}.items() if value is not None}


def sign(key: Any, claims: dict[str, Any], *, alg: str = "RS256", **header: Any) -> str:
    """A compact JWS."""
    return jwt.encode({"alg": alg, "kid": key.kid, **header}, claims, key, algorithms=[alg])


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    """alg=none, as attackers write it."""
    return _signing_input({"alg": "none", "typ": "JWT", **header}, claims) + "."


def with_public_key_as_secret(key: RSAKey, claims: dict[str, Any]) -> str:
    """HS256 over what everybody knows: the public key's PEM. RFC 8725 §2.1. By hand: the library refuses to."""
    text = _signing_input({"alg": "HS256", "kid": key.kid}, claims)
    return f"{text}.{_encoded(hmac.digest(key.as_pem(private=False), text.encode(), 'sha256'))}"


def _signing_input(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(_encoded(json.dumps(part).encode()) for part in (header, claims))


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def key_set(*keys: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


class Issuer:
    """Discovery and keys over HTTP."""

    def __init__(self, port: int, *keys: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.keys = list(keys)
        self.reads = 0

    async def discovery(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def read_keys(self, _: web.Request) -> web.Response:
        self.reads += 1
        return web.json_response(key_set(*self.keys))


@asynccontextmanager
async def issuing(issuer: Issuer) -> AsyncIterator[Issuer]:
    """Served on loopback."""
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.discovery)
    app.router.add_get("/keys", issuer.read_keys)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", issuer.port).start()
    try:
        yield issuer
    finally:
        await runner.cleanup()
