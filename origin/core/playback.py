"""Addresses to play: what the API hands to a viewer who may. Pure. docs/decisions/playback-tokens.md says how they work."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playnet.names import AssetId, asset_prefix, dash_path, hls_path, watch_path
from playnet.tokens import Claims, KeySet, Revocation, mint
from playnet.tokens.revocation import Kind, problem_of


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewToken(_Model):
    """What a token shall allow."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"asset": "k3v9m2qx7ahd", "life_s": 3600}]}
    )

    asset: str = Field(description="Which video: all of its manifests and media.")
    life_s: int | None = Field(None, ge=10, description="Seconds until it expires; `tokens.life` without it.")
    client: str | None = Field(None, max_length=49, description="Network or address that alone may use it.")
    session: str | None = Field(None, max_length=64, description="A name by which it can be revoked.")
    subject: str | None = Field(None, max_length=64, description="Whose it is; a name by which it can be revoked.")


class PlaybackView(_Model):
    """Addresses that work until they expire or are revoked. Whoever has them can play."""

    token: str
    expires_at: datetime
    hls_url: str
    dash_url: str
    watch_url: str = Field(description="The token stands behind `#`: browsers never send that.")


class NewRevocation(_Model):
    """What no edge shall accept any more: every such token that was issued until now."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "prefix", "value": "/v/k3v9m2qx7ahd/"}]}
    )

    kind: Kind
    value: str = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _names_something(self) -> "NewRevocation":
        if problem := problem_of(self.kind, self.value):
            raise ValueError(problem)
        return self

    def at(self, moment_s: int) -> Revocation:
        """The order."""
        return Revocation(kind=self.kind, value=self.value, at=moment_s)


class RevocationAccepted(_Model):
    """It reaches every edge, also those that are away now."""

    id: int
    at: int = Field(description="Unix seconds: tokens that were issued until then are refused.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One token to make. Times in whole Unix seconds."""

    asset: AssetId
    issued_s: int
    life_s: int
    client: str | None = None
    session: str | None = None
    subject: str | None = None


def playback(keys: KeySet, grant: Grant, public_url: str) -> PlaybackView:
    """The addresses of one grant. ValueError, for people, for what cannot be signed."""
    expires_s = grant.issued_s + grant.life_s
    claims = Claims(
        issued_s=grant.issued_s,
        expires_s=expires_s,
        prefix=f"/{asset_prefix(grant.asset)}",
        network=grant.client,
        session=grant.session,
        subject=grant.subject,
    )
    token = mint(keys, claims)
    return PlaybackView(
        token=token,
        expires_at=datetime.fromtimestamp(expires_s, UTC),
        hls_url=f"{public_url}/t/{token}{hls_path(grant.asset)}",
        dash_url=f"{public_url}/t/{token}{dash_path(grant.asset)}",
        watch_url=f"{public_url}{watch_path(grant.asset)}#t={token}",
    )
