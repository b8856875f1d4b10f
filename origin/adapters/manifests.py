"""Playlists and MPDs, rendered from PostgreSQL; the last good ones serve while it is away."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from origin.core.caching import body_etag, manifest_headers
from origin.core.manifests import render
from origin.core.recent import Recent
from origin.core.visibility import Visibility, is_sealed
from playnet.db.database import Database
from playnet.errors import NotFound, Unavailable
from playnet.http.dates import format_date
from playnet.media.records import Presentation
from playnet.names import ManifestKey, Revision

from .assets import absent
from .presence import Presence
from .statements import SQL

_MAX_BYTES: Final = 32 << 20  # about 400 media playlists of three hours, or 10,000 short ones


_Version = tuple[int, datetime | None, Visibility]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One rendered manifest with its response fields."""

    body: bytes
    headers: dict[str, str]
    version: _Version


class Manifests:
    """Renders on demand and remembers."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database, self._presence = database, presence
        self._last_good: Recent[ManifestKey, Manifest] = Recent(_MAX_BYTES)

    async def get(self, key: ManifestKey) -> Manifest:
        """NotFound: no such asset, revision or rendition, or not ready yet. Unavailable only without a last good one."""
        known = self._last_good.get(key)
        try:
            async with self._database.connection() as connection:
                row = await connection.fetchrow(SQL["presentation"], key.asset, key.revision)
        except Unavailable:
            if known is None:
                raise
            return known
        if row is None or row["presentation"] is None:
            self._last_good.drop(key)
            if row is None:
                raise absent(key.asset)
            raise NotFound(f"asset {key.asset} has nothing to play here yet", asset=key.asset)
        self._presence.note(key.asset, row["visibility"])  # segments come next, perhaps when the database is away
        version = (row["number"], row["published_at"], row["visibility"])
        if known is not None and known.version == version:
            return known
        manifest = _render(key, Presentation.model_validate(row["presentation"]), version)
        self._last_good.put(key, manifest, len(manifest.body))
        return manifest


def _render(key: ManifestKey, presentation: Presentation, version: _Version) -> Manifest:
    number, published_at, visibility = version
    revision = Revision(number)
    body = render(key, presentation, revision)
    if body is None:
        raise NotFound(f"revision {number} of asset {key.asset} has no rendition {key.folder}", asset=key.asset)
    headers = manifest_headers(
        key.asset,
        revision,
        current=key.revision is None,
        media_type=key.media_type,
        etag=body_etag(body),
        private=is_sealed(visibility),
    )
    if published_at is not None:
        headers["Last-Modified"] = format_date(published_at.timestamp())
    return Manifest(body, headers, version)
