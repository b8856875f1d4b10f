"""The tus resumable upload protocol 1.0.0 (tus.io/protocols/resumable-upload): its fields, and what they may say. Pure."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from playnet.errors import InvalidInput, Rejected
from playnet.store.port import MAX_PARTS, MIN_PART_BYTES

VERSION: Final = "1.0.0"
EXTENSIONS: Final = (
    "creation", "creation-defer-length", "creation-with-upload", "checksum", "expiration", "termination", "concatenation",
)  # fmt: skip
CHECKSUMS: Final = ("sha1", "sha256", "md5")
MEDIA_TYPE: Final = "application/offset+octet-stream"
MAX_JOINED: Final = 64  # partial uploads of one final upload; players of the protocol use up to eight

_MAX_METADATA_CHARS: Final = 8 << 10
_PART_BYTES: Final = 8 << 20  # one is in memory while the one before it is being stored
_MAX_PART_BYTES: Final = 24 << 20  # so that an upload takes less than 64 MiB of memory
_MIB: Final = 1 << 20
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_META_KEY: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class OtherVersion(Rejected):
    """The client speaks another version of the protocol."""

    code = "tus-version"
    title = "This version of the tus protocol is not spoken here"
    http_status = 412


class NotOffsetStream(Rejected):
    """A PATCH without the protocol's media type."""

    code = "tus-media-type"
    title = "The body is not marked as part of an upload"
    http_status = 415


class Gone(Rejected):
    """The upload was ended, has expired or was replaced by another."""

    code = "upload-gone"
    title = "This upload is no more"
    http_status = 410


class ChecksumMismatch(Rejected):
    """The bytes were damaged on the way; they were not taken."""

    code = "checksum-mismatch"
    title = "The bytes do not have the announced checksum"
    http_status = 460


class Locked(Rejected):
    """Ask again in a moment. tus-js-client, told anything else than this, begins the whole upload anew."""

    code = "upload-locked"
    title = "This upload cannot be looked at just now"
    http_status = 423


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must hash to."""

    algorithm: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Partial:
    """Part of a final upload that will name it."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The concatenation of partial uploads, by their ids."""

    parts: tuple[str, ...]


def check_version(field: str | None) -> None:
    """Raise OtherVersion unless the request is of this version."""
    if field != VERSION:
        raise OtherVersion(f"expected the header `Tus-Resumable: {VERSION}`")


def read_length(length: str | None, deferred: str | None) -> int | None:
    """Upload-Length in bytes; None when Upload-Defer-Length says that it comes later. InvalidInput."""
    if (length is None) == (deferred is None):
        raise InvalidInput("expected either Upload-Length or `Upload-Defer-Length: 1`")
    if length is None:
        if deferred != "1":
            raise InvalidInput("expected `Upload-Defer-Length: 1`")
        return None
    return read_number("Upload-Length", length)


def read_number(name: str, field: str | None) -> int:
    """A count of bytes. InvalidInput."""
    if field is None or not _NUMBER.fullmatch(field):
        raise InvalidInput(f"expected {name} as a number of bytes")
    return int(field)


def read_metadata(field: str | None) -> Mapping[str, str]:
    """Upload-Metadata: names and texts. InvalidInput for broken base64, bytes that are not UTF-8, names used twice."""
    found: dict[str, str] = {}
    if not field:
        return found
    if len(field) > _MAX_METADATA_CHARS:
        raise InvalidInput(f"Upload-Metadata may have at most {_MAX_METADATA_CHARS} characters")
    for pair in field.split(","):
        name, _, value = pair.strip().partition(" ")
        if not _META_KEY.fullmatch(name) or name in found:
            raise InvalidInput("Upload-Metadata: expected different names, each with a value in base64")
        try:
            found[name] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as exc:
            raise InvalidInput(f"Upload-Metadata: the value of {name} is not UTF-8 text in base64") from exc
    return found


def read_checksum(field: str | None) -> Checksum | None:
    """Upload-Checksum. InvalidInput for an algorithm that is not offered or a digest of another length."""
    if field is None:
        return None
    algorithm, _, encoded = field.partition(" ")
    if algorithm not in CHECKSUMS:
        raise InvalidInput(f"Upload-Checksum: expected one of {', '.join(CHECKSUMS)}")
    try:
        digest = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error as exc:
        raise InvalidInput("Upload-Checksum: the digest is not base64") from exc
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise InvalidInput(f"Upload-Checksum: the digest does not have the length of {algorithm}")
    return Checksum(algorithm, digest)


def read_concat(field: str | None, *, prefix: str) -> Partial | Joined | None:
    """Upload-Concat. `prefix`: what the URLs of uploads start with, as a path. InvalidInput."""
    if field is None:
        return None
    if field == "partial":
        return Partial()
    kind, _, urls = field.partition(";")
    named = urls.split()
    if kind != "final" or not 1 <= len(named) <= MAX_JOINED:
        raise InvalidInput(f"Upload-Concat: expected `partial`, or `final;` and the URLs of 1 to {MAX_JOINED} uploads")
    return Joined(tuple(_id_of(url, prefix) for url in named))


def _id_of(url: str, prefix: str) -> str:
    """The id at the end of a relative or absolute URL; only the path counts."""
    path = re.sub(r"^https?://[^/]*", "", url)
    found = path.removeprefix(prefix)
    if found == path or not re.fullmatch(r"[0-9a-f]{32}", found):
        raise InvalidInput("Upload-Concat: expected URLs of uploads of this site")
    return found


def part_bytes(length_bytes: int | None, max_bytes: int) -> int:
    """The size of an upload's parts: the usual one, or what makes MAX_PARTS hold all of it. InvalidInput above that."""
    needed = -(-(max_bytes if length_bytes is None else length_bytes) // MAX_PARTS)
    size_bytes = max(_PART_BYTES, MIN_PART_BYTES, -(-needed // _MIB) * _MIB)
    if size_bytes > _MAX_PART_BYTES:
        if length_bytes is None:
            return _MAX_PART_BYTES
        raise InvalidInput(
            f"a resumable upload may have at most {_MAX_PART_BYTES * MAX_PARTS} bytes; send it as partial uploads"
        )
    return size_bytes
