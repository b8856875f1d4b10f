"""Settings as people write them: `200GiB`, `90s`, `127.0.0.1:8080`. Pure.

Each type validates from its written form only: a bare number has no unit and is refused.
"""

import re
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_SIZE_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_BITRATE_BPS = {"kbps": 1_000, "Mbps": 1_000_000}
_DURATION_S = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER = r"(\d+(?:\.\d+)?)"
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])")


def _parse(value: object, units: dict[str, float] | dict[str, int], example: str) -> float:
    expected = f"a number with a unit ({', '.join(units)}), for example {example}"
    if not isinstance(value, str):
        raise ValueError(f"expected {expected}")
    match = re.fullmatch(rf"{_NUMBER}\s*({'|'.join(units)})", value.strip())
    if match is None:
        raise ValueError(f"expected {expected}")
    return float(match[1]) * units[match[2]]


def _written(value: float, units: dict[str, float] | dict[str, int]) -> str:
    """The largest unit that divides the value; the inverse of `_parse`."""
    for unit, factor in sorted(units.items(), key=lambda item: -item[1]):
        quotient = value / factor
        if quotient >= 1 and abs(quotient - round(quotient)) < 1e-9:
            return f"{round(quotient)}{unit}"
    smallest = min(units, key=lambda unit: units[unit])
    return f"{value / units[smallest]:g}{smallest}"


def parse_size(value: object) -> int:
    """`10GiB` -> bytes. ValueError without a unit."""
    return int(_parse(value, _SIZE_BYTES, "10GiB"))


def parse_bitrate(value: object) -> int:
    """`4.5Mbps` -> bits per second. ValueError without a unit."""
    return int(_parse(value, _BITRATE_BPS, "4.5Mbps"))


def parse_duration(value: object) -> float:
    """`90s` -> seconds. ValueError without a unit."""
    return _parse(value, _DURATION_S, "90s")


def write_size(value: int) -> str:
    """Bytes as written in the YAML."""
    return _written(value, _SIZE_BYTES)


def write_bitrate(value: int) -> str:
    """Bits per second as written in the YAML."""
    return _written(value, _BITRATE_BPS)


def write_duration(value: float) -> str:
    """Seconds as written in the YAML."""
    return _written(value, _DURATION_S)


class Address(NamedTuple):
    """Where something listens or is dialled. `host` is written as in the YAML: the ring hashes it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_address(value: object) -> Address:
    """`HOST:PORT`, IPv6 hosts in brackets. ValueError otherwise."""
    if isinstance(value, Address):
        return value
    host, _, port = str(value).rpartition(":")
    if not _HOST.fullmatch(host) or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError("expected HOST:PORT with a port from 1 to 65535, for example 127.0.0.1:8080")
    return Address(host, int(port))


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    PlainSerializer(write_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NUMBER}\s*({'|'.join(_SIZE_BYTES)})$"}),
]
Bitrate = Annotated[
    int,
    BeforeValidator(parse_bitrate),
    PlainSerializer(write_bitrate, return_type=str),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NUMBER}\s*({'|'.join(_BITRATE_BPS)})$"}),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(write_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": rf"^{_NUMBER}\s*({'|'.join(_DURATION_S)})$"}),
]
ListenAddress = Annotated[
    Address,
    BeforeValidator(parse_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^.+:\d{1,5}$"}),
]
