"""The pure rules behind accounts: who may, how long to wait, which request is ours, which account, which address."""

import contextlib
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.core.accounts import csrf, passwords
from origin.core.accounts.addresses import bucket, client_address
from origin.core.accounts.callers import ANONYMOUS, AUTOMATION, AccountId, Caller, Means
from origin.core.accounts.csrf import Sender, is_foreign
from origin.core.accounts.emails import normalise
from origin.core.accounts.flow import is_safe, safe_next
from origin.core.accounts.linking import Create, Decision, Enter, Join, Policy, Reason, Refuse, decide, roles_by
from origin.core.accounts.lockout import OF_ACCOUNT, wait_s, waits_s
from origin.core.accounts.permissions import RULES, Rule, check, refusal
from origin.core.accounts.roles import Permission, Role, permissions_of, token_permissions
from origin.core.accounts.sessions import Alive, Ended, Lifetime, Session, cookie_rule, device_of, judge, rights_in
from playnet.config.auth import RoleByClaim
from playnet.errors import Forbidden, InvalidInput, StartupFailed, Unauthorized

_ME, _OTHER = AccountId("a" * 12), AccountId("b" * 12)


def _holder(means: Means, *roles: Role) -> Caller:
    return Caller(means=means, name="x", permissions=permissions_of(roles), account=_ME)


@pytest.mark.parametrize(
    ("rule", "caller", "expected"),
    [
        (Rule(None), ANONYMOUS, None),
        (Rule(Permission.WATCH), ANONYMOUS, Unauthorized),
        (Rule(Permission.PUBLISH), _holder(Means.SESSION, Role.VIEWER), Forbidden),
        (Rule(Permission.PUBLISH), _holder(Means.SESSION, Role.PUBLISHER), None),
        (Rule(Permission.OPERATE), _holder(Means.SESSION, Role.PUBLISHER), Forbidden),
        (Rule(Permission.AUDIT), _holder(Means.SESSION, Role.OPERATOR), None),
        (Rule(Permission.ADMINISTER), AUTOMATION, None),
        (Rule(Permission.WATCH, personal=True), AUTOMATION, Forbidden),
        (Rule(Permission.WATCH, personal=True), _holder(Means.API_TOKEN), None),
        (Rule(Permission.WATCH, personal=True, by_session=True), _holder(Means.API_TOKEN), Forbidden),
        (Rule(Permission.WATCH, personal=True, by_session=True), _holder(Means.SESSION), None),
    ],
)
def test_refusals(rule: Rule, caller: Caller, expected: type[Exception] | None) -> None:
    found = refusal(rule, caller)
    assert (None if found is None else type(found)) is expected


def test_a_route_without_an_entry_stops_the_start_and_an_entry_without_a_route_too() -> None:
    check(RULES)
    with pytest.raises(StartupFailed, match="no entry for POST /api/v1/new"):
        check([*RULES, ("POST", "/api/v1/new")])
    with pytest.raises(StartupFailed, match="names GET /metrics"):
        check(RULES.keys() - {("GET", "/metrics")})


def test_a_scope_never_reaches_beyond_its_owner() -> None:
    for role in Role:
        assert token_permissions([role], Permission) == permissions_of([role])
        assert token_permissions([role], []) == frozenset()


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    assert [wait_s(failures, OF_ACCOUNT) for failures in (0, 5, 6, 7, 8, 15, 16, 10_000)] == [
        0,
        0,
        1,
        2,
        4,
        512,
        900,
        900,
    ]
    assert waits_s(OF_ACCOUNT) == [wait_s(failures, OF_ACCOUNT) for failures in range(1, 17)]


_PAGE: dict[str, str | None] = {
    "method": "POST",
    "fetch_site": None,
    "origin": None,
    "host": "v.example",
    "token": None,
}


@pytest.mark.parametrize(
    ("said", "session", "expected"),
    [
        ({"method": "GET", "fetch_site": "cross-site"}, True, False),
        ({"fetch_site": "same-origin"}, True, False),
        ({"fetch_site": "none"}, True, False),
        ({"fetch_site": "same-site"}, True, True),
        ({"fetch_site": "cross-site", "origin": "https://v.example"}, True, True),
        ({"origin": "https://V.example"}, True, False),
        ({"origin": "https://v.example:8443"}, True, True),
        ({"origin": "null"}, True, True),
        ({"origin": "https://[broken"}, True, True),
        ({}, True, True),
        ({"token": "wrong"}, True, True),
        ({"token": "right"}, True, False),
        ({}, False, False),
        ({"origin": "https://evil.example"}, False, True),
    ],
)
def test_requests_of_other_sites_are_told_apart(said: dict[str, str], session: bool, expected: bool) -> None:
    sender = Sender(**{**_PAGE, **said})  # type: ignore[arg-type]
    assert is_foreign(sender, "right" if session else None) is expected


