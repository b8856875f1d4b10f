"""ID tokens and logout tokens: whether to believe them. Pure: keys, audience and time come in as arguments.

OpenID Connect Core 1.0 §3.1.3.7, Back-Channel Logout 1.0 §2.6, RFC 8725. Only signatures by private keys are taken:
`none` and HMAC are not on the list, and no symmetric key is ever read from a provider's key set, so a public key
cannot be passed off as a shared secret.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from playnet.errors import Unauthorized

ALGORITHMS: Final = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
)  # fmt: skip
SKEW_S: Final = 60
_MAX_TOKEN: Final = 16 << 10
_MAX_KEYS: Final = 100
_LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_NOT_ID_TOKENS: Final = frozenset({"logout+jwt", "at+jwt", "application/at+jwt", "application/logout+jwt"})

PublicKey = RSAKey | ECKey | OKPKey
_KEY_TYPES: Final[Mapping[str, type[PublicKey]]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say. `nonce` None: none was sent, as with bearers."""

    issuer: str
    audiences: Sequence[str]
    nonce: str | None = None
    access_token: str | None = None


@dataclass(frozen=True, slots=True)
class Peek:
    """What an unverified token claims about itself: only good for finding out who has to vouch for it."""

    header: Mapping[str, Any]
    claims: Claims

    @property
    def kid(self) -> str | None:
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None

    @property
    def issuer(self) -> object:
        return self.claims.get("iss")


def peek(token: str) -> Peek | None:
    """None for what is no signed JWT of a sane size."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _MAX_TOKEN:
        return None
    try:
        header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
    except (ValueError, RecursionError):
        return None
    return Peek(header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def read_keys(key_set: object) -> dict[str | None, list[PublicKey]]:
    """The usable public keys of a JWK Set by `kid` (RFC 7517 §5); others are passed over, as §5 asks."""
    entries = key_set.get("keys") if isinstance(key_set, dict) else None
    found: dict[str | None, list[PublicKey]] = {}
    for entry in entries[:_MAX_KEYS] if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
            continue
        kind = _KEY_TYPES.get(str(entry.get("kty")))
        try:
            key = kind.import_key(entry) if kind is not None else None
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if key is not None:
            kid = entry.get("kid")
            found.setdefault(kid if isinstance(kid, str) else None, []).append(key)
    return found


def choose_keys(keys: Mapping[str | None, Sequence[PublicKey]], kid: str | None) -> list[PublicKey]:
    """The candidates for a token: of its `kid`, or the only one there is when it names none."""
    if kid is not None:
        return list(keys.get(kid, ()))
    every = [key for some in keys.values() for key in some]
    return every if len(every) == 1 else []


def believe(token: str, candidates: Sequence[PublicKey], expected: Expected, *, now: float) -> Claims:
    """The claims of a genuine ID token that is meant for us, now. Unauthorized says what is wrong with it."""
    header, claims = _verified(token, candidates)
    if str(header.get("typ", "")).lower() in _NOT_ID_TOKENS or "events" in claims:
        raise Unauthorized("the token is no ID token")
    _check_audience(claims, expected.audiences)
    options: Any = {
        "iss": {"essential": True, "value": expected.issuer},
        "sub": {"essential": True},
    }
    params = {"nonce": expected.nonce, "access_token": expected.access_token}
    checked = CodeIDToken(claims, header, options, params)
    try:
        checked.validate(now=int(now), leeway=SKEW_S)
    except JoseError as exc:
        raise Unauthorized(f"the ID token is not valid: {exc.description or exc.error}") from exc
    if not 1 <= len(claims["sub"]) <= 255:
        raise Unauthorized("the ID token has no usable subject")
    return claims


def believe_logout(token: str, candidates: Sequence[PublicKey], expected: Expected, *, now: float) -> Claims:
    """The claims of a genuine logout token: with `sub`, `sid` or both. Unauthorized."""
    _, claims = _verified(token, candidates)
    _check_audience(claims, expected.audiences)
    events = claims.get("events")
    told = (
        isinstance(events, dict)
        and isinstance(events.get(_LOGOUT_EVENT), dict)
        and "nonce" not in claims
        and isinstance(claims.get("jti"), str)
        and (isinstance(claims.get("sub"), str) or isinstance(claims.get("sid"), str))
    )
    if not told:
        raise Unauthorized("the token is no logout token")
    registry = jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=SKEW_S,
        iss={"essential": True, "value": expected.issuer},
        iat={"essential": True},
        exp={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except JoseError as exc:
        raise Unauthorized(f"the logout token is not valid: {exc.description or exc.error}") from exc
    return claims


def _verified(token: str, candidates: Sequence[PublicKey]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, once one of the keys has signed them."""
    if len(token) > _MAX_TOKEN:
        raise Unauthorized("the token is too long")
    for key in candidates:
        try:
            found = jwt.decode(token, key, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
        return dict(found.header), dict(found.claims)
    raise Unauthorized("the token is not signed by a key of its issuer, or by an algorithm that is not taken here")


def _check_audience(claims: Claims, audiences: Sequence[str]) -> None:
    """We are among those it is for, and who asked for it is one of us. OpenID Connect Core 1.0 §3.1.3.7, 3 to 5."""
    given = claims.get("aud")
    named = [given] if isinstance(given, str) else given
    if not isinstance(named, list) or not set(audiences) & {str(name) for name in named}:
        raise Unauthorized("the token is meant for somebody else")
    party = claims.get("azp")
    if (party is not None and party not in audiences) or (party is None and len(named) > 1):
        raise Unauthorized("the token was made for somebody else")
