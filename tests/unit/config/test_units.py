"""Units read back what they write, and refuse what has none."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from playnet.config.units import (
    Address,
    parse_address,
    parse_bitrate,
    parse_duration,
    parse_size,
    write_bitrate,
    write_duration,
    write_size,
)


@given(st.integers(0, 5 << 40))
@example(1 << 40)
@example((1 << 40) - 1)
def test_sizes_survive(size_bytes: int) -> None:
    assert parse_size(write_size(size_bytes)) == size_bytes


@given(st.integers(0, 200_000))
def test_bit_rates_survive(kbps: int) -> None:
    assert parse_bitrate(write_bitrate(kbps * 1000)) == kbps * 1000


@given(st.integers(0, 40 * 86_400_000))
def test_durations_survive(ms: int) -> None:
    assert math.isclose(parse_duration(write_duration(ms / 1000)), ms / 1000, rel_tol=1e-9)


@given(st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True), st.integers(1, 65535))
def test_addresses_survive(host: str, port: int) -> None:
    assert parse_address(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    ("text", "value"),
    [("200GiB", 200 << 30), ("1.5 KiB", 1536), (" 7B ", 7)],
)
def test_sizes_as_people_write_them(text: str, value: int) -> None:
    assert parse_size(text) == value


@pytest.mark.parametrize(
    "value", [10, 1.5, None, True, "", "10", "GiB", "10 gib", "10GB", "-1MiB", "1e3MiB", "١MiB", "1MiB\nx"]
)
def test_what_has_no_unit_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="expected a number with a unit"):
        parse_size(value)


@pytest.mark.parametrize(
    "value",
    ["", ":", "h", "h:", ":1", "h:0", "h:65536", "h:+1", "h:１", "-h:1", "a b:1", "h/x:1", "[::1:1", 8080, None],
)
def test_what_is_no_address(value: object) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        parse_address(value)


def test_ipv6_hosts_stand_in_brackets() -> None:
    assert parse_address("[::1]:80") == Address("[::1]", 80)
