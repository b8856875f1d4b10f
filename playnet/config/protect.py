"""Settings of the protection against strangers: rates, connections, hosts, methods, time-outs."""

from typing import Annotated

from pydantic import Field

from .section import Section
from .units import Duration, Network, Size

_HOST = r"^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
_METHOD = r"^[A-Z][A-Z-]{1,31}$"
PROTECT_SHAPES = {
    _HOST: "a host name in lower case without a port, perhaps with *. in front for all names below it",
    _METHOD: "an HTTP method in upper case",
}


class Protect(Section):
    """What one stranger may take of the front, and of a node that stands without one. docs/decisions/limits.md says why so much."""

    requests_per_second: int = Field(
        500, ge=0, le=1_000_000,
        description="Of one client (an IPv4 address, an IPv6 /64), on average; above it 429. 0: no limit.",
    )  # fmt: skip
    burst: int = Field(1000, ge=1, le=1_000_000, description="Requests that a client may be ahead of its average.")
    connections: int = Field(
        512, ge=0, le=60_000, description="Requests of one client under way at a time; above it 429. 0: no limit."
    )
    trusted: tuple[Network, ...] = Field(
        (),
        max_length=256,
        description="Fronts, proxies of yours, and nodes that fetch from each other: the last address in their "
        "X-Forwarded-For is the client, they themselves are exempt. Empty: nobody is believed, and only the front limits, "
        "because its nodes cannot tell clients apart.",
        examples=[["192.0.2.10", "192.0.2.16/28"]],
    )
    exempt: tuple[Network, ...] = Field(
        ("127.0.0.0/8", "::1/128"),
        max_length=256,
        description="Clients that are neither limited nor held to `hosts`: this host, or a school behind one address.",
    )
    hosts: tuple[Annotated[str, Field(pattern=_HOST)], ...] = Field(
        (),
        max_length=256,
        description="Names under which viewers may ask; others get 421. Empty: any.",
        examples=[["video.example.org"]],
    )
    methods: tuple[Annotated[str, Field(pattern=_METHOD)], ...] = Field(
        (),
        max_length=32,
        description="Methods that pass; others get 405. Empty: any but CONNECT, TRACE and TRACK.",
        examples=[["GET", "HEAD", "OPTIONS"]],
    )
    header_timeout: Duration = Field(
        "15s", ge=1, le=120, validate_default=True, description="For the whole head of a request."
    )
    body_timeout: Duration = Field(
        "15s", ge=1, le=600, validate_default=True, description="Longest silence within a request's body, at a node."
    )
    send_timeout: Duration = Field(
        "30s", ge=1, le=600, validate_default=True, description="Longest time in which a client takes not one byte."
    )
    max_body: Size = Field(
        "64MiB", ge=0, validate_default=True, description="Largest body of a request that a node passes on."
    )
