"""The front's nginx.conf, rendered from the settings. Pure; what each choice rests on: docs/decisions/front.md.

nginx routes on the normalised path and `proxy_pass` with a path hands exactly that path on, escaped anew: what the
front decided about is what the next hop sees, however the client spelled it.
"""

from math import ceil

from playnet.config import Config, Protect
from playnet.layout import Layout
from playnet.names import CONNECTION_FIELD, FAILOVER_HEADER, PEER_FIELD
from playnet.nginx import Process, main_block, quoted, temp_paths
from playnet.nginx.problems import Around, error_pages, named_location
from playnet.nginx.protection import allowed, http_block, server_block
from playnet.nginx.text import connection_named
from playnet.ring import ring_of

# uvicorn closes idle connections after 5 s; taking one up at that moment would fail a POST, which nginx never repeats.
_ORIGIN_IDLE_S = 3
_EDGE_IDLE_S = 60  # an edge's nginx keeps idle connections for 75 s
_EDGE_TRIES = 3
_UPLOAD_ANSWER_S = 3600  # after the last byte the origin makes the source durable, in S3 if need be
_HEADER_BYTES = "16k"  # one line of a request's header

_GZIP_TYPES = (
    "application/dash+xml application/json application/problem+json application/vnd.apple.mpegurl"
    " image/svg+xml text/css text/javascript text/plain text/vtt"
)

# nginx would redirect these to the same path with a slash, because a proxied location ends in one.
_WITHOUT_SLASH = ("/v", "/t", "/live", "/api/v1/assets")

_REFUSALS = (400, 404, 405, 413, 414, 421, 429, 431, 502, 504)  # that the front answers by itself
_GONE = (502, 504)
# tus-js-client asks for the offset and, told anything but 423 (Locked), begins the whole upload anew.
_LOCKED = "@locked"
_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")  # of the appliance's own API

_ACCESS_LOG_FIELDS = {
    "time": '"$time_iso8601"',
    "request_id": '"$request_id"',
    "method": '"$request_method"',
    "host": '"$host"',
    "uri": '"$playnet_masked_uri"',
    "status": "$status",
    "bytes": "$bytes_sent",
    "request_s": "$request_time",
    "range": '"$http_range"',
    "upstream": '"$upstream_addr"',
    "upstream_s": '"$upstream_response_time"',
    "upstream_status": '"$upstream_status"',
    "cache": '"$upstream_http_cache_status"',
    "referer": '"$playnet_masked_referer"',
    "agent": '"$http_user_agent"',
}


def render(config: Config, layout: Layout, process: Process) -> str:
    """The whole file. ConfigError when the fleet's weights ask for more points than a ring should have."""
    http = [
        *temp_paths(process),
        *_protocol(config),
        *_maps(),
        *_access_log(config, layout),
        *_upstreams(config),
        *_server(config),
    ]
    return main_block(process) + "http {\n" + "\n".join(f"    {line}" for line in http) + "\n}\n"


def _protocol(config: Config) -> list[str]:
    return [
        "default_type application/octet-stream;",
        "server_tokens off;",
        "tcp_nodelay on;",
        "keepalive_timeout 65s;",
        "keepalive_requests 10000;",
        *http_block(_protect(config)),
        f"client_body_timeout {_ms(config.origin.upload_idle)};",
        f"large_client_header_buffers 4 {_HEADER_BYTES};",
        "client_max_body_size 1m;",
        "gzip on;",
        "gzip_comp_level 4;",
        "gzip_min_length 1000;",
        "gzip_proxied any;",
        "gzip_vary on;",
        f"gzip_types {_GZIP_TYPES};",
    ]


