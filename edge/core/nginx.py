"""The nginx.conf of one cache node. Renders text, starts nothing.

A GET or HEAD whose raw target is already in canonical spelling is looked up in the hot tree; everything else, and what
is not there, goes to the brain as the client sent it, so that only the brain interprets URLs. The brain answers
itself or names a complete body with X-Accel-Redirect; should that file be gone by then (evicted, purged), the brain is
asked once more and told to answer without nginx's help.

Fields are added to files without `always`. nginx finds out that a range cannot be satisfied after it added them to a 200,
and filters the 416 anew: `always` would send each of them twice, and browsers refuse two Access-Control-Allow-Origin.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from playnet import cmcd
from playnet.config import Address, Protect
from playnet.http.cache_status import CacheStatus
from playnet.http.ranges import MAX_RANGES
from playnet.names import CONNECTION_FIELD, FAILOVER_HEADER, MEDIA_PATH, MEDIA_TYPES, PEER_FIELD
from playnet.nginx.problems import Around, error_pages
from playnet.nginx.protection import allowed, http_block, server_block
from playnet.nginx.text import Process, connection_named, main_block, quoted, temp_paths

from . import sealed
from .accel import ACCEL_FIELDS
from .hot import HOT_FIELDS, HOT_PATH

BODIES_LOCATION: Final = "/.playnet/bodies/"
PUBLIC_HEADER: Final = "x-playnet-public"  # set on everything that came through nginx
NO_ACCEL_HEADER: Final = "x-playnet-no-accel"
_PASS_WHOLE: Final = 418  # leads to the location that passes bodies on, never to a client

_PROBLEM: Final = (
    '{"type":"/docs/errors#unavailable","title":"Temporarily unavailable","status":503,'
    '"detail":"This cache node is starting.","code":"unavailable"}'
)
_REFUSALS: Final = (400, 405, 413, 414, 421, 429, 431)  # that nginx answers by itself
_HOT_LOG: Final = '{"path":"$hot_path","status":$status,"bytes":$body_bytes_sent,"cmcd":"$told"}'
_REQUEST_LOG: Final = (
    '{"time":"$time_iso8601","client":"$remote_addr","request":"$request_id_out","method":"$request_method",'
    '"path":"$log_path","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
    '"cache":"$sent_http_cache_status","range":"$http_range"}'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What the configuration of one node depends on. `brain_timeout_s`: longest silence of the brain.

    `believes`: networks of fronts besides `protect.trusted`. `tokens`: None makes `/t/` a path like all.
    """

    name: str
    listen: Address
    hot: Path
    bodies: Path
    brain: Path
    reports: Path
    process: Process
    brain_timeout_s: float
    protect: Protect = field(default_factory=Protect)
    access_log: Path | None = None
    tokens: sealed.Tokens | None = None
    believes: tuple[str, ...] = ()


def render(node: Node) -> str:
    """The whole file. ValueError for paths that nginx cannot take."""
    return (
        sealed.main_lines(node.tokens)
        + main_block(node.process)
        + "http {\n"
        + _indented([*_http(node), *_server(node)])
        + "}\n"
    )


