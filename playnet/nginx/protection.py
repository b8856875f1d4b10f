"""What an nginx lets one stranger take: rates, connections, methods, hosts, and whose word about the client counts. Pure.

The client is an IPv4 address or an IPv6 /64, the least that is given to one customer (RFC 6177). One map over the binary
address finds the /64; addresses as text have many spellings. A client that is not limited has an empty key, which
limit_req and limit_conn do not count. Limits of a front and of the nodes behind it do not add up: a node sees a part of
what the front let through, and counts it by the same client.
"""

import re
from collections.abc import Sequence
from typing import Final

from playnet.config import Protect

REFUSED_METHODS: Final = ("CONNECT", "TRACE", "TRACK")
RETRY_AFTER_S: Final = 1  # the bucket drains at hundreds a second; a player's own pause is longer
_ZONE: Final = "16m"  # about 130,000 clients; the one that was quiet longest goes first
_UNPROTECTED: Final = ("/healthz", "/readyz")  # asked by address


def http_block(protect: Protect) -> list[str]:
    """Directives for `http`. They define $playnet_client, $playnet_bad_host and $playnet_bad_method."""
    return [
        f"client_header_timeout {_ms(protect.header_timeout)};",
        f"send_timeout {_ms(protect.send_timeout)};",
        "reset_timedout_connection on;",
        *(f"set_real_ip_from {network};" for network in protect.trusted),
        "real_ip_header X-Forwarded-For;",
        "geo $playnet_is_exempt {",  # looks at the address that set_real_ip_from left
        "    default 0;",
        *(f"    {network} 1;" for network in sorted({*protect.trusted, *protect.exempt})),
        "}",
        "map $binary_remote_addr $playnet_network {",
        "    default $binary_remote_addr;",
        '    "~(?s)^(?<playnet_subnet>.{8}).{8}$" $playnet_subnet;',
        "}",
        'map $playnet_is_exempt $playnet_client { 1 ""; default $playnet_network; }',
        *_methods(protect.methods),
        *_hosts(protect.hosts),
        f"limit_req_zone $playnet_client zone=playnet_requests:{_ZONE} rate={max(protect.requests_per_second, 1)}r/s;",
        f"limit_conn_zone $playnet_client zone=playnet_connections:{_ZONE};",
        "limit_req_status 429;",
        "limit_conn_status 429;",
        "limit_req_log_level info;",  # below what is written: a flood must not become one of the log, nor show addresses
        "limit_conn_log_level info;",
    ]


def server_block(protect: Protect) -> list[str]:
    """Directives for `server`."""
    return [
        "if ($playnet_bad_method) { return 405; }",
        "if ($playnet_bad_host) { return 421; }",
        *([f"limit_req zone=playnet_requests burst={protect.burst} nodelay;"] if protect.requests_per_second else []),
        *([f"limit_conn playnet_connections {protect.connections};"] if protect.connections else []),
    ]


def behind_front(protect: Protect) -> Protect:
    """What is left to a node whose front does the rest: who cannot tell clients apart must not count them as one."""
    if protect.trusted:
        return protect
    return protect.model_copy(update={"requests_per_second": 0, "connections": 0, "hosts": ()})


def allowed(protect: Protect) -> str:
    """Value of Allow beside a 405."""
    return ", ".join(protect.methods) or "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"


def _methods(methods: Sequence[str]) -> list[str]:
    if methods:
        good = [f'    {method} "";' for method in methods if method not in REFUSED_METHODS]
        return ["map $request_method $playnet_bad_method {", "    default 1;", *good, "}"]
    bad = [f"    {method} 1;" for method in REFUSED_METHODS]
    return ["map $request_method $playnet_bad_method {", '    default "";', *bad, "}"]


def _hosts(hosts: Sequence[str]) -> list[str]:
    """Both the target's host and the Host field must be known: what one hop ignores the next may obey."""
    if not hosts:
        return ['map "" $playnet_bad_host { default ""; }']
    names = "|".join(_pattern(host) for host in hosts)
    paths = "|".join(map(re.escape, _UNPROTECTED))
    return [
        'map "$playnet_is_exempt $host $http_host $request_uri" $playnet_bad_host {',
        "    default 1;",
        '    "~^1 " "";',
        f'    "~*^0 (?:{names}) (?:{names})(?::[0-9]+)? " "";',
        f'    "~^0 [^ ]* [^ ]* (?:{paths})$" "";',
        "}",
    ]


def _pattern(host: str) -> str:
    name = re.escape(host.removeprefix("*."))
    return rf"(?:[a-z0-9-]+\.)+{name}" if host.startswith("*.") else name


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
