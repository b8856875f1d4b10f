"""The life of an asset, and who may do what when. Pure.

    waiting ──upload──► uploading ──acknowledged──► queued ──► processing ──► ready
       ▲                  │    ▲                                  │
       └──cut off, idle───┘    └──────────another upload────── failed

The origin moves an asset up to `queued`, the transcoder from there. A `failed` asset takes another source as the
next revision. Replacing the source of a `ready` asset belongs to the catalogue of a later version.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, assert_never

from playnet.errors import Conflict
from playnet.media.summary import Summary
from playnet.names import AssetId, Revision

from .accounts.callers import AccountId
from .metadata import Metadata
from .visibility import Standing

State = Literal["waiting", "uploading", "queued", "processing", "ready", "failed"]

STATES: tuple[State, ...] = ("waiting", "uploading", "queued", "processing", "ready", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One row of `asset`, with a summary of what viewers get."""

    id: AssetId
    metadata: Metadata
    owner: AccountId | None
    version: int
    restore_until: datetime | None
    state: State
    failure: str | None
    progress: float
    source_name: str | None
    source_bytes: int | None
    uploaded_bytes: int
    revision: Revision | None
    summary: Summary | None
    created_at: datetime
    updated_at: datetime
    views: int = 0
    likes: int = 0
    dislikes: int = 0

    @property
    def standing(self) -> Standing:
        return Standing(self.metadata.visibility, self.owner)


@dataclass(frozen=True, slots=True)
class Start:
    """Take the upload. `replaces`: an earlier one, whose owner is gone, has to be set aside first."""

    replaces: bool


def begin_upload(state: State, *, open_upload: bool, lease_lives: bool) -> Start:
    """Whether a source may be sent now. Conflict says why not and what to do instead.

    `open_upload`: an upload was begun and neither acknowledged nor given up; `lease_lives`: its owner was heard of lately.
    """
    match state:
        case "waiting" | "uploading" | "failed":
            if open_upload and lease_lives:
                raise Conflict("another upload of this asset is under way: wait for its end, or try again in a minute")
            return Start(replaces=open_upload)
        case "queued" | "processing":
            raise Conflict("this asset has its source already and is being processed")
        case "ready":
            raise Conflict("this asset is ready; create another asset for another video")
        case _:
            assert_never(state)
