"""The section `auth`: who may sign in, by what, for how long."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from .section import Name, Section
from .units import Duration

_ISSUER = r"^https?://[^\s?#]+$"
_DOMAIN = r"^[a-z0-9.-]{3,253}$"
_TEXT = r"^\S.{0,198}\S$|^\S$"
AUTH_SHAPES = {
    _ISSUER: "an https:// URL without query, as the provider's discovery document spells it",
    _DOMAIN: "a domain in lower case, for example example.org",
    _TEXT: "1 to 200 characters without space at either end",
}

RoleName = Literal["admin", "operator", "publisher", "viewer"]
Text = Annotated[str, Field(pattern=_TEXT)]


class RoleByClaim(Section):
    """Who has this claim has this role, on top of what an administrator granted."""

    claim: Text = Field(description="Name of the claim, or a path into it (`realm_access.roles`).", examples=["groups"])
    value: Text = Field(
        description="What it must be, or hold when it is a list; `*`: anything but false or nothing.",
        examples=["video-publishers"],
    )
    role: RoleName = Field(description="The role.", examples=["publisher"])


class Provider(Section):
    """One OpenID Connect provider: Keycloak, Authentik, Google, Firebase or any other with a discovery document."""

    name: Name = Field(
        examples=["example"],
        description="In URLs: the redirect URI is PUBLIC_URL/api/v1/providers/NAME/callback.",
    )
    label: Text | None = Field(
        None, description="On the button of the sign-in page. Without it, the name.", examples=["Example Ltd"]
    )
    issuer: str = Field(
        pattern=_ISSUER,
        description="Discovery is read below it. HTTPS, unless it is on loopback.",
        examples=["https://login.example.org/realms/video"],
    )
    client_id: Text = Field(description="As registered at the provider.", examples=["playnet"])
    client_secret_file: Path | None = Field(
        None,
        description="File that holds the client secret. Without it a public client, protected by PKCE alone.",
        examples=["/etc/playnet/oidc-secret"],
    )
    scopes: tuple[Text, ...] = Field(
        ("openid", "profile", "email"), min_length=1, max_length=20, description="Asked for at sign-in."
    )
    allowed_domains: tuple[Annotated[str, Field(pattern=_DOMAIN)], ...] = Field(
        (),
        max_length=100,
        description="Only verified e-mail addresses of these domains may sign in, and an account that is here already is "
        "joined by its address. Empty: any address, and no account is joined by address.",
        examples=[["example.org"]],
    )
    trust_email: bool = Field(
        False,
        description="Take addresses as verified although the provider does not say so in `email_verified`: only for one whose "
        "users cannot choose their address.",
    )
    sign_in: bool = Field(
        True, description="Whether the sign-in page offers it; Firebase, for one, is for bearers only."
    )
    sign_up: bool = Field(True, description="Whether who comes first time gets an account.")
    default_role: RoleName = Field("viewer", description="The role of accounts that are made at sign-in.")
    roles: tuple[RoleByClaim, ...] = Field((), max_length=100, description="Claims that give roles.")
    bearer: bool = Field(
        False, description="Take this provider's ID tokens as `Authorization: Bearer` for API calls, too."
    )
    audiences: tuple[Text, ...] = Field(
        (), max_length=20,
        description="Further client ids whose ID tokens are taken as bearers, for example of a phone app.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _openid(self) -> "Provider":
        if "openid" not in self.scopes:
            raise ValueError("expected `openid` among the scopes: without it the provider gives no ID token")
        return self


class Auth(Section):
    """Who may do what: accounts, sessions, providers, and the token for automation."""

    api_token_file: Path | None = Field(
        None,
        description="File with the token of automation: it may do everything. Without it, DATA_DIR/secrets/api-token, made at first start.",
        examples=["/etc/playnet/api-token"],
    )
    session_idle: Duration = Field(
        "14d", ge=60, le=366 * 86_400, validate_default=True,
        description="A session that is not used for so long is over.",
    )  # fmt: skip
    session_lifetime: Duration = Field(
        "60d", ge=60, le=366 * 86_400, validate_default=True,
        description="Then it is over even when used: sign in again.",
    )  # fmt: skip
    plain_http: bool = Field(
        False,
        description="Let people sign in over http:// beyond loopback, where everybody on the way can read passwords. "
        "Better: `site.public_url` with https://.",
    )
    trusted_fronts: tuple[Text, ...] = Field(
        ("127.0.0.0/8", "::1/128"),
        max_length=100,
        description="Networks of the fronts: from them, and only from them, X-Forwarded-For is believed.",
    )
    providers: tuple[Provider, ...] = Field((), max_length=20, description="Sign-in by OpenID Connect.")

    @field_validator("trusted_fronts")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network)
            except ValueError as exc:
                raise ValueError(f"expected networks like 192.0.2.0/24: {exc}") from exc
        return value

    @model_validator(mode="after")
    def _consistent(self) -> "Auth":
        names = [provider.name for provider in self.providers]
        if len(set(names)) != len(names):
            raise ValueError("expected every provider to have a name of its own")
        if self.session_idle > self.session_lifetime:
            raise ValueError("expected session_idle to be at most session_lifetime")
        return self