def test_a_csrf_token_belongs_to_one_session_and_does_not_show_it() -> None:
    assert csrf.token_of("one") == csrf.token_of("one") != csrf.token_of("two")
    assert "one" not in csrf.token_of("one")


_LIFETIME = Lifetime(idle_s=100, absolute_s=1000)


def _session(**changes: Any) -> Session:
    good: dict[str, Any] = {
        "account": _ME,
        "created_s": 1000.0,
        "seen_s": 1900.0,
        "device": "",
        "address": "",
        "stamp": "viewer",
    }
    return Session(**{**good, **changes})


@pytest.mark.parametrize(
    ("session", "stamp", "now", "since_s", "expected"),
    [
        (_session(), "viewer", 1910, 0, Alive(rotate=False, touch=False)),
        (_session(), "viewer", 1960, 0, Alive(rotate=False, touch=True)),
        (_session(), "admin viewer", 1910, 0, Alive(rotate=True, touch=False)),
        (_session(), "viewer", 2000, 0, Ended()),
        (_session(seen_s=1999.0), "viewer", 2000, 0, Ended()),
        (_session(), "viewer", 1910, 1000, Ended()),
        (_session(replaced=True), "viewer", 1960, 0, Alive(rotate=False, touch=False)),
        (_session(replaced=True), "admin viewer", 1910, 0, Alive(rotate=False, touch=False)),
    ],
    ids=["fresh", "seen", "more-rights", "idle", "too-old", "revoked", "replaced", "replaced-once"],
)
def test_the_life_of_a_session(
    session: Session, stamp: str, now: float, since_s: float, expected: Alive | Ended
) -> None:
    assert judge(session, stamp, since_s=since_s, now=now, lifetime=_LIFETIME) == expected


def test_a_replaced_session_gains_nothing_and_loses_what_is_taken() -> None:
    former = _session(replaced=True, stamp="publisher viewer")
    assert rights_in(former, frozenset({Role.ADMIN, Role.VIEWER})) == {Role.VIEWER}
    assert rights_in(_session(), frozenset({Role.ADMIN})) == {Role.ADMIN}


@pytest.mark.parametrize(
    ("url", "plain_http", "name", "sign_in"),
    [
        ("https://v.example", False, "__Host-playnet-session", True),
        ("http://127.0.0.1:8080", False, "playnet-session", True),
        ("http://[::1]:8080", False, "playnet-session", True),
        ("http://localhost:8080", False, "playnet-session", True),
        ("http://192.0.2.7:8080", False, "playnet-session", False),
        ("http://127.0.0.1.evil.example", False, "playnet-session", False),
        ("http://192.0.2.7:8080", True, "playnet-session", True),
    ],
)
def test_cookies_by_address(url: str, plain_http: bool, name: str, sign_in: bool) -> None:
    rule = cookie_rule(url, plain_http=plain_http)
    assert (rule.name("session"), rule.sign_in) == (name, sign_in)
    header = rule.header("session", "x", max_age_s=9)
    assert header.startswith(f"{name}=x; Path=/; Max-Age=9; HttpOnly; SameSite=Lax")
    assert ("Secure" in header) == url.startswith("https")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Ada@Example.ORG ", "ada@example.org"),
        ("ａｄａ@example.org", "ada@example.org"),
        ("o'neil+tag@sub.example.org", "o'neil+tag@sub.example.org"),
        ("me@localhost", "me@localhost"),
        ("ünï@bücher.example", "ünï@bücher.example"),
    ],
)
def test_addresses_have_one_spelling(text: str, expected: str) -> None:
    assert normalise(text) == expected == normalise(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "a@",
        "a@b@c",
        "a b@example.org",
        "a@-x.org",
        "a@x..org",
        "a\x00@x.org",
        "<a@x.org>",
        "a@x.org\u202e",
        "x" * 300 + "@x.org",
    ],
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(InvalidInput):
        normalise(text)


