"""Integrity fields of an upload. RFC 9530: Content-Digest and Repr-Digest, of which `sha-256` is checked. Pure."""

import base64
import binascii
import re

from playnet.errors import InvalidInput

_MEMBER = re.compile(r"\s*(?P<name>[a-z*][a-z0-9_.*-]*)=:(?P<value>[A-Za-z0-9+/=]*):\s*")
_SHA256_BYTES = 32


def wanted_sha256(*fields: str | None) -> str | None:
    """The SHA-256 (hex) that the sender announced, or None. Other algorithms are left alone (RFC 9530 §2).

    InvalidInput for a malformed field, a value of the wrong length, or fields that contradict each other.
    """
    found = {digest for field in fields if field for digest in _sha256_of(field)}
    if len(found) > 1:
        raise InvalidInput("Content-Digest and Repr-Digest name different sha-256 values for the same bytes")
    return found.pop() if found else None


def _sha256_of(field: str) -> list[str]:
    digests = []
    for member in field.split(","):
        match = _MEMBER.fullmatch(member)
        if match is None:
            raise InvalidInput("expected a digest field like sha-256=:BASE64:")
        if match["name"] == "sha-256":
            digests.append(_hex(match["value"]))
    return digests


def _hex(value: str) -> str:
    try:
        raw = base64.b64decode(value, validate=True)
    except binascii.Error as exc:
        raise InvalidInput("the sha-256 digest is not valid base64") from exc
    if len(raw) != _SHA256_BYTES:
        raise InvalidInput(f"the sha-256 digest has {len(raw)} bytes, expected {_SHA256_BYTES}")
    return raw.hex()