def _http(node: Node) -> list[str]:
    return [
        *temp_paths(node.process),
        "server_tokens off;",
        "default_type application/octet-stream;",
        "types {",
        *(f"    {kind} {suffix};" for suffix, kind in MEDIA_TYPES.items()),
        "}",
        "sendfile on;",
        "tcp_nopush on;",
        "merge_slashes off;",
        "open_file_cache off;",  # it would keep purged files open for as long as it is valid
        "keepalive_timeout 65s;",
        "keepalive_requests 100000;",
        *http_block(node.protect),
        f"client_body_timeout {round(node.protect.body_timeout * 1000)}ms;",
        f"max_ranges {MAX_RANGES};",
        "client_header_buffer_size 2k;",
        "large_client_header_buffers 4 8k;",
        f"client_max_body_size {node.protect.max_body};",  # streamed: it bounds an exchange, not memory
        "access_log off;",
        f"log_format hot escape=json '{_HOT_LOG}';",
        # what a player tells of its next request, in a field or in the query; bounded, as every part of a line
        f'map $arg_{cmcd.ARGUMENT} $told_query {{ default ""; "~^[ -~]{{1,300}}$" ?$arg_{cmcd.ARGUMENT}; }}',
        f'map $http_{_variable(cmcd.FIELD)} $told {{ default ""; "" $told_query; "~^[ -~]{{1,600}}$" $http_{_variable(cmcd.FIELD)}; }}',
        f"log_format request escape=json '{_REQUEST_LOG}';",
        # nginx would answer a HEAD with 206, which RFC 9110 §14.2 forbids; only the brain knows what to tell a peer
        f'map "$http_{_variable(PEER_FIELD)}:$request_method:$http_range" $is_read {{',
        '    default "";',
        "    ~^:GET: 1;",
        "    :HEAD: 1;",
        "}",
        'map "$is_read:$request_uri" $hot_path {',
        '    default "";',
        f'    "~^1:(?:/t/[A-Za-z0-9._~-]+)?(?<hot_match>{HOT_PATH})$" $hot_match;',
        # as edge/core/key.py: no query distinguishes our own media
        f'    "~^1:(?:/t/[A-Za-z0-9._~-]+)?(?<media_match>{MEDIA_PATH})\\?" $media_match;',
        "}",
        "map $request_uri $public_path {",  # a token, even a bad one, is never overlooked
        "    default $hot_path;",
        '    "~^/t/" "";',
        "}",
        "map $request_uri $log_path {",  # a playback token is a secret: never logged whole
        "    default $request_uri;",
        '    "~^/t/(?<log_token>.{0,6})[^/]*(?<log_rest>/.*)$" "/t/$log_token...$log_rest";',
        "}",
        "map $request_method $is_passed_whole {",  # the body of a GET has no meaning and must not steer a shared answer
        "    default 1;",
        '    GET "";',
        '    HEAD "";',
        "}",
        "map $http_x_request_id $request_id_out {",
        "    default $request_id;",
        '    "~^[A-Za-z0-9._-]{8,64}$" $http_x_request_id;',
        "}",
        *connection_named("$connection_named"),
        *(f"set_real_ip_from {network};" for network in node.believes if network not in node.protect.trusted),
        *sealed.http_lines(node.tokens),
        "upstream brain {",
        f"    server {quoted(f'unix:{node.brain}')};",
        "    keepalive 64;",
        "    keepalive_timeout 4s;",  # below uvicorn's 5 s, so that nginx closes first
        "}",
    ]


def _server(node: Node) -> list[str]:
    return [
        "server {",
        f"    listen {node.listen} backlog=4096;",
        *_indent(server_block(node.protect)),
        *_indent(_refusals(node)),
        f"    error_page {_PASS_WHOLE} = @whole;",
        *_indent(_hot(node)),
        *_indent(_sealed(node)),
        *_indent(_bodies(node)),
        *_indent(_brain("@brain", "http://brain", accel=True, node=node)),
        *_indent(_brain("@again", "http://brain$request_uri", accel=False, node=node, silent=node.tokens is not None)),
        *_indent(_brain("@whole", "http://brain", accel=False, node=node, with_body=True)),
        *_indent(_silenced_brain(node) if node.tokens is not None else []),
        *_indent(_edges_of_the_world()),
        "}",
    ]


def _refusals(node: Node) -> Iterator[str]:
    return error_pages(_REFUSALS, Around(request_id="$request_id_out", cors='"*"', allow=allowed(node.protect)))


def _pages(node: Node) -> list[str]:
    """The server's `error_page` directives, for locations that have one of their own and so inherit none."""
    return [line for line in _refusals(node) if line.startswith("error_page")]


def _told(node: Node) -> list[str]:
    """What is logged and said of every file that the brain is not asked about."""
    return [
        f"access_log {quoted(node.reports)} hot buffer=32k flush=500ms;",  # in blocks: edge/adapters/hits.py
        *(line.strip() for line in _file_log(node)),
        *(f"add_header {_title(name)} {quoted(value)};" for name, value in HOT_FIELDS if name != "cache-control"),
        f"add_header Via {quoted(f'1.1 {node.name}')};",
        "add_header X-Request-Id $request_id_out;",
    ]


def _hot(node: Node) -> list[str]:
    status = CacheStatus(hit=True, detail="hot").written(node.name)
    return [
        "location / {",
        "    recursive_error_pages on;",  # a brain that is away, too, is answered for on the way through @whole
        f"    if ($is_passed_whole) {{ return {_PASS_WHOLE}; }}",
        f"    root {quoted(node.hot)};",
        "    try_files $public_path @brain;",
        "    error_page 403 404 500 = @brain;",  # it was unlinked after it had been found, or the disk is broken
        f"    error_page {_PASS_WHOLE} = @whole;",
        *_indent(_pages(node)),
        *_indent(_told(node)),
        f"    add_header Cache-Control {quoted(dict(HOT_FIELDS)['cache-control'])};",
        f"    add_header Cache-Status {quoted(status)};",
        "}",
    ]


