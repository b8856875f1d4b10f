"""Which ID tokens and logout tokens are believed: real signatures, every known trick."""

import time
from typing import Any

import pytest

from origin.core.accounts.id_tokens import Expected, believe, believe_logout, choose_keys, peek, read_keys
from playnet.errors import Unauthorized
from tests.issuer import AUDIENCE, claims_of, ec, key_set, rsa, sign, unsigned, with_public_key_as_secret

_ISSUER = "https://login.example.org/realms/video"
_RSA, _OTHER, _EC = rsa("one"), rsa("one"), ec("two")
_KEYS = read_keys(key_set(_RSA, _EC))
_NOW = int(time.time())
_EXPECTED = Expected(issuer=_ISSUER, audiences=[AUDIENCE], nonce="n-1")


def _claims(**changes: Any) -> dict[str, Any]:
    return claims_of(_ISSUER, **{"nonce": "n-1", "iat": _NOW, "exp": _NOW + 600, **changes})


def _judge(token: str, expected: Expected = _EXPECTED) -> Any:
    seen = peek(token)
    return believe(token, choose_keys(_KEYS, seen.kid) if seen else [], expected, now=_NOW)


@pytest.mark.parametrize(
    "token",
    [
        sign(_RSA, _claims()),
        sign(_EC, _claims(), alg="ES256"),
        sign(_RSA, _claims(), alg="PS256"),
        sign(_RSA, _claims(aud=[AUDIENCE, "other"], azp=AUDIENCE)),
        sign(_RSA, _claims(exp=_NOW - 50, nbf=_NOW + 50, iat=_NOW + 50)),
    ],
    ids=["rsa", "ec", "pss", "two-audiences", "within-the-skew"],
)
def test_genuine_tokens_are_believed(token: str) -> None:
    assert _judge(token)["sub"] == "u-1"


_FORGED = {
    "none": unsigned(_claims(), kid="one"),
    "none-in-capitals": unsigned(_claims(), kid="one", alg="nOnE"),
    "hs256-with-the-public-key": with_public_key_as_secret(_RSA, _claims()),
    "another-key-of-the-same-name": sign(_OTHER, _claims()),
    "unknown-key": sign(rsa("three"), _claims()),
    "other-payload": sign(_RSA, _claims()).split(".")[0]
    + "."
    + sign(_RSA, _claims(sub="u-2")).split(".")[1]
    + "."
    + "A" * 342,
    "key-in-the-header": sign(_OTHER, _claims(), jwk=_OTHER.as_dict(private=False)),
    "wrong-audience": sign(_RSA, _claims(aud="somebody")),
    "no-audience": sign(_RSA, _claims(aud=None)),
    "audience-is-no-text": sign(_RSA, _claims(aud={"playnet-app": 1})),
    "made-for-another": sign(_RSA, _claims(azp="somebody")),
    "two-audiences-no-party": sign(_RSA, _claims(aud=[AUDIENCE, "other"])),
    "wrong-issuer": sign(_RSA, _claims(iss="https://login.example.org/realms/other")),
    "no-issuer": sign(_RSA, _claims(iss=None)),
    "no-subject": sign(_RSA, _claims(sub=None)),
    "empty-subject": sign(_RSA, _claims(sub="")),
    "long-subject": sign(_RSA, _claims(sub="s" * 256)),
    "expired": sign(_RSA, _claims(exp=_NOW - 61)),
    "no-expiry": sign(_RSA, _claims(exp=None)),
    "expiry-is-no-number": sign(_RSA, _claims(exp="tomorrow")),
    "not-yet": sign(_RSA, _claims(nbf=_NOW + 120)),
    "from-the-future": sign(_RSA, _claims(iat=_NOW + 120)),
    "wrong-nonce": sign(_RSA, _claims(nonce="n-2")),
    "no-nonce": sign(_RSA, _claims(nonce=None)),
    "an-access-token": sign(_RSA, _claims(), typ="at+jwt"),
    "a-logout-token": sign(_RSA, _claims(events={"http://schemas.openid.net/event/backchannel-logout": {}})),
    "too-long": sign(_RSA, _claims(filler="x" * 20_000)),
    "no-token": "a.b",
    "no-json": "AAAA.AAAA.AAAA",
}


@pytest.mark.parametrize("token", _FORGED.values(), ids=_FORGED.keys())
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        _judge(token)


def test_an_access_token_has_to_fit_its_hash() -> None:
    expected = Expected(issuer=_ISSUER, audiences=[AUDIENCE], nonce="n-1", access_token="tok")
    with pytest.raises(Unauthorized):
        _judge(sign(_RSA, _claims(at_hash="AAAAAAAAAAAAAAAAAAAAAA")), expected)


def test_keys_are_read_as_far_as_they_are_public_and_for_signing() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"}
    encrypting = {**rsa("e").as_dict(private=False), "use": "enc"}
    found = read_keys({"keys": [secret, encrypting, {"kty": "RSA"}, 7, _RSA.as_dict(private=False)]})
    assert list(found) == ["one"]
    assert read_keys([]) == read_keys({"keys": 1}) == {}
    assert len(choose_keys(found, None)) == 1
    assert choose_keys(_KEYS, None) == [], "which of two, nobody can tell"


def _logout(**changes: Any) -> dict[str, Any]:
    event = {"http://schemas.openid.net/event/backchannel-logout": {}}
    good = {"jti": "j-1", "sid": "s-1", "events": event, "iat": _NOW, "exp": _NOW + 600}
    return claims_of(_ISSUER, **{**good, **changes})


_NO_LOGOUTS: dict[str, dict[str, Any]] = {
    "an-id-token": claims_of(_ISSUER, jti="j-1", sid="s-1"),
    "with-nonce": _logout(nonce="n-1"),
    "no-identifier": {key: value for key, value in _logout().items() if key != "jti"},
    "about-nobody": {key: value for key, value in _logout().items() if key not in {"sub", "sid"}},
    "expired": _logout(exp=_NOW - 120),
    "wrong-audience": _logout(aud="somebody"),
    "wrong-issuer": _logout(iss="https://evil.example"),
    "event-is-no-object": _logout() | {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}},
}


def test_a_logout_token_is_believed() -> None:
    token = sign(_RSA, _logout(), typ="logout+jwt")
    assert believe_logout(token, _KEYS["one"], _EXPECTED, now=_NOW)["sid"] == "s-1"
    with pytest.raises(Unauthorized):
        believe_logout(unsigned(_logout()), _KEYS["one"], _EXPECTED, now=_NOW)


@pytest.mark.parametrize("claims", _NO_LOGOUTS.values(), ids=_NO_LOGOUTS.keys())
def test_other_tokens_sign_nobody_out(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        believe_logout(sign(_RSA, claims), _KEYS["one"], _EXPECTED, now=_NOW)
