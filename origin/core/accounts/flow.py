"""The way through a provider and back: what is asked, what is kept meanwhile, what may come back. Pure.

RFC 6749 §4.1, RFC 7636 (PKCE), RFC 9207 (issuer in the answer), OpenID Connect Core 1.0 §3.1.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import quote, urlsplit

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from playnet.errors import Unavailable

FLOW_S: Final = 600  # to sign in at the provider; then it begins anew
_MAX_NEXT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What is kept between leaving and coming back. `browser`: hash of the cookie of who left."""

    provider: str
    nonce: str
    verifier: str
    next: str
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """A provider's discovery document as far as we use it. OpenID Connect Discovery 1.0 §3."""

    jwks_uri: str
    authorization_endpoint: str | None
    token_endpoint: str | None
    userinfo_endpoint: str | None
    basic_auth: bool
    names_issuer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Ourselves, as the provider knows us."""

    client_id: str
    secret: str | None
    redirect_uri: str
    scopes: tuple[str, ...]


def read_metadata(document: object, issuer: str) -> Metadata:
    """Unavailable for what is not this issuer's: its operator has to mend it, or ours the setting."""
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        said = document.get("issuer") if isinstance(document, dict) else None
        raise Unavailable(f"the provider's discovery document is for {said!r}, the settings say {issuer!r}")
    jwks_uri = _endpoint(document, "jwks_uri", issuer)
    if jwks_uri is None:
        raise Unavailable("the provider's discovery document names no jwks_uri")
    methods = document.get("token_endpoint_auth_methods_supported")
    return Metadata(
        jwks_uri=jwks_uri,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        userinfo_endpoint=_endpoint(document, "userinfo_endpoint", issuer),
        basic_auth=not isinstance(methods, list) or "client_secret_basic" in methods,
        names_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str | None:
    url = document.get(name)
    if url is not None and not (isinstance(url, str) and is_safe(url, issuer)):
        raise Unavailable(f"the provider's {name} is no https:// URL: {str(url)[:200]!r}")
    return url


def is_safe(url: str, issuer: str) -> bool:
    """HTTPS; plain HTTP only on loopback, and only when the issuer itself is there."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host) and not parts.username
    return parts.scheme == "http" and _is_loopback(host) and _is_loopback(urlsplit(issuer).hostname or "")


def authorization_url(metadata: Metadata, client: Client, flow: Flow, state: str) -> str:
    """Where the browser is sent."""
    if metadata.authorization_endpoint is None:
        raise Unavailable("this provider has no sign-in page: it is for bearer tokens only (sign_in: false)")
    url: str = prepare_grant_uri(
        metadata.authorization_endpoint,
        client.client_id,
        "code",
        redirect_uri=client.redirect_uri,
        scope=list(client.scopes),
        state=state,
        nonce=flow.nonce,
        code_challenge=create_s256_code_challenge(flow.verifier),
        code_challenge_method="S256",
    )
    return url


def token_request(metadata: Metadata, client: Client, flow: Flow, code: str) -> tuple[str, dict[str, str]]:
    """Body and fields of the exchange. RFC 6749 §2.3.1, §4.1.3."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    who: dict[str, str] = {}
    if client.secret is None:
        who = {"client_id": client.client_id}
    elif metadata.basic_auth:
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        who = {"client_id": client.client_id, "client_secret": client.secret}
    body: str = prepare_token_request(
        "authorization_code", code=code, redirect_uri=client.redirect_uri, code_verifier=flow.verifier, **who
    )
    return body, headers


def is_answer_of(query: Mapping[str, Any], metadata: Metadata, issuer: str) -> bool:
    """Whether the issuer that the answer names is the one that was asked. RFC 9207 §2.4."""
    named = query.get("iss")
    return named == issuer if named is not None else not metadata.names_issuer


def safe_next(path: str | None) -> str:
    """Where to go afterwards: a path of ours, or home. Never another site."""
    if path is None or len(path) > _MAX_NEXT or not path.isascii() or not path.isprintable():
        return "/"
    if not path.startswith("/") or path.startswith(("//", "/\\", "/api/")) or "\\" in path or " " in path:
        return "/"
    return path


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
