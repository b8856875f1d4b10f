"""Cursors of lists: an opaque place between two rows, stable while rows come and go. Pure.

A cursor names the last row of a page by the list's order, (moment, id) descending. It is not signed: a
forged one can only start the public list somewhere else.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from playnet.errors import InvalidInput
from playnet.names import AssetId, parse_asset_id

from .assets import Asset

DEFAULT_LIMIT = 50
MAX_LIMIT = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST_US = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_MAX_CURSOR_CHARS = 100


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row after which a page starts."""

    moment: datetime
    id: AssetId


@dataclass(frozen=True, slots=True)
class Page:
    """One page of assets; `next`: where the page after it starts, None at the end."""

    assets: list[Asset]
    next: Cursor | None


def write_cursor(cursor: Cursor) -> str:
    """URL-safe text. Microseconds, as PostgreSQL keeps them, so that no row is skipped or repeated."""
    text = f"{(cursor.moment - _EPOCH) // _MICROSECOND}.{cursor.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The inverse. InvalidInput for anything that `write_cursor` does not make."""
    try:
        if len(text) > _MAX_CURSOR_CHARS:
            raise ValueError
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
        micros, _, name = decoded.partition(".")
        asset = parse_asset_id(name)
        if asset is None or not micros.isdigit() or int(micros) > _LATEST_US:
            raise ValueError
    except (ValueError, binascii.Error) as exc:
        raise InvalidInput("cursor: expected `next` of an earlier page, unchanged") from exc
    return Cursor(_EPOCH + int(micros) * _MICROSECOND, asset)