def _maps() -> list[str]:
    """Variables. A playback token is part of no key and of no log line. Players on other sites may read media, errors too."""
    return [
        "map $uri $playnet_key { default $uri; ~(?s)^/t/[^/]+(?<playnet_rest>/.*)$ $playnet_rest; }",
        "map $uri $playnet_masked_uri { default $uri; ~(?s)^/t/[^/]+(?<playnet_tail>.*)$ /t/-$playnet_tail; }",
        "map $http_referer $playnet_masked_referer { default $http_referer;"
        " ~^(?<playnet_site>[^?]*/t/)[^/]+(?<playnet_page>.*)$ $playnet_site-$playnet_page; }",
        'map $uri $playnet_cors { default ""; ~^/(?:v|t|live)/ "*"; }',
        *connection_named("$playnet_connection"),
        *(
            f'map "$request_method:$uri" $playnet_gone_{status} '
            f"{{ default {named_location(status)}; ~^HEAD:/api/v1/uploads/ {_LOCKED}; }}"
            for status in _GONE
        ),
        'map $http_via $playnet_via { default "$http_via, 1.1 playnet-front"; "" "1.1 playnet-front"; }',
    ]


def _access_log(config: Config, layout: Layout) -> list[str]:
    if not config.analytics.access_log:
        return ["access_log off;"]
    fields = ",".join(f'"{name}":{value}' for name, value in _ACCESS_LOG_FIELDS.items())
    path = quoted(access_log_path(layout))
    return [f"log_format playnet escape=json '{{{fields}}}';", f"access_log {path} playnet buffer=64k flush=1s;"]


def _upstreams(config: Config) -> list[str]:
    """`zone` shares what is known of failures between the workers."""
    ring = ring_of(config)
    limits = f"max_fails={config.lb.max_fails} fail_timeout={ceil(config.lb.fail_timeout)}s"
    nodes = [f"    server {node.address} weight={node.weight} {limits};" for node in ring.nodes]
    return [
        "upstream edges {",
        f"    zone edges {128 + 4 * len(nodes)}k;",
        "    hash $playnet_key consistent;",
        *nodes,
        f"    keepalive {min(32 + 2 * len(nodes), 1024)};",
        f"    keepalive_timeout {_EDGE_IDLE_S}s;",
        "}",
        "upstream origins {",
        "    zone origins 256k;",
        *(f"    server {address} {limits};" for address in config.origins),
        "    keepalive 32;",
        f"    keepalive_timeout {_ORIGIN_IDLE_S}s;",
        "}",
    ]


def _server(config: Config) -> list[str]:
    protect = _protect(config)
    lines = [
        f"listen {config.lb.listen} default_server backlog=1024;",
        "server_name _;",
        *_proxying(config),
        *_response_fields(),
        *server_block(protect),
        *error_pages(
            _REFUSALS,
            Around(request_id="$request_id", cors="$playnet_cors", allow=allowed(protect)),
            chosen={status: f"$playnet_gone_{status}" for status in _GONE},
        ),
        f"location {_LOCKED} {{ return 423; }}",
        'location = /healthz { access_log off; default_type text/plain; return 200 "ok\\n"; }',
        'location = /readyz { access_log off; default_type text/plain; return 200 "ok\\n"; }',
        "location = /metrics { return 404; }",
        "location /metrics/ { return 404; }",
        'location ~ "^/t/[^/]+/(?!v/|live/)" { return 404; }',  # a node drops the token: no way around the rules for the rest
        *(line for prefix in ("/v/", "/t/", "/live/") for line in _edge_location(config, prefix)),
        *_upload_location(config),
        *(f"location = {path} {{ proxy_pass http://origins{path}; }}" for path in _WITHOUT_SLASH),
        "location / { proxy_pass http://origins/; }",
    ]
    return ["server {", *(f"    {line}" for line in lines), "}"]


