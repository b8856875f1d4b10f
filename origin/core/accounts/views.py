"""Accounts, sessions, tokens and the record of acts as the API shows them. Pure."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .passwords import MAX_CHARS, MIN_CHARS
from .roles import Permission, Role

_ID = "k3v9m2qx7ahd"
_WHEN = "2026-01-05T10:00:00Z"
_PASSWORD = f"{MIN_CHARS} to {MAX_CHARS} characters."


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


_ACCOUNT = {
    "id": _ID, "email": "ada@example.org", "name": "Ada", "roles": ["publisher"], "disabled": False,
    "has_password": True, "created_at": _WHEN, "updated_at": _WHEN,
}  # fmt: skip


class SignIn(_Model):
    """E-mail address and password."""

    model_config = _example(email="ada@example.org", password="a long sentence of yours")  # noqa: S106

    email: str = Field(max_length=1000)
    password: str = Field(max_length=1000)


class Me(_Model):
    """The account that is signed in."""

    id: str
    email: str
    name: str
    roles: list[Role]


class SessionView(_Model):
    """Who asks. `account` null: nobody has signed in here."""

    model_config = _example(
        account={"id": _ID, "email": "ada@example.org", "name": "Ada", "roles": ["publisher"]},
        permissions=["publish", "watch"],
        csrf_token="5f1d…",  # noqa: S106
    )

    account: Me | None
    permissions: list[Permission] = Field(description="What this caller may do.")
    csrf_token: str | None = Field(
        description="For programs that use the cookie: send it as `X-CSRF-Token` with calls that change something."
    )


class DeviceView(_Model):
    """One session, as its owner knows it."""

    model_config = _example(
        id="0f3a…", device="Firefox on Linux", address="192.0.2.7", created_at=_WHEN, seen_at=_WHEN, current=True
    )

    id: str
    device: str = Field(description="As the browser calls itself.")
    address: str = Field(description="Where it signed in.")
    created_at: datetime
    seen_at: datetime = Field(description="To the minute.")
    current: bool = Field(description="Whether it is the one that asks.")


class Devices(_Model):
    """All sessions of an account, the last used first; at most fifty."""

    items: list[DeviceView]


class PasswordChange(_Model):
    """One's own password."""

    model_config = _example(current="a long sentence of yours", new="another long sentence")

    current: str = Field(max_length=1000)
    new: str = Field(max_length=1000, description=_PASSWORD)


class NewAccountBody(_Model):
    """An account to create. Without a password its owner signs in by a provider."""

    model_config = _example(email="ada@example.org", name="Ada", roles=["publisher"], password=None)

    email: str = Field(max_length=1000)
    name: str | None = Field(None, description="1 to 200 characters; without it, the address.", max_length=1000)
    roles: list[Role] = Field(default_factory=lambda: [Role.VIEWER], max_length=len(Role))
    password: str | None = Field(None, max_length=1000, description=_PASSWORD)


class AccountEdit(_Model):
    """What to change; what is left out stays."""

    model_config = _example(roles=["publisher", "operator"])

    name: str | None = Field(None, max_length=1000)
    roles: list[Role] | None = Field(None, max_length=len(Role))
    disabled: bool | None = Field(None, description="A disabled account is signed out everywhere at once.")


class NewPassword(_Model):
    """A password that an administrator gives."""

    model_config = _example(password="a long sentence of yours")  # noqa: S106

    password: str = Field(max_length=1000, description=_PASSWORD)


class AccountView(_Model):
    """One account, for administrators."""

    model_config = _example(**_ACCOUNT)

    id: str
    email: str
    name: str
    roles: list[Role] = Field(description="Granted here; a provider's claims may give more at sign-in.")
    disabled: bool
    has_password: bool
    created_at: datetime
    updated_at: datetime


class AccountPage(_Model):
    """One page of the list, newest first."""

    items: list[AccountView]
    next: str | None = Field(description="Give it as `cursor` to get the page after this one; null at the end.")


class NewApiToken(_Model):
    """A token to create."""

    model_config = _example(name="upload script", scopes=["publish"], expires_at=None)

    name: str = Field(max_length=1000, description="1 to 200 characters: what it is for.")
    scopes: list[Permission] = Field(
        min_length=1, max_length=len(Permission), description="Never more than its owner may at the time of a call."
    )
    expires_at: datetime | None = Field(None, description="With its time zone. Null: when it is revoked.")


class ApiTokenView(_Model):
    """One token, without its secret."""

    model_config = _example(
        id=_ID, name="upload script", scopes=["publish"], created_at=_WHEN, expires_at=None, used_at=None
    )

    id: str
    name: str
    scopes: list[Permission]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None = Field(description="To the minute; null: never.")


class CreatedApiToken(ApiTokenView):
    """A new token."""

    model_config = _example(
        id=_ID, name="upload script", scopes=["publish"], created_at=_WHEN, expires_at=None, used_at=None,
        token=f"pn_{_ID}_…",
    )  # fmt: skip

    token: str = Field(description="Shown this once: `Authorization: Bearer …`.")


class ApiTokens(_Model):
    """All tokens of an account that are not revoked; at most a hundred."""

    items: list[ApiTokenView]


class ActView(_Model):
    """One administrative act."""

    model_config = _example(
        id=17, at=_WHEN, actor=_ID, actor_name="ada@example.org", action="account.edit", target="m4c8…",
        details={"roles": {"from": ["viewer"], "to": ["publisher"]}}, request_id="9f1c2b7a6d5e4c3b", address="192.0.2.7",
    )  # fmt: skip

    id: int
    at: datetime
    actor: str = Field(description="An account's id, or `automation` for the appliance's own API token.")
    actor_name: str
    action: str
    target: str | None
    details: dict[str, Any]
    request_id: str | None
    address: str | None


class ActPage(_Model):
    """One page of the record, newest first."""

    items: list[ActView]
    next: int | None = Field(description="Give it as `before` to get the page after this one; null at the end.")


class ProviderView(_Model):
    """One way to sign in."""

    model_config = _example(name="example", label="Example Ltd", start_url="/api/v1/providers/example/start")

    name: str
    label: str
    start_url: str = Field(description="Open it in the browser; `?next=/path` comes back there.")


class Providers(_Model):
    """All ways to sign in."""

    passwords: bool = Field(description="Whether passwords are taken at this address.")
    items: list[ProviderView]
