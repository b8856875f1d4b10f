"""What publishers send about assets: JSON models, and what they come to. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from playnet.errors import InvalidInput

from .metadata import (
    MAX_DESCRIPTION_CHARS,
    MAX_TAGS,
    Metadata,
    clean_description,
    clean_label,
    clean_language,
    clean_tags,
)
from .titles import clean_title
from .visibility import Visibility, publish_moment

_TITLE = "1 to 300 characters of plain text; shown as it is, never as markup."
_DESCRIPTION = f"At most {MAX_DESCRIPTION_CHARS} characters of plain text, with line ends."
_TAGS = f"At most {MAX_TAGS}, each of 1 to 50 characters; upper and lower case are one."
_CATEGORY = "1 to 50 characters; upper and lower case are one."
_LANGUAGE = "BCP 47 tag of what is spoken or written: search then knows its word endings."
_VISIBILITY = (
    "`public`: in lists and search. `unlisted`: for whoever has the link. `private`: for its owner, and for players with a "
    "playback token. `scheduled`: private until `publish_at`, then public."
)
_PUBLISH_AT = "With its time zone; only with `scheduled`."
_MOST_TAGS: Final = 10 * MAX_TAGS  # as sent, before those that are the same become one

_EXAMPLE: dict[str, Any] = {
    "title": "Big Buck Bunny",
    "description": "A large rabbit takes revenge.",
    "tags": ["animation", "rabbits"],
    "category": "film",
    "language": "en",
    "visibility": "scheduled",
    "publish_at": "2027-05-01T18:00:00+02:00",
}


class NewAsset(BaseModel):
    """What a publisher gives to create an asset."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE, {"title": "Big Buck Bunny"}]})

    title: str = Field(description=_TITLE)
    description: str = Field("", description=_DESCRIPTION)
    tags: list[str] = Field(default_factory=list, max_length=_MOST_TAGS, description=_TAGS)
    category: str | None = Field(None, description=_CATEGORY)
    language: str | None = Field(None, description=_LANGUAGE)
    visibility: Visibility = Field("public", description=_VISIBILITY)
    publish_at: datetime | None = Field(None, description=_PUBLISH_AT)

    def metadata(self, now: datetime) -> Metadata:
        """Cleaned. InvalidInput names the field."""
        return Metadata(
            title=clean_title(self.title),
            description=clean_description(self.description),
            tags=clean_tags(self.tags),
            category=clean_label(self.category, "category") if self.category is not None else None,
            language=clean_language(self.language) if self.language is not None else None,
            visibility=self.visibility,
            publish_at=publish_moment(self.visibility, self.publish_at, before=None, now=now),
        )


class AssetEdit(BaseModel):
    """What to change; what is left out stays, null empties."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"title": "Big Buck Bunny (restored)", "category": None}, {"visibility": "private"}]},
    )  # fmt: skip

    title: str | None = Field(None, description=_TITLE)
    description: str | None = Field(None, description=_DESCRIPTION)
    tags: list[str] | None = Field(None, max_length=_MOST_TAGS, description=_TAGS)
    category: str | None = Field(None, description=_CATEGORY)
    language: str | None = Field(None, description=_LANGUAGE)
    visibility: Visibility | None = Field(None, description=_VISIBILITY)
    publish_at: datetime | None = Field(None, description=_PUBLISH_AT)

    def applied(self, before: Metadata, now: datetime) -> Metadata:
        """What `before` becomes. InvalidInput names the field."""
        return replace(before, **self._texts(), **self._publication(before, now))

    def _texts(self) -> Mapping[str, Any]:
        cleaned: dict[str, Any] = {}
        for name in self.model_fields_set - {"visibility", "publish_at"}:
            value = getattr(self, name)
            match name:
                case "title":
                    if value is None:
                        raise InvalidInput("title: every video has one")
                    cleaned[name] = clean_title(value)
                case "description":
                    cleaned[name] = clean_description(value or "")
                case "tags":
                    cleaned[name] = clean_tags(value or ())
                case "category":
                    cleaned[name] = None if value is None else clean_label(value, name)
                case "language":
                    cleaned[name] = None if value is None else clean_language(value)
        return cleaned

    def _publication(self, before: Metadata, now: datetime) -> Mapping[str, Any]:
        if not self.model_fields_set & {"visibility", "publish_at"}:
            return {}
        visibility = self.visibility or before.visibility
        earlier = (before.visibility, before.publish_at)
        moment = publish_moment(visibility, self.publish_at, before=earlier, now=now)
        return {"visibility": visibility, "publish_at": moment}