@given(st.text(max_size=400))
def test_no_text_breaks_the_readers_of_what_people_send(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        assert normalise(text).count("@") == 1
    passwords.prepare(text)
    assert len(device_of(text)) <= 200
    assert safe_next(text).startswith("/")
    bucket(text)


@pytest.mark.parametrize(
    ("password", "fits"),
    [
        ("short", False),
        ("aaaaaaaaaaaaaaa", False),
        ("ada@example.org", False),
        ("correct horse", True),
        ("x" * 300, False),
    ],
)
def test_passwords(password: str, fits: bool) -> None:
    try:
        passwords.check(password, email="ada@example.org", name="Ada")
        found = True
    except InvalidInput:
        found = False
    assert found is fits


_CLAIMS = {"email": "Ada@Example.org", "email_verified": True}
_OPEN = Policy(allowed_domains=frozenset(), trust_email=False, sign_up=True)
_HOUSE = Policy(allowed_domains=frozenset({"example.org"}), trust_email=False, sign_up=False)


@pytest.mark.parametrize(
    ("claims", "policy", "linked", "same_email", "expected"),
    [
        (_CLAIMS, _OPEN, None, None, Create("ada@example.org")),
        (_CLAIMS, _OPEN, _ME, _OTHER, Enter(_ME)),
        (_CLAIMS, _OPEN, None, _OTHER, Refuse(Reason.EMAIL_TAKEN)),
        ({"sub": "x"}, _OPEN, _ME, None, Enter(_ME)),
        ({"sub": "x"}, _OPEN, None, None, Refuse(Reason.NO_EMAIL)),
        ({**_CLAIMS, "email_verified": False}, _OPEN, None, None, Refuse(Reason.UNVERIFIED)),
        ({**_CLAIMS, "email_verified": "true"}, _OPEN, None, None, Create("ada@example.org")),
        ({"email": "a@x.org"}, replace(_OPEN, trust_email=True), None, None, Create("a@x.org")),
        ({"email": 7}, _OPEN, None, None, Refuse(Reason.NO_EMAIL)),
        (_CLAIMS, _HOUSE, None, _OTHER, Join(_OTHER)),
        (_CLAIMS, _HOUSE, None, None, Refuse(Reason.NO_SIGN_UP)),
        ({**_CLAIMS, "email": "ada@evil.example.org"}, _HOUSE, _ME, None, Refuse(Reason.DOMAIN)),
        ({**_CLAIMS, "email_verified": None}, _HOUSE, _ME, _OTHER, Refuse(Reason.UNVERIFIED)),
        ({}, _HOUSE, _ME, None, Refuse(Reason.NO_EMAIL)),
    ],
)
def test_which_account_somebody_gets(
    claims: dict[str, Any], policy: Policy, linked: AccountId | None, same_email: AccountId | None, expected: Decision
) -> None:
    assert decide(claims, policy, linked=linked, same_email=same_email) == expected


@pytest.mark.parametrize(
    ("claim", "value", "claims", "expected"),
    [
        ("groups", "video", {"groups": ["a", "video"]}, True),
        ("groups", "video", {"groups": "video"}, True),
        ("groups", "video", {"groups": ["videos"]}, False),
        ("realm_access.roles", "maker", {"realm_access": {"roles": ["maker"]}}, True),
        ("https://example.org/roles", "x", {"https://example.org/roles": ["x"]}, True),
        ("admin", "true", {"admin": True}, True),
        ("admin", "*", {"admin": False}, False),
        ("level", "3", {"level": 3}, True),
        ("a.b", "x", {"a": 7}, False),
    ],
    ids=[
        "keycloak-groups",
        "text",
        "whole-words",
        "keycloak-realm",
        "url",
        "firebase-custom",
        "anything-but-false",
        "number",
        "no-path",
    ],
)
def test_roles_by_claims(claim: str, value: str, claims: dict[str, Any], expected: bool) -> None:
    rule = RoleByClaim(claim=claim, value=value, role="publisher")
    assert roles_by([rule], claims) == (frozenset({Role.PUBLISHER}) if expected else frozenset())


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 127.0.0.2", "198.51.100.1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        (None, "198.51.100.1", None),
    ],
)
def test_only_fronts_are_believed(peer: str | None, forwarded: str | None, expected: str | None) -> None:
    assert client_address(peer, forwarded, [ip_network("127.0.0.0/8")]) == expected


def test_one_household_is_one_address() -> None:
    assert bucket("2001:db8:1:2:3::4") == bucket("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert bucket("::ffff:192.0.2.1") == bucket("192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/watch/x?a=1", "/watch/x?a=1"),
        ("//evil", "/"),
        ("/\\evil", "/"),
        ("https://evil", "/"),
        ("/api/v1/x", "/"),
        (None, "/"),
        ("/a b", "/"),
        ("/\u202e", "/"),
    ],
)
def test_the_way_back_stays_here(path: str | None, expected: str) -> None:
    assert safe_next(path) == expected


@pytest.mark.parametrize(
    ("url", "issuer", "expected"),
    [
        ("https://a.example/x", "https://b.example", True),
        ("http://a.example/x", "https://b.example", False),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:8", True),
        ("http://127.0.0.1:9/x", "https://b.example", False),
        ("https://user@a.example/", "https://b.example", False),
        ("file:///etc/passwd", "https://b.example", False),
    ],
)
def test_providers_are_asked_over_https(url: str, issuer: str, expected: bool) -> None:
    assert is_safe(url, issuer) is expected


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0", "Edge on Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        (None, "unknown device"),
    ],
)
def test_devices_for_people(agent: str | None, expected: str) -> None:
    assert device_of(agent) == expected
