"""Apache Traffic Server with Debian's settings: memory cache of its own choice, disk cache in a file.

Changed: where everything stands, one listener, the mapping to the origin, its access log off (in its favour), and what
its documentation advises for several viewers of one object that is still on its way ("Reducing origin server
requests"): read while writing, and waiting for the one who writes instead of asking the origin, too.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .servers import Server, binary, folder_of, free_port, serving

_ACCOUNT: Final = "trafficserver"
_SETTINGS: Final = Path("/etc/trafficserver")
_SIZE: Final = "2G"
_RECORDS: Final = """
CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1
CONFIG proxy.config.http.insert_response_via_str INT 2
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.cache.enable_read_while_writer INT 1
CONFIG proxy.config.http.background_fill_active_timeout INT 0
CONFIG proxy.config.http.background_fill_completed_threshold FLOAT 0.0
CONFIG proxy.config.http.cache.open_write_fail_action INT 5
CONFIG proxy.config.http.cache.max_open_write_retries INT 1
CONFIG proxy.config.http.cache.max_open_read_retries INT 300
CONFIG proxy.config.http.cache.open_read_retry_time INT 10
"""
_ROOT: Final = """
prefix: {folder}
exec_prefix: /usr
bindir: /usr/bin
sbindir: /usr/sbin
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
includedir: /usr/include
mandir: /usr/share/man
infodir: /usr/share/info
sysconfdir: {folder}/config
datadir: {folder}/cache
cachedir: {folder}/cache
localstatedir: {folder}/run
runtimedir: {folder}/run
logdir: {folder}/logs
"""


@contextmanager
def trafficserver(parent: Path, origin: str) -> Iterator[Server]:
    """`origin`: HOST:PORT."""
    port, folder = free_port(), folder_of(parent, "trafficserver")
    for name in ("cache", "run", "logs"):
        folder_of(folder, name, _ACCOUNT)
    config = folder / "config"
    shutil.copytree(_SETTINGS, config)
    (config / "storage.config").write_text(f"{folder}/cache {_SIZE}\n")
    (config / "remap.config").write_text(f"map / http://{origin}/\n")
    records = config / "records.config"
    records.write_text(records.read_text() + _RECORDS.format(port=port))  # of two lines the last one counts
    root = folder / "runroot.yaml"
    root.write_text(_ROOT.format(folder=folder))
    with serving([binary("traffic_server"), f"--run-root={root}"], port, folder / "log") as server:
        yield server
