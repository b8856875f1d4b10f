"""Checksums of bodies that are put together: CRC-32 of a whole from those of its pieces, without reading a byte.

Arithmetic on polynomials over GF(2) modulo that of CRC-32 (ISO 3309), in zlib's reflected notation: appending n bytes
multiplies what came before by x^(8n).
"""

from typing import Final

_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31  # x^0


def joined(first: int, second: int, second_bytes: int) -> int:
    """The checksum of two pieces, one behind the other."""
    return _times(_shift(second_bytes), first) ^ second


def _times(a: int, b: int) -> int:
    product = 0
    for bit in range(31, -1, -1):
        if a >> bit & 1:
            product ^= b
        b = b >> 1 ^ (_POLYNOMIAL if b & 1 else 0)
    return product


def _shift(size_bytes: int) -> int:
    """x^(8 * size_bytes), by squaring."""
    power, factor = _ONE, _ONE >> 8
    while size_bytes:
        if size_bytes & 1:
            power = _times(power, factor)
        factor = _times(factor, factor)
        size_bytes >>= 1
    return power
