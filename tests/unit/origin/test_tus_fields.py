"""The fields of tus requests: what is read from them, and what is refused."""

import base64
import hashlib
from typing import Any

import pytest

from origin.core.tus import (
    Checksum,
    Joined,
    OtherVersion,
    Partial,
    check_version,
    part_bytes,
    read_checksum,
    read_concat,
    read_length,
    read_metadata,
    read_number,
)
from playnet.errors import InvalidInput
from playnet.store.port import MAX_PARTS, MIN_PART_BYTES

PREFIX = "/api/v1/uploads/"
ONE, TWO = "0" * 31 + "1", "0" * 31 + "2"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


READ: dict[str, tuple[Any, Any]] = {
    "length": (lambda: read_length("12", None), 12),
    "length-zero": (lambda: read_length("0", None), 0),
    "length-later": (lambda: read_length(None, "1"), None),
    "offset": (lambda: read_number("Upload-Offset", "0070"), 70),
    "metadata-none": (lambda: read_metadata(None), {}),
    "metadata": (
        lambda: read_metadata(f"filename {b64('ä b.mp4')},title {b64('T')}, private"),
        {"filename": "ä b.mp4", "title": "T", "private": ""},
    ),
    "checksum-none": (lambda: read_checksum(None), None),
    "checksum": (
        lambda: read_checksum("sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="),
        Checksum("sha1", hashlib.sha1(b"hello world", usedforsecurity=False).digest()),
    ),
    "concat-none": (lambda: read_concat(None, prefix=PREFIX), None),
    "concat-partial": (lambda: read_concat("partial", prefix=PREFIX), Partial()),
    "concat-final": (
        lambda: read_concat(f"final;{PREFIX}{TWO} https://video.test{PREFIX}{ONE}", prefix=PREFIX),
        Joined((TWO, ONE)),
    ),
}


@pytest.mark.parametrize(("read", "expected"), READ.values(), ids=READ.keys())
def test_what_is_read(read: Any, expected: Any) -> None:
    assert read() == expected


REFUSED: dict[str, Any] = {
    "no-length": lambda: read_length(None, None),
    "two-lengths": lambda: read_length("1", "1"),
    "length-later-of-another-kind": lambda: read_length(None, "2"),
    "negative": lambda: read_number("Upload-Offset", "-1"),
    "not-a-number": lambda: read_number("Upload-Offset", "1e3"),
    "other-digits": lambda: read_number("Upload-Offset", "٣"),
    "endless": lambda: read_number("Upload-Offset", "9" * 16),
    "absent": lambda: read_number("Upload-Offset", None),
    "metadata-not-base64": lambda: read_metadata("title !!"),
    "metadata-not-utf8": lambda: read_metadata("title /w=="),
    "metadata-twice": lambda: read_metadata(f"a {b64('1')},a {b64('2')}"),
    "metadata-empty-name": lambda: read_metadata(f" ,a {b64('1')}"),
    "metadata-too-long": lambda: read_metadata("a " + "A" * 9000),
    "checksum-algorithm": lambda: read_checksum("crc32 AAAA"),
    "checksum-length": lambda: read_checksum("sha1 AAAA"),
    "checksum-not-base64": lambda: read_checksum("sha1 ???"),
    "concat-word": lambda: read_concat("whole", prefix=PREFIX),
    "concat-nothing": lambda: read_concat("final;", prefix=PREFIX),
    "concat-elsewhere": lambda: read_concat(f"final;/api/v1/assets/{ONE}", prefix=PREFIX),
    "concat-not-an-id": lambda: read_concat(f"final;{PREFIX}../{ONE}", prefix=PREFIX),
    "concat-too-many": lambda: read_concat("final;" + f"{PREFIX}{ONE} " * 65, prefix=PREFIX),
    "too-large-for-parts": lambda: part_bytes(25 * (1 << 20) * MAX_PARTS, 1 << 50),
}


@pytest.mark.parametrize("read", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(read: Any) -> None:
    with pytest.raises(InvalidInput):
        read()


@pytest.mark.parametrize("version", [None, "", "0.2.2", "1.0", "1.0.0 "])
def test_other_versions_are_refused(version: str | None) -> None:
    with pytest.raises(OtherVersion):
        check_version(version)


@pytest.mark.parametrize("length", [0, 1, 10 << 20, 80 << 30, 100 << 30, 230 << 30])
def test_parts_are_enough_and_as_small_as_that_allows(length: int) -> None:
    size = part_bytes(length, 1 << 40)
    assert MIN_PART_BYTES <= size <= 24 << 20
    assert size * MAX_PARTS >= length
    assert part_bytes(None, length) == size
