"""Which account somebody gets who comes from a provider, and which roles. Pure.

An address is no proof by itself: whoever controls any provider could claim it. An account that is here already is
joined by its address only when the operator has named the address's domain as this provider's (`allowed_domains`) and
the provider says that the address was verified.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from playnet.errors import InvalidInput

from .callers import AccountId
from .emails import domain, normalise
from .roles import Role

MAX_NAME_CHARS: Final = 200


class Reason(StrEnum):
    """Why not; the sign-in page has words for each."""

    NO_EMAIL = "no-email"
    UNVERIFIED = "unverified"
    DOMAIN = "domain"
    EMAIL_TAKEN = "email-taken"
    NO_SIGN_UP = "no-sign-up"


class ClaimRule(Protocol):
    """Who has this claim has this role."""

    @property
    def claim(self) -> str: ...
    @property
    def value(self) -> str: ...
    @property
    def role(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the operator allows a provider."""

    allowed_domains: frozenset[str]
    trust_email: bool
    sign_up: bool


@dataclass(frozen=True, slots=True)
class Enter:
    """The identity has its account."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class Join:
    """Tie the identity to the account that has its address."""

    account: AccountId


@dataclass(frozen=True, slots=True)
class Create:
    """A new account for this address."""

    email: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Not here."""

    reason: Reason


Decision = Enter | Join | Create | Refuse


def decide(
    claims: Mapping[str, Any], policy: Policy, *, linked: AccountId | None, same_email: AccountId | None
) -> Decision:
    """`linked`: the identity's account. `same_email`: the account with its address."""
    email = email_of(claims)
    if (reason := _unfit(email, claims, policy)) is not None and (linked is None or policy.allowed_domains):
        return Refuse(reason)
    if linked is not None:
        return Enter(linked)
    if same_email is not None:
        return Join(same_email) if policy.allowed_domains else Refuse(Reason.EMAIL_TAKEN)
    assert email is not None
    return Create(email) if policy.sign_up else Refuse(Reason.NO_SIGN_UP)


def _unfit(email: str | None, claims: Mapping[str, Any], policy: Policy) -> Reason | None:
    """Why an address is not good enough to begin with, and for `allowed_domains` to come back with."""
    if email is None:
        return Reason.NO_EMAIL
    if policy.allowed_domains and domain(email) not in policy.allowed_domains:
        return Reason.DOMAIN
    if not policy.trust_email and claims.get("email_verified") not in {True, "true"}:
        return Reason.UNVERIFIED
    return None


def email_of(claims: Mapping[str, Any]) -> str | None:
    """The address, in its one spelling."""
    given = claims.get("email")
    try:
        return normalise(given) if isinstance(given, str) else None
    except InvalidInput:
        return None


def name_of(claims: Mapping[str, Any], email: str) -> str:
    """A name for people: what the provider says, cleaned, else the address."""
    for key in ("name", "preferred_username", "nickname"):
        given = claims.get(key)
        if isinstance(given, str):
            shown = " ".join("".join(char if char.isprintable() else " " for char in given).split())[:MAX_NAME_CHARS]
            if shown:
                return shown
    return email[:MAX_NAME_CHARS]


def roles_by(rules: Sequence[ClaimRule], claims: Mapping[str, Any]) -> frozenset[Role]:
    """What the claims give."""
    return frozenset(Role(rule.role) for rule in rules if _holds(_claim(claims, rule.claim), rule.value))


def _claim(claims: Mapping[str, Any], path: str) -> Any:
    """By its whole name first: names of claims may be URLs, with dots."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def _holds(found: Any, wanted: str) -> bool:
    if wanted == "*":
        return bool(found)
    if isinstance(found, list):
        return any(_holds(item, wanted) for item in found if not isinstance(item, list))
    if isinstance(found, bool):
        return wanted == ("true" if found else "false")
    return isinstance(found, (str, int)) and str(found) == wanted