def _bodies(node: Node) -> list[str]:
    """Bodies that the brain names. It has judged the preconditions; nginx does the ranges."""
    return [
        f"location {BODIES_LOCATION} {{",
        "    internal;",
        f"    alias {quoted(f'{node.bodies}/')};",
        "    etag off;",
        "    if_modified_since off;",
        "    error_page 403 404 500 = @again;",  # 500: what nginx says of a disk that is broken
        "    recursive_error_pages on;",
        *([f"    {sealed.SILENT}"] if node.tokens is not None else []),
        *_file_log(node),
        *(f"    add_header {_title(name)} $upstream_http_{name.replace('-', '_')};" for name in ACCEL_FIELDS),
        "}",
    ]


def _sealed(node: Node) -> list[str]:
    return sealed.server_lines(
        node.tokens, node=node.name, cache=node.hot.parent, told=[*_pages(node), *_told(node)], log=_file_log(node)
    )


def _silenced_brain(node: Node) -> list[str]:
    """The ways to the brain for requests with a token."""
    brain, whole = f"@brain_{sealed.SILENCED}", f"@whole_{sealed.SILENCED}"
    return [
        *_brain(brain, "http://brain", accel=True, node=node, silent=True),
        *_brain(whole, "http://brain", accel=False, node=node, with_body=True, silent=True),
    ]


def _brain(
    location: str, target: str, *, accel: bool, node: Node, with_body: bool = False, silent: bool = False
) -> list[str]:
    bodiless = ["    proxy_pass_request_body off;", '    proxy_set_header Content-Length "";']
    return [
        f"location {location} {{",
        *([f"    {sealed.SILENT}"] if silent else []),
        f"    proxy_pass {target};",
        "    proxy_http_version 1.1;",
        '    proxy_set_header Connection "";',
        f"    proxy_set_header {_title(CONNECTION_FIELD)} $connection_named;",
        "    proxy_set_header Host $http_host;",
        "    proxy_set_header X-Request-Id $request_id_out;",
        f"    proxy_set_header {_title(PUBLIC_HEADER)} 1;",
        f"    proxy_set_header {_title(sealed.CLIENT_HEADER)} $remote_addr;",
        f"    proxy_set_header {_title(NO_ACCEL_HEADER)} {quoted('' if accel else '1')};",
        *([] if with_body else bodiless),
        "    proxy_request_buffering off;",
        "    proxy_buffering off;",  # what the brain sends itself is on its way from the origin
        "    proxy_buffer_size 32k;",
        "    proxy_buffers 4 32k;",
        "    proxy_max_temp_file_size 0;",
        "    proxy_connect_timeout 5s;",
        f"    proxy_read_timeout {max(round(node.brain_timeout_s), 1)}s;",
        "    proxy_pass_header Date;",
        "    error_page 502 504 = @brain_gone;",
        *_indent(_pages(node)),
        *_file_log(node),
        "}",
    ]


def _edges_of_the_world() -> list[str]:
    """What is refused here, and what answers for a brain that is away: nothing to a front, which asks the next node."""
    return [
        "location = /metrics { return 404; }",
        "location = /debug { return 404; }",
        "location /debug/ { return 404; }",
        "location @brain_gone {",
        "    internal;",
        f"    if ($http_{FAILOVER_HEADER.lower().replace('-', '_')}) {{ return 444; }}",
        "    types { }",  # the suffix of what was asked for says nothing about this answer
        "    default_type application/problem+json;",
        '    add_header Retry-After "2" always;',
        '    add_header Cache-Control "no-store" always;',
        f"    return 503 '{_PROBLEM}';",
        "}",
    ]


def _file_log(node: Node) -> list[str]:
    return [f"    access_log {quoted(node.access_log)} request buffer=64k flush=1s;"] if node.access_log else []


def _variable(name: str) -> str:
    """A field's name within nginx's variables."""
    return name.replace("-", "_")


def _title(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))


def _indent(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _indented(lines: list[str]) -> str:
    return "".join(f"    {line}\n" for line in lines if line)
