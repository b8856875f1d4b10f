"""What a list can be narrowed to. Pure."""

from pydantic import BaseModel, ConfigDict, Field

from .metadata import label_of
from .paging import DEFAULT_LIMIT, MAX_LIMIT


class Narrowed(BaseModel):
    """Filters of lists and of search; an asset has to pass all of them."""

    model_config = ConfigDict(extra="forbid")

    tag: str | None = Field(None, max_length=200, description="Only assets with this tag.")
    category: str | None = Field(None, max_length=200, description="Only assets of this category.")
    language: str | None = Field(None, max_length=200, description="Only assets in this language, whatever its region.")
    owner: str | None = Field(None, max_length=200, description="Only assets of this account.")
    limit: int = Field(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: str | None = Field(None, max_length=200, description="`next` of the page before.")

    def labels(self) -> tuple[str, ...]:
        """As `asset_label` spells them, those that few assets have first. InvalidInput."""
        given = (("tag", self.tag), ("owner", self.owner), ("category", self.category), ("language", self.language))
        return tuple(label_of(kind, value) for kind, value in given if value is not None)


class Wanted(Narrowed):
    """A list of assets."""

    mine: bool = Field(False, description="One's own, whatever their visibility.")
    all: bool = Field(False, description="Everybody's, whatever their visibility; for administrators.")
    deleted: bool = Field(False, description="What can be restored: of one's own, or with `all` of everybody.")
