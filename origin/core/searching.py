"""What a search asks for and answers: text, filters, its own cursor. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import ConfigDict, Field

from playnet.errors import InvalidInput
from playnet.names import AssetId, parse_asset_id

from .assets import Asset
from .listing import Narrowed
from .representation import AssetPage, represent
from .titles import clean_text

MAX_QUERY_CHARS: Final = 200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_CURSOR = re.compile(r"(\d{1,9})\.(\d{1,17})\.([a-z0-9]{12})", re.ASCII)
_LANGUAGE = re.compile(r"\s*([A-Za-z]{2,3})\b", re.ASCII)


class Sought(Narrowed):
    """A search."""

    q: str = Field(
        max_length=1000,
        description='Words, all of which have to be there; "a phrase", `or`, `-without`. Slips are looked past when nothing is found.',
    )

    def text(self) -> str:
        """Cleaned. InvalidInput."""
        return clean_text(" ".join(self.q.split()), "q", MAX_QUERY_CHARS)


class Found(AssetPage):
    """One page of what was found, the best first; at most about a thousand in all."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"items": [], "next": None, "corrected": "bunny"}]}
    )

    corrected: str | None = Field(
        description="What was searched for instead, because nothing has the text as it was given."
    )


@dataclass(frozen=True, slots=True)
class Place:
    """The row after which a page starts."""

    rank: int
    listed_at: datetime
    id: AssetId


@dataclass(frozen=True, slots=True)
class Hits:
    """One page of assets. `corrected`: the text that they were found by, when it is not the one that was given."""

    assets: list[Asset]
    next: Place | None
    corrected: str | None = None


def represent_hits(hits: Hits, public_url: str) -> Found:
    """As the API shows them."""
    return Found(
        items=[represent(asset, public_url) for asset in hits.assets],
        next=write_place(hits.next) if hits.next else None,
        corrected=hits.corrected,
    )


def write_place(place: Place) -> str:
    """URL-safe text."""
    text = f"{place.rank}.{(place.listed_at - _EPOCH) // _MICROSECOND}.{place.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_place(text: str) -> Place:
    """The inverse. InvalidInput for anything that `write_place` does not make."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error):
        decoded = ""
    match = _CURSOR.fullmatch(decoded)
    asset = parse_asset_id(match[3]) if match else None
    if match is None or asset is None:
        raise InvalidInput("cursor: expected `next` of an earlier page, unchanged")
    return Place(int(match[1]), _EPOCH + int(match[2]) * _MICROSECOND, asset)


def query_language(accept_language: str | None) -> str | None:
    """The language that a query is most likely in: the first of Accept-Language (RFC 9110 §12.5.4)."""
    match = _LANGUAGE.match(accept_language or "")
    return match[1].lower() if match else None
