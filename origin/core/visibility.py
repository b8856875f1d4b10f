"""Who may see an asset, who may change it, and whether its media need a playback token: the one rule. Pure.

              in lists, search   by its link   media
    public    everybody          everybody     open
    unlisted  nobody             everybody     open
    private   nobody             editors       with a playback token
    scheduled nobody             editors       with a playback token; becomes public by itself at `publish_at`

Editors are the owner, as long as they may publish, and administrators. Everybody sees the own assets under `mine`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from playnet.errors import Forbidden, InvalidInput, NotFound

from .accounts.callers import AccountId, Caller
from .accounts.roles import Permission

Visibility = Literal["public", "unlisted", "private", "scheduled"]

_FARTHEST: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rule looks at. `owner` None: made by automation."""

    visibility: Visibility
    owner: AccountId | None


def is_sealed(visibility: Visibility) -> bool:
    """Whether manifests and media are served to playback tokens only."""
    return visibility in {"private", "scheduled"}


def may_edit(standing: Standing, caller: Caller) -> bool:
    """Whether `caller` may change, replace and delete it."""
    if Permission.ADMINISTER in caller.permissions:
        return True
    owns = caller.account is not None and caller.account == standing.owner
    return owns and Permission.PUBLISH in caller.permissions


def may_see(standing: Standing, caller: Caller) -> bool:
    """Whether `caller` may know of it when they have its link."""
    return not is_sealed(standing.visibility) or may_edit(standing, caller)


def require_seen(asset: str, standing: Standing | None, caller: Caller) -> Standing:
    """NotFound for what is not there and for what this caller may not know of: nobody can tell the two apart."""
    if standing is None or not may_see(standing, caller):
        raise NotFound(f"there is no asset {asset}", asset=asset)
    return standing


def require_editor(asset: str, standing: Standing | None, caller: Caller) -> Standing:
    """NotFound as above; Forbidden for what is another's."""
    seen = require_seen(asset, standing, caller)
    if not may_edit(seen, caller):
        raise Forbidden("this video belongs to somebody else: its owner or an administrator can do this", asset=asset)
    return seen


def publish_moment(
    visibility: Visibility, wanted: datetime | None, *, before: tuple[Visibility, datetime | None] | None, now: datetime
) -> datetime | None:
    """When it became public or will: its place in lists. `before`: visibility and moment until now; None for a new asset.

    InvalidInput for a moment that does not go with the visibility.
    """
    if visibility != "scheduled":
        if wanted is not None:
            raise InvalidInput("publish_at: only together with `visibility: scheduled`")
        if visibility != "public" or before is None:
            return None  # a new asset stands in lists by its creation
        return before[1] if before[0] == "public" else now
    if wanted is None and before is not None and before[0] == "scheduled":
        wanted = before[1]
    if wanted is None:
        raise InvalidInput("publish_at: a scheduled video needs the moment when it becomes public")
    if wanted.tzinfo is None:
        raise InvalidInput("publish_at: expected a time zone, as in 2026-05-01T18:00:00+02:00")
    if not now < wanted < now + _FARTHEST:
        raise InvalidInput("publish_at: expected a moment in the next ten years; use `visibility: public` for now")
    return wanted
