"""Response fields of everything below `/v/`: how long edges and players keep it, and how a purge finds it. Pure.

`Surrogate-Key` is for our edges, which strip it. `s-maxage` is theirs, `max-age` the player's: playlists are purged
at the edges when they change, players cannot be.
"""

import hashlib
import re
from collections.abc import Mapping

from playnet.names import AssetId, MediaKey, Revision, asset_tag, revision_tag, surrogate_key
from playnet.store.port import Stat

IMMUTABLE = "public, max-age=31536000, immutable"  # one year: RFC 9111 §5.2.2.1, RFC 8246
REVISION_MANIFEST = "public, max-age=60, s-maxage=3600, stale-while-revalidate=60, stale-if-error=86400"
CURRENT_MANIFEST = "public, max-age=5, s-maxage=300, stale-while-revalidate=30, stale-if-error=86400"
ABSENT = "public, max-age=1, s-maxage=2"  # a flood of requests for one absent name costs the origin one of them

EXPOSED = "Content-Length, Content-Range, Cache-Status, Age, ETag"

# Of private assets: other caches keep nothing, players a little; our edges as long as of public ones, but sealed (RFC 9213).
PRIVATE_MEDIA = "private, max-age=3600, immutable"
PRIVATE_MANIFEST = "private, max-age=5"
_SEAL = {"PlayNet-Access": "token"}

_CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": EXPOSED,
    "Timing-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}


def object_headers(key: MediaKey, stat: Stat, *, last_modified: str, private: bool = False) -> dict[str, str]:
    """Fields of one immutable object, without length and range. `last_modified`: RFC 9110 §5.6.7 date."""
    return {
        **_CROSS_ORIGIN,
        "Content-Type": key.media_type,
        **(_sealed(PRIVATE_MEDIA, IMMUTABLE) if private else {"Cache-Control": IMMUTABLE}),
        "Surrogate-Key": surrogate_key((asset_tag(key.asset), revision_tag(key.asset, key.revision))),
        "Last-Modified": last_modified,
        "ETag": object_etag(stat),
        "Accept-Ranges": "bytes",
    }


def object_etag(stat: Stat) -> str:
    """nginx's own static ETag, so that an edge's hot tree and its brain agree: hex mtime and size."""
    return f'"{stat.modified_s:x}-{stat.size_bytes:x}"'


def manifest_headers(
    asset: AssetId, revision: Revision, *, current: bool, media_type: str, etag: str, private: bool = False
) -> dict[str, str]:
    """Fields of one playlist or MPD; `current`: the asset's, which moves to the next revision when there is one."""
    told = CURRENT_MANIFEST if current else REVISION_MANIFEST
    return {
        **_CROSS_ORIGIN,
        "Content-Type": media_type,
        **(_sealed(PRIVATE_MANIFEST, told) if private else {"Cache-Control": told}),
        "Surrogate-Key": surrogate_key((asset_tag(asset), revision_tag(asset, revision))),
        "ETag": etag,
    }


def _sealed(players: str, edges: str) -> dict[str, str]:
    """What is said to players, and to our edges alone what would be said of something public."""
    own = ", ".join(word for word in edges.split(", ") if word != "public")
    s_maxage = re.search(r"s-maxage=(\d+)", own)
    if s_maxage is not None:
        own = re.sub(r"max-age=\d+, s-maxage=\d+", f"max-age={s_maxage[1]}", own)
    return {"Cache-Control": players, "PlayNet-CDN-Cache-Control": own, **_SEAL}


def body_etag(body: bytes) -> str:
    """A strong validator from the bytes: the same on every origin. RFC 9110 §8.8.3."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def absent_headers(asset: AssetId | None) -> dict[str, str]:
    """Fields of a 404 below `/v/`: kept for a moment, and found by the asset's next purge."""
    headers = {**_CROSS_ORIGIN, "Cache-Control": ABSENT}
    if asset is not None:
        headers["Surrogate-Key"] = asset_tag(asset)
    return headers


# A player's CORS preflight (Fetch standard, CORS-preflight fetch): reads with ranges, conditions and CMCD (CTA-5004).
PREFLIGHT: Mapping[str, str] = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Range, If-Range, If-None-Match, If-Modified-Since, "
    "CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "public, max-age=86400",
}
