"""Checksums of joined pieces, against zlib's own over all bytes."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from edge.core.checksum import joined


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_the_checksum_of_a_whole_comes_from_its_pieces(pieces: list[bytes]) -> None:
    checksum = 0
    for piece in pieces:
        checksum = joined(checksum, zlib.crc32(piece), len(piece))
    assert checksum == zlib.crc32(b"".join(pieces))
