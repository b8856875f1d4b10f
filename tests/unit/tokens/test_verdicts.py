"""Playback tokens: the shared cases, and what holds for all tokens."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playnet.tokens import Claims, Granted, KeySet, Refused, Revocation, Rules, Use, judge, mint
from playnet.tokens.grammar import MAX_TOKEN
from playnet.tokens.keys import MAX_KEYS, parse_keys

from .vectors import KEYS, RULES, VECTORS, Vector

_NOW = 1_900_000_000
_ALPHABET = string.ascii_letters + string.digits + "._~-"
_SEGMENT = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
_PATH = st.lists(_SEGMENT, min_size=1, max_size=5).map(lambda segments: "/" + "/".join(segments))
_NAME = st.none() | st.text(string.ascii_letters + "._~:@-", min_size=1, max_size=64)
_NETWORK = st.none() | st.ip_addresses().map(str)
_CLAIMS = st.builds(
    Claims,
    issued_s=st.integers(_NOW - 1000, _NOW),
    expires_s=st.integers(_NOW + 1, _NOW + 1000),
    prefix=_PATH,
    network=_NETWORK,
    session=_NAME,
    subject=_NAME,
)


def _verdict(token: str, path: str, *, client: str = "192.0.2.7", keys: KeySet = KEYS) -> Granted | Refused:
    return judge(token, Use(path, client, _NOW), keys=keys, rules=RULES, revoked_at=lambda _: None)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
def test_vectors(vector: Vector) -> None:
    use = Use(vector.path, vector.client, vector.now)
    found = judge(vector.token, use, keys=KEYS, rules=RULES, revoked_at=vector.moments.get)
    assert ("granted" if isinstance(found, Granted) else found.reason) == vector.verdict


@given(_CLAIMS)
def test_what_was_minted_is_granted_and_says_the_same(claims: Claims) -> None:
    token = mint(KEYS, claims)
    assert len(token) <= MAX_TOKEN
    granted = _verdict(token, claims.prefix, client=claims.network or "192.0.2.7")
    assert isinstance(granted, Granted)
    assert granted.claims.prefix == claims.prefix
    assert (granted.claims.session, granted.claims.subject) == (claims.session, claims.subject)


@given(_CLAIMS, st.data())
def test_any_single_changed_character_is_refused(claims: Claims, data: st.DataObject) -> None:
    token = mint(KEYS, claims)
    at = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.sampled_from(_ALPHABET).filter(lambda char: char != token[at]))
    found = _verdict(token[:at] + char + token[at + 1 :], claims.prefix, client=claims.network or "192.0.2.7")
    assert isinstance(found, Refused)
    assert found.reason in {"malformed", "unknown-key", "forged"}


@given(_CLAIMS, _PATH)
def test_no_token_leaves_its_folder(claims: Claims, path: str) -> None:
    inside = path.split("/")[: len(claims.prefix.split("/"))] == claims.prefix.split("/")
    found = _verdict(mint(KEYS, claims), path, client=claims.network or "192.0.2.7")
    assert isinstance(found, Granted) == inside


@given(_CLAIMS, st.binary(min_size=32, max_size=64))
def test_no_token_crosses_keys(claims: Claims, key: bytes) -> None:
    kid = KEYS.signing[0]
    if key != KEYS.keys[kid]:
        assert _verdict(mint(KeySet({kid: key}), claims), claims.prefix) == Refused("forged")


@given(st.ip_addresses(), st.ip_addresses())
def test_no_token_crosses_clients(bound: object, client: object) -> None:
    claims = Claims(issued_s=_NOW, expires_s=_NOW + 9, prefix="/", network=str(bound))
    mapped = getattr(client, "ipv4_mapped", None) or client
    same = (getattr(bound, "ipv4_mapped", None) or bound) == mapped
    assert isinstance(_verdict(mint(KEYS, claims), "/v/x", client=str(client)), Granted) == same


@given(st.text(max_size=80) | st.text(_ALPHABET, max_size=1100))
def test_guesses_are_refused(guess: str) -> None:
    assert isinstance(_verdict(guess, "/v/x"), Refused)


@pytest.mark.parametrize(
    "claims",
    [
        Claims(issued_s=5, expires_s=5, prefix="/"),
        Claims(issued_s=0, expires_s=5, prefix="/"),
        Claims(issued_s=1, expires_s=10**12, prefix="/"),
        Claims(issued_s=1, expires_s=2, prefix="v/"),
        Claims(issued_s=1, expires_s=2, prefix="/v//a"),
        Claims(issued_s=1, expires_s=2, prefix="/v/../a"),
        Claims(issued_s=1, expires_s=2, prefix='/v"'),
        Claims(issued_s=1, expires_s=2, prefix="/" + "a" * 256),
        Claims(issued_s=1, expires_s=2, prefix="/", session=""),
        Claims(issued_s=1, expires_s=2, prefix="/", subject="a b"),
        Claims(issued_s=1, expires_s=2, prefix="/", subject="a" * 65),
        Claims(issued_s=1, expires_s=2, prefix="/", network="192.0.2.1/24"),
        Claims(issued_s=1, expires_s=2, prefix="/", network="example.org"),
    ],
    ids=lambda claims: str(claims)[7:60],
)
def test_what_cannot_be_said_is_not_signed(claims: Claims) -> None:
    with pytest.raises(ValueError, match=r"expected|host bits|does not appear"):
        mint(KEYS, claims)


def test_keys_rotate() -> None:
    old = mint(KEYS, Claims(issued_s=_NOW, expires_s=_NOW + 9, prefix="/"))
    keys = KEYS.rotated("k3", b"n" * 32)
    assert keys.signing == ("k3", b"n" * 32)
    assert parse_keys(keys.dumped()) == keys
    assert isinstance(_verdict(old, "/x", keys=keys), Granted)
    assert _verdict(old, "/x", keys=KeySet({"k3": b"n" * 32})) == Refused("unknown-key")
    for number in range(MAX_KEYS):
        keys = keys.rotated(f"n{number}", bytes([number]) * 32)
    assert len(keys.keys) == MAX_KEYS
    assert "n0" in repr(keys)
    assert "\\x" not in repr(keys)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "one JSON object"),
        ("[]", "1 to 16 key ids"),
        ("{}", "1 to 16 key ids"),
        ("[" * 100_000, "one JSON object"),
        ('{"k1": "c2hvcnQ="}', "key k1: expected base64 of 32 to 64 bytes"),
        ('{"k1": 5}', "key k1"),
        (json.dumps({"k 1": "A" * 44}), "key ids of 1 to 16"),
        ('{"k1": "%s", "k1": "%s"}' % (("A" * 43 + "=",) * 2), "each key id once"),
    ],
    ids=["nothing", "list", "empty", "nested", "short", "number", "odd-id", "twice"],
)
def test_a_wrong_key_file_is_told(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        parse_keys(text)
    assert "c2hvcnQ" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value", "name"),
    [
        ("subject", "user:7@example.org", "subject-user:7@example.org"),
        ("session", "..", "session-.."),
        ("key", "k1", "key-k1"),
        ("prefix", "/v/abc", "prefix-|v|abc|"),
        ("prefix", "/", "prefix-|"),
    ],
)
def test_names_of_revocations(kind: str, value: str, name: str) -> None:
    assert Revocation.model_validate({"kind": kind, "value": value, "at": 5}).name == name


@pytest.mark.parametrize(
    ("kind", "value"),
    [("subject", "a/b"), ("subject", ""), ("key", "a.b"), ("prefix", "v/"), ("prefix", "/v/../x"), ("prefix", "/a" * 17),
     ("prefix", "/" + "a" * 200), ("all", "x")],
)  # fmt: skip
def test_what_cannot_be_revoked(kind: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        Revocation.model_validate({"kind": kind, "value": value, "at": 5})


def test_rules_have_defaults_that_a_token_of_a_day_meets() -> None:
    assert Rules().max_life_s == 86_400
