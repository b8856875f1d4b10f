"""Plain nginx, twice: the origin of every cache (and the floor: static files), and proxy_cache in front of it.

Both as their documentation sets them up: a worker for each core, sendfile, kept-alive upstream connections, the cache
written where it stays. No access log, which is in their favour: our node writes one.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge.core.hot import HOT_FIELDS, SEALED_FIELDS

from .servers import Server, binary, folder_of, free_port, serving

_FRAME: Final = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes auto; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; server_tokens off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  types {{ video/iso.segment m4s; }}
{body}
}}
"""

_FILES: Final = """
  server {{
    listen 127.0.0.1:{port}; root {www};
    location = /readyz {{ return 200; }}
    location /v/ {{ {fields} }}
    location /private/ {{ alias {www}/v/; {private} }}
    location /minutes/ {{ alias {www}/v/; {short_lived} }}
    location ~ ^/cold/[^/]+/(\\d+)\\.m4s$ {{ alias {www}/v/$1/1.m4s; {fields} }}
  }}
"""

_PROXY_CACHE: Final = """
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=cache:10m max_size=4g inactive=1d use_temp_path=off;
  upstream origin {{ server {origin}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port};
    location = /readyz {{ return 200; }}
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache cache; proxy_cache_lock on; add_header X-Cache $upstream_cache_status;
    }}
  }}
"""


@contextmanager
def files(parent: Path, www: Path) -> Iterator[Server]:
    """What stands below `www`/v/SIZE/NUMBER.m4s.

    /v/…        as our origin says it of media: immutable for a year
    /private/…  the same bytes for token holders only
    /minutes/…  the same bytes for an hour: a node's brain decides each request
    /cold/ANY/SIZE.m4s  as many names as wanted
    """
    port = free_port()
    fields = _add_headers(dict(HOT_FIELDS))
    short_lived = _add_headers({**dict(HOT_FIELDS), "cache-control": "max-age=3600"})
    private = _add_headers({**dict(SEALED_FIELDS), "PlayNet-Access": "token"})
    body = _FILES.format(port=port, www=www, fields=fields, short_lived=short_lived, private=private)
    with _nginx(folder_of(parent, "files"), port, body) as server:
        yield server


@contextmanager
def proxy_cache(parent: Path, origin: str) -> Iterator[Server]:
    """nginx's own cache. `origin`: HOST:PORT."""
    port, folder = free_port(), folder_of(parent, "proxy_cache")
    with _nginx(folder, port, _PROXY_CACHE.format(folder=folder, port=port, origin=origin)) as server:
        yield server


@contextmanager
def _nginx(folder: Path, port: int, body: str) -> Iterator[Server]:
    user = "user www-data;" if os.geteuid() == 0 else ""
    conf = folder / "nginx.conf"
    conf.write_text(_FRAME.format(folder=folder, user=user, body=body))
    with serving([binary("nginx"), "-p", str(folder), "-c", str(conf)], port, folder / "log") as server:
        yield server


def _add_headers(fields: dict[str, str]) -> str:
    return " ".join(f'add_header {name} "{value}";' for name, value in fields.items())
