"""Sessions: how long they last, when their name changes, what their cookie looks like. Pure."""

import hashlib
import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from .callers import AccountId
from .roles import Role

MAX_PER_ACCOUNT: Final = 50  # the one unused for longest goes
GRACE_S: Final = 10  # requests under way with the former name of a rotated session
_TOUCH_S: Final = 60  # not every request writes
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_DEVICE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is kept about one sign-in. `stamp`: the rights at its last rotation. `replaced`: only the grace is left."""

    account: AccountId
    created_s: float
    seen_s: float
    device: str
    address: str
    stamp: str
    issuer: str | None = None
    subject: str | None = None
    provider_session: str | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """From the settings."""

    idle_s: float
    absolute_s: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Sign in again."""


@dataclass(frozen=True, slots=True)
class Alive:
    """Go on. `rotate`: under a new name, because the rights changed. `touch`: note that it was seen."""

    rotate: bool
    touch: bool


def judge(session: Session, stamp: str, *, since_s: float, now: float, lifetime: Lifetime) -> Alive | Ended:
    """What becomes of a session on a request. `stamp`: the account's rights now; `since_s`: its revocation of all."""
    if session.created_s <= since_s or remaining_s(session, now=now, lifetime=lifetime) <= 0:
        return Ended()
    if session.replaced:
        return Alive(rotate=False, touch=False)
    return Alive(rotate=session.stamp != stamp, touch=now - session.seen_s >= _TOUCH_S)


def rights_in(session: Session, roles: frozenset[Role]) -> frozenset[Role]:
    """What a session gives of its account's roles: a replaced one none that came after it."""
    return frozenset(role for role in roles if role in session.stamp.split()) if session.replaced else roles


def remaining_s(session: Session, *, now: float, lifetime: Lifetime) -> float:
    """Until it ends when nothing more comes."""
    return min(session.seen_s + lifetime.idle_s, session.created_s + lifetime.absolute_s) - now


def key_of(secret: str) -> str | None:
    """The name under which a cookie's value is kept: whoever reads the store cannot sign in. None: not ours."""
    return hashlib.sha256(secret.encode()).hexdigest() if _SECRET.fullmatch(secret) else None


@dataclass(frozen=True, slots=True)
class CookieRule:
    """How cookies are set for an address. `sign_in`: whether passwords may come this way at all."""

    secure: bool
    sign_in: bool

    def name(self, what: str) -> str:
        """RFC 6265bis §4.1.3.2: `__Host-` binds a cookie to this host and to HTTPS, and browsers hold us to it."""
        return f"__Host-playnet-{what}" if self.secure else f"playnet-{what}"

    def header(self, what: str, value: str, *, max_age_s: int) -> str:
        """A Set-Cookie value; `max_age_s` 0 takes the cookie away."""
        secure = "; Secure" if self.secure else ""
        return f"{self.name(what)}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"


def cookie_rule(public_url: str, *, plain_http: bool) -> CookieRule:
    """By the address that viewers use. Plain HTTP is safe on loopback only, else the operator has to ask for it.

    On loopback no `Secure`: Safari and programs would not keep such a cookie, and nobody listens in between.
    """
    parts = urlsplit(public_url)
    if parts.scheme == "https":
        return CookieRule(secure=True, sign_in=True)
    return CookieRule(secure=False, sign_in=plain_http or _is_loopback(parts.hostname or ""))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def device_of(user_agent: str | None) -> str:
    """A browser and a system for people, from what the browser says about itself; never trusted."""
    agent = "".join(char for char in (user_agent or "")[:_MAX_DEVICE] if char.isprintable())
    browser = next((name for mark, name in _BROWSERS if mark in agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in agent), None)
    found = [part for part in (browser, system) if part is not None]
    return " on ".join(found) or agent.partition(" ")[0] or "unknown device"


# In this order: most browsers also claim to be an older one.
_BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("SamsungBrowser/", "Samsung Internet"),
    ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip
