"""Settings as people write them: `200GiB`, `90s`, `127.0.0.1:8080`. Pure.

Each type validates from its written form only: a bare number has no unit and is refused.
"""

import re
from ipaddress import ip_network
from typing import Annotated, NamedTuple

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_SIZE_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_BITRATE_BPS = {"kbps": 1_000, "Mbps": 1_000_000}
_DURATION_MS = {"ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
LOOPBACK = ("127.0.0.0/8", "::1/128")
_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])")


def _parse(value: object, units: dict[str, int], example: str) -> float:
    expected = f"a number with a unit ({', '.join(units)}), for example {example}"
    if not isinstance(value, str):
        raise ValueError(f"expected {expected}")
    match = re.fullmatch(rf"{_NUMBER}\s*({'|'.join(units)})", value.strip())
    if match is None:
        raise ValueError(f"expected {expected}")
    return float(match[1]) * units[match[2]]


def _written(value: int, units: dict[str, int]) -> str:
    """The largest unit that divides the value, else the smallest with a fraction; the inverse of `_parse`."""
    for unit, factor in sorted(units.items(), key=lambda item: -item[1]):
        if value >= factor and value % factor == 0:
            return f"{value // factor}{unit}"
    unit, factor = min(units.items(), key=lambda item: item[1])
    return f"{value / factor:.3f}".rstrip("0").rstrip(".") + unit


def parse_size(value: object) -> int:
    """`10GiB` -> bytes. ValueError without a unit."""
    return round(_parse(value, _SIZE_BYTES, "10GiB"))


def parse_bitrate(value: object) -> int:
    """`4.5Mbps` -> bits per second. ValueError without a unit."""
    return round(_parse(value, _BITRATE_BPS, "4.5Mbps"))


def parse_duration(value: object) -> float:
    """`90s` -> seconds. ValueError without a unit."""
    return _parse(value, _DURATION_MS, "90s") / 1000


def write_size(value: int) -> str:
    """Bytes as written in the YAML."""
    return _written(value, _SIZE_BYTES)


def write_bitrate(value: int) -> str:
    """Bits per second as written in the YAML."""
    return _written(value, _BITRATE_BPS)


def write_duration(value: float) -> str:
    """Seconds as written in the YAML, to the millisecond."""
    return _written(round(value * 1000), _DURATION_MS)


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
    WithJsonSchema({"type": "string", "pattern": rf"^{_NUMBER}\s*({'|'.join(_DURATION_MS)})$"}),
]
ListenAddress = Annotated[
    Address,
    BeforeValidator(parse_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^.+:[0-9]{1,5}$"}),
]


def parse_network(value: object) -> str:
    """A network in CIDR form, or one address, in its canonical spelling. ValueError otherwise."""
    try:
        return str(ip_network(str(value), strict=True))
    except ValueError as exc:
        raise ValueError(f"expected a network such as 192.0.2.0/24 or 2001:db8::/32: {exc}") from exc


Network = Annotated[str, BeforeValidator(parse_network), WithJsonSchema({"type": "string"})]
