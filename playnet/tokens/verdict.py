"""Minting tokens, and judging them: for every failure one reason, decided in one order.

The MAC is verified before the payload is read, in time that does not tell where it differs; nothing that an unsigned
token says is ever believed.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from .grammar import Claims, Written, base64url, covers, read_payload, split, write_payload
from .keys import KeySet
from .network import canonical, contains
from .revocation import RevokedAt, is_revoked

Reason = Literal[
    "malformed", "unknown-key", "forged", "overlong", "early", "expired", "client", "path", "revoked"
]  # fmt: skip

# For people, in problem documents. `edge/njs/tokens.js` gives the names, nginx these words.
WORDS: Final[dict[Reason, str]] = {
    "malformed": "this is not a playback token",
    "unknown-key": "the token was signed with a key that is not in use: get a new one",
    "forged": "the token's signature is wrong",
    "overlong": "the token is valid for longer than this appliance allows",
    "early": "the token is not valid yet: are the clocks right?",
    "expired": "the token has expired: get a new one",
    "client": "the token was made for another network: get a new one",
    "path": "the token is for another video",
    "revoked": "the token was revoked",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """Bounds that all nodes share. `skew_s`: how far clocks may be apart; `max_life_s`: longest life of any token."""

    skew_s: int = 10
    max_life_s: int = 86_400


@dataclass(frozen=True, slots=True)
class Granted:
    """The token allows this path to this client now."""

    claims: Claims


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not."""

    reason: Reason


Verdict = Granted | Refused


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a token: the canonical path that is asked for, the client's address, and when."""

    path: str
    client: str
    now: float


def mint(keys: KeySet, claims: Claims) -> str:
    """A token signed with the first key. ValueError, for people, for claims that cannot be written."""
    kid, key = keys.signing
    if claims.network is not None:
        claims = replace(claims, network=canonical(claims.network))
    signed = f"v1.{kid}.{write_payload(claims)}"
    return f"{signed}.{_mac(key, signed)}"


def judge(token: str, use: Use, *, keys: KeySet, rules: Rules, revoked_at: RevokedAt) -> Verdict:
    """Whether a token allows one use. Never raises."""
    written = split(token)
    if written is None:
        return Refused("malformed")
    key = keys.keys.get(written.kid)
    if key is None:
        return Refused("unknown-key")
    if not hmac.compare_digest(_mac(key, written.signed), written.mac):
        return Refused("forged")
    return _judge_claims(written, use, rules, revoked_at)


def _judge_claims(written: Written, use: Use, rules: Rules, revoked_at: RevokedAt) -> Verdict:
    claims = read_payload(written.payload)
    if claims is None or claims.expires_s <= claims.issued_s:
        return Refused("malformed")
    reason = next(_objections(claims, use, rules), None)
    if reason is None and is_revoked(written.kid, claims, use.path, revoked_at):
        reason = "revoked"
    return Granted(claims) if reason is None else Refused(reason)


def _objections(claims: Claims, use: Use, rules: Rules) -> Iterator[Reason]:
    """Everything that speaks against this use, the first first."""
    if claims.expires_s - claims.issued_s > rules.max_life_s:
        yield "overlong"
    if claims.issued_s > use.now + rules.skew_s:
        yield "early"
    if use.now >= claims.expires_s + rules.skew_s:
        yield "expired"
    if claims.network is not None and not contains(claims.network, use.client):
        yield "client"
    if not covers(claims.prefix, use.path):
        yield "path"


def _mac(key: bytes, signed: str) -> str:
    return base64url(hmac.digest(key, signed.encode("ascii"), "sha256"))