def _proxying(config: Config) -> list[str]:
    """How the front talks to both kinds of upstream."""
    return [
        "proxy_http_version 1.1;",
        *_request_fields(),
        f"proxy_connect_timeout {_ms(config.lb.connect_timeout)};",
        f"proxy_read_timeout {_ms(config.lb.read_timeout)};",
        f"proxy_send_timeout {_ms(config.lb.read_timeout)};",
        "proxy_next_upstream error timeout;",
        f"proxy_next_upstream_tries {_EDGE_TRIES};",
        "proxy_buffer_size 16k;",
        "proxy_buffers 16 16k;",
        "proxy_max_temp_file_size 0;",  # a slow viewer slows the edge down; nothing is spilled to disk
        "proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset X-Accel-Expires;",
    ]


def _request_fields() -> list[str]:
    """Nothing that the client claims about hops before us survives. A location that sets one more must repeat them all."""
    return [
        'proxy_set_header Connection "";',
        f"proxy_set_header {CONNECTION_FIELD} $playnet_connection;",
        "proxy_set_header Host $http_host;",
        "proxy_set_header X-Request-Id $request_id;",
        "proxy_set_header X-Forwarded-For $remote_addr;",
        "proxy_set_header X-Forwarded-Proto $scheme;",
        'proxy_set_header X-Forwarded-Host "";',
        'proxy_set_header Forwarded "";',
        f'proxy_set_header {PEER_FIELD} "";',  # between nodes only; it would keep nginx from serving what is hot
        "proxy_set_header Via $playnet_via;",
        f"proxy_set_header {FAILOVER_HEADER} 1;",
    ]


def _response_fields() -> list[str]:
    """One of each, whether or not the upstream sent it too."""
    return [
        "proxy_hide_header X-Request-Id;",
        "add_header X-Request-Id $request_id always;",
        "proxy_hide_header X-Content-Type-Options;",
        "add_header X-Content-Type-Options nosniff always;",
        "proxy_hide_header Surrogate-Key;",  # the pages come from the origin without an edge, which would take it out
    ]


def _protect(config: Config) -> Protect:
    """The operator's choice; of methods no more than the appliance has."""
    return config.protect if config.protect.methods else config.protect.model_copy(update={"methods": _METHODS})


def _edge_location(config: Config, prefix: str) -> list[str]:
    """A node that is dead does not answer, and one whose brain is dead hangs up: the next node on the ring is asked.

    Every status is passed on. 502, 503 and 504 tell of the origin, which no other node can help, and counting them as
    the node's failures would take the whole fleet out of the ring with everything it holds.

    nginx's messages quote the request line: where that has a playback token there are none, and the access log tells.
    """
    give_up_s = config.lb.read_timeout + 2 * config.lb.connect_timeout
    return [
        f"location {prefix} {{",
        f"    proxy_pass http://edges{prefix};",
        *(f"    {line}" for line in _request_fields()),
        '    proxy_set_header Cookie "";',  # media depend on the URL alone; a session's secret has nothing to do in a cache
        '    proxy_set_header Authorization "";',
        *(["    error_log stderr emerg;"] if prefix == "/t/" else []),
        "    proxy_next_upstream error timeout invalid_header;",
        f"    proxy_next_upstream_timeout {_ms(give_up_s)};",
        "}",
    ]


def _upload_location(config: Config) -> list[str]:
    """Bodies stream through: not buffered, not repeated, as long as they keep coming."""
    return [line for prefix in ("/api/v1/assets/", "/api/v1/uploads") for line in _streamed(config, prefix)]


def _streamed(config: Config, prefix: str) -> list[str]:
    return [
        f"location {prefix} {{",
        f"    proxy_pass http://origins{prefix};",
        f"    client_max_body_size {config.origin.max_source};",
        "    proxy_request_buffering off;",
        "    proxy_next_upstream error;",
        f"    proxy_send_timeout {_ms(config.origin.upload_idle)};",
        f"    proxy_read_timeout {_UPLOAD_ANSWER_S}s;",
        "}",
    ]


def access_log_path(layout: Layout) -> str:
    """Where the front's access log goes."""
    return str(layout.logs / "access.log")


def _ms(seconds: float) -> str:
    """A time as nginx writes it."""
    return f"{ceil(seconds * 1000)}ms"
