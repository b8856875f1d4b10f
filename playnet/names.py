"""Names on the wire: ids, URL paths, object keys, surrogate keys. Pure; the only place that spells them.

An object's key in the store is its URL path without the leading slash, so that the same grammar guards both:
nothing with `..`, an escape, a NUL or an unknown suffix ever reaches a store.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NewType

AssetId = NewType("AssetId", str)
Revision = NewType("Revision", int)

ASSET_ID_LENGTH = 12
ASSET_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: ids are read aloud; 60 bits

_ASSET = rf"[{ASSET_ID_ALPHABET}]{{{ASSET_ID_LENGTH}}}"
_ASSET_RE = re.compile(_ASSET)
_FILE_RE = re.compile(
    rf"v/(?P<asset>{_ASSET})/(?P<revision>[1-9][0-9]{{0,8}})/"
    r"(?P<folder>[a-z0-9][a-z0-9-]{0,31})/(?P<file>[a-z0-9][a-z0-9-]{0,31}\.(?:m4s|mp4|jpg|vtt))"
)

_MANIFEST_RE = re.compile(
    rf"v/(?P<asset>{_ASSET})/(?:(?P<revision>[1-9][0-9]{{0,8}})/)?"
    r"(?:(?P<top>master\.m3u8|manifest\.mpd)|(?P<folder>[a-z0-9][a-z0-9-]{0,31})/playlist\.m3u8)"
)

# URL paths of both kinds as one pattern without groups, so that nginx can take it too.
MEDIA_PATH = (
    rf"/v/{_ASSET}/(?:(?:[1-9][0-9]{{0,8}}/)?(?:master\.m3u8|manifest\.mpd)"
    r"|[1-9][0-9]{0,8}/[a-z0-9][a-z0-9-]{0,31}/(?:playlist\.m3u8|[a-z0-9][a-z0-9-]{0,31}\.(?:m4s|mp4|jpg|vtt)))"
)

MEDIA_TYPES = {
    "m4s": "video/iso.segment",
    "mp4": "video/mp4",
    "jpg": "image/jpeg",
    "vtt": "text/vtt",
    "m3u8": "application/vnd.apple.mpegurl",
    "mpd": "application/dash+xml",
}


@dataclass(frozen=True, slots=True)
class MediaKey:
    """One immutable file of one revision."""

    asset: AssetId
    revision: Revision
    folder: str
    file: str

    def __str__(self) -> str:
        return f"{revision_prefix(self.asset, self.revision)}{self.folder}/{self.file}"

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.file.rpartition(".")[2]]


@dataclass(frozen=True, slots=True)
class ManifestKey:
    """One playlist or MPD. No revision: the current one. `folder`: the rendition of a media playlist."""

    asset: AssetId
    revision: Revision | None
    folder: str | None
    file: str

    @property
    def media_type(self) -> str:
        return MEDIA_TYPES[self.file.rpartition(".")[2]]


# Sent by a front that can ask another node: a node whose brain is away then hangs up instead of answering. No status
# could say that, because 502, 503 and 504 also tell of the origin, and there another node is no help.
FAILOVER_HEADER = "X-Playnet-Failover"

# Fields that a viewer's Connection named belong to that hop (RFC 9110 §7.6.1). nginx replaces Connection without looking
# at them; this carries their names to the brain, which drops them.
CONNECTION_FIELD = "x-playnet-connection"

# Between nodes of a fleet: the proof that a node asks; how far the answering one came in the purge log; the origin's Date.
PEER_FIELD = "playnet-peer"
POSITION_FIELD = "playnet-position"
DATE_FIELD = "playnet-date"


def parse_asset_id(text: str) -> AssetId | None:
    """`text` as an asset id, or None."""
    return AssetId(text) if _ASSET_RE.fullmatch(text) else None


def asset_id(random: bytes) -> AssetId:
    """An id from at least 12 random bytes."""
    if len(random) < ASSET_ID_LENGTH:
        raise ValueError("12 random bytes are needed")
    return AssetId("".join(ASSET_ID_ALPHABET[byte % 32] for byte in random[:ASSET_ID_LENGTH]))


def parse_media_key(key: str) -> MediaKey | None:
    """The immutable file that an object key or URL path (without its leading slash) names, or None."""
    match = _FILE_RE.fullmatch(key)
    if match is None:
        return None
    return MediaKey(AssetId(match["asset"]), Revision(int(match["revision"])), match["folder"], match["file"])


def parse_manifest_key(key: str) -> ManifestKey | None:
    """The manifest that a URL path (without its leading slash) names, or None. Media playlists need a revision."""
    match = _MANIFEST_RE.fullmatch(key)
    if match is None or (match["folder"] and not match["revision"]):
        return None
    revision = Revision(int(match["revision"])) if match["revision"] else None
    return ManifestKey(AssetId(match["asset"]), revision, match["folder"], match["top"] or "playlist.m3u8")


def asset_prefix(asset: AssetId) -> str:
    """All encoded objects of an asset."""
    return f"v/{asset}/"


def revision_prefix(asset: AssetId, revision: Revision) -> str:
    """All encoded objects of one revision."""
    return f"v/{asset}/{revision}/"


def source_prefix(asset: AssetId) -> str:
    """All uploads of an asset."""
    return f"source/{asset}/"


def source_key(asset: AssetId, upload: str) -> str:
    """One upload. `upload` is a fresh random name: a second upload never overwrites the first."""
    return f"{source_prefix(asset)}{upload}"


def partial_key(upload: str) -> str:
    """One partial upload, until the final one that names it has taken its bytes over."""
    return f"partial/{upload}/whole"


def hls_path(asset: AssetId) -> str:
    """The current revision's multivariant playlist."""
    return f"/v/{asset}/master.m3u8"


def dash_path(asset: AssetId) -> str:
    """The current revision's MPD."""
    return f"/v/{asset}/manifest.mpd"


def watch_path(asset: AssetId) -> str:
    """The page for people."""
    return f"/watch/{asset}"


def asset_tag(asset: AssetId) -> str:
    """Surrogate key of everything that an asset ever served."""
    return f"asset:{asset}"


def revision_tag(asset: AssetId, revision: Revision) -> str:
    """Surrogate key of one revision."""
    return f"rev:{asset}/{revision}"


def surrogate_key(tags: Iterable[str]) -> str:
    """Value of the Surrogate-Key response field: tags separated by single spaces."""
    return " ".join(tags)
