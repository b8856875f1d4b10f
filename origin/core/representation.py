"""Assets as the API shows them: records in, JSON models out, with absolute URLs. Pure."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playnet.media.records import TextTrack
from playnet.media.summary import Rendition
from playnet.names import dash_path, hls_path, revision_prefix, watch_path
from playnet.purge.objection import objection
from playnet.purge.order import PurgeOrder

from .assets import Asset, State
from .paging import Page, write_cursor
from .visibility import Visibility

_EXAMPLE_ID = "k3v9m2qx7ahd"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Captions(_Model):
    """One language of captions."""

    label: str
    language: str | None
    forced: bool = Field(description="Only what has to be read even by those who understand the sound.")
    hearing: bool = Field(description="With sounds described.")
    url: str = Field(description="WebVTT.")


class AssetView(_Model):
    """One asset."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": _EXAMPLE_ID,
                    "title": "Big Buck Bunny",
                    "description": "A large rabbit takes revenge.",
                    "tags": ["animation", "rabbits"],
                    "category": "film",
                    "language": "en",
                    "visibility": "public",
                    "publish_at": None,
                    "owner_id": "p4c8w3e6r2t5",
                    "restore_until": None,
                    "state": "processing",
                    "failure": None,
                    "progress": 0.42,
                    "source_name": "bbb.mp4",
                    "source_bytes": 31457280,
                    "uploaded_bytes": 31457280,
                    "duration_s": None,
                    "renditions": [],
                    "watch_url": f"http://127.0.0.1:8080/watch/{_EXAMPLE_ID}",
                    "hls_url": f"http://127.0.0.1:8080/v/{_EXAMPLE_ID}/master.m3u8",
                    "dash_url": f"http://127.0.0.1:8080/v/{_EXAMPLE_ID}/manifest.mpd",
                    "poster_url": None,
                    "storyboard_url": None,
                    "views": 1024,
                    "likes": 12,
                    "dislikes": 1,
                    "captions": [],
                    "notes": [],
                    "created_at": "2026-01-05T10:00:00Z",
                    "updated_at": "2026-01-05T10:00:42Z",
                }
            ]
        },
    )

    id: str
    title: str
    description: str
    tags: list[str]
    category: str | None
    language: str | None
    visibility: Visibility
    publish_at: datetime | None = Field(description="When it became public, or will.")
    owner_id: str | None = Field(description="The account that it belongs to; null: made by automation.")
    restore_until: datetime | None = Field(description="Of a deleted one: until when it can be restored.")
    state: State
    failure: str | None = Field(description="Why it failed, for people; null unless `state` is `failed`.")
    progress: float = Field(ge=0, le=1, description="Of the processing.")
    source_name: str | None = Field(description="The publisher's file name.")
    source_bytes: int | None = Field(description="Size of the acknowledged source.")
    uploaded_bytes: int = Field(description="How much of the present upload has come.")
    duration_s: float | None
    renditions: list[Rendition]
    watch_url: str
    hls_url: str = Field(description="Answers 404 until the asset is ready.")
    dash_url: str = Field(description="Answers 404 until the asset is ready.")
    poster_url: str | None
    storyboard_url: str | None = Field(description="WebVTT index of preview pictures.")
    views: int = 0
    likes: int = 0
    dislikes: int = 0
    captions: list[Captions] = Field(description="WebVTT files; the manifests list them as well.")
    notes: list[str] = Field(description="What of the source is shown differently, or not at all, for people.")
    created_at: datetime
    updated_at: datetime


class AssetPage(_Model):
    """One page of the list, newest first."""

    items: list[AssetView]
    next: str | None = Field(description="Give it as `cursor` to get the page after this one; null at the end.")


class NewPurge(PurgeOrder):
    """What an operator orders. `dry_run`: forget nothing, say how much would be forgotten."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"kind": "tag", "value": "asset:k3v9m2qx7ahd", "dry_run": True}]},
    )

    dry_run: bool = False

    @model_validator(mode="after")
    def _sensible(self) -> "NewPurge":
        if (reason := objection(self)) is not None:
            raise ValueError(reason)
        return self

    @property
    def order(self) -> PurgeOrder:
        return PurgeOrder(kind=self.kind, value=self.value, soft=self.soft)


class PurgeAccepted(_Model):
    """A purge that will reach every edge, also those that are away now."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"id": 17}]})

    id: int = Field(description="Orders are applied in the order of their ids.")


class NodeReply(_Model):
    """What one edge said."""

    node: str
    answered: bool = Field(
        description="Of an order: it is applied there. An edge that is away applies it when it is back."
    )
    entries: int | None = Field(description="Cached entries that were meant; null while unknown.")


class PurgeReport(_Model):
    """What the edges said to a purge, or to a dry run of one."""

    id: int | None = Field(description="The order; null for a dry run.")
    complete: bool = Field(description="Whether all edges answered.")
    nodes: list[NodeReply]


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/docs/errors#not-found",
                    "title": "Not found",
                    "status": 404,
                    "detail": f"there is no asset {_EXAMPLE_ID}",
                    "code": "not-found",
                    "request_id": "9f1c2b7a6d5e4c3b",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable, for programs.")
    request_id: str | None


def represent(asset: Asset, public_url: str) -> AssetView:
    """One asset with URLs that start with `public_url` (no trailing slash)."""
    said, summary = asset.metadata, asset.summary
    return AssetView(
        id=asset.id,
        title=said.title,
        description=said.description,
        tags=list(said.tags),
        category=said.category,
        language=said.language,
        visibility=said.visibility,
        publish_at=said.publish_at,
        owner_id=asset.owner,
        restore_until=asset.restore_until,
        state=asset.state,
        failure=asset.failure if asset.state == "failed" else None,
        progress=asset.progress,
        source_name=asset.source_name,
        source_bytes=asset.source_bytes,
        uploaded_bytes=asset.uploaded_bytes,
        duration_s=summary.duration_s if summary else None,
        renditions=list(summary.renditions) if summary else [],
        watch_url=public_url + watch_path(asset.id),
        hls_url=public_url + hls_path(asset.id),
        dash_url=public_url + dash_path(asset.id),
        poster_url=_thumb_url(asset, "poster.jpg", public_url) if summary and summary.poster else None,
        storyboard_url=_thumb_url(asset, "storyboard.vtt", public_url) if summary and summary.storyboard else None,
        views=asset.views,
        likes=asset.likes,
        dislikes=asset.dislikes,
        notes=list(summary.notes) if summary else [],
        captions=[_captions(asset, text, public_url) for text in summary.texts] if summary else [],
        created_at=asset.created_at,
        updated_at=asset.updated_at,
    )


def represent_page(page: Page, public_url: str) -> AssetPage:
    """One page."""
    return AssetPage(
        items=[represent(asset, public_url) for asset in page.assets],
        next=write_cursor(page.next) if page.next else None,
    )


def _captions(asset: Asset, text: TextTrack, public_url: str) -> Captions:
    assert asset.revision is not None
    return Captions(
        label=text.label,
        language=text.language,
        forced=text.forced,
        hearing=text.hearing,
        url=f"{public_url}/{revision_prefix(asset.id, asset.revision)}{text.name}/1.vtt",
    )


def _thumb_url(asset: Asset, file: str, public_url: str) -> str | None:
    if asset.revision is None:
        return None
    return f"{public_url}/{revision_prefix(asset.id, asset.revision)}thumbs/{file}"
