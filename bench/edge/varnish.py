"""Varnish as its manual sets it up: built-in VCL, one backend, bodies in memory (`malloc`) or in a mapped file (`file`).

It has no disk cache that survives a restart; `file` is what comes nearest to one. Its log stays in shared memory,
without a process that writes it out.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from .servers import Server, binary, folder_of, free_port, serving

_VCL: Final = """
vcl 4.1;
backend default {{ .host = "{host}"; .port = "{port}"; }}
sub vcl_recv {{ if (req.url == "/readyz") {{ return (synth(200)); }} }}
"""
_SIZE: Final = "2G"


@contextmanager
def varnish(parent: Path, origin: str, storage: Literal["malloc", "file"]) -> Iterator[Server]:
    """`origin`: HOST:PORT."""
    port, folder = free_port(), folder_of(parent, f"varnish-{storage}")
    host, _, origin_port = origin.partition(":")
    vcl = folder / "default.vcl"
    vcl.write_text(_VCL.format(host=host, port=origin_port))
    place = f"malloc,{_SIZE}" if storage == "malloc" else f"file,{folder}/storage,{_SIZE}"
    argv = [binary("varnishd"), "-F", "-n", str(folder / "run"), "-a", f"127.0.0.1:{port}", "-f", str(vcl), "-s", place]
    with serving(argv, port, folder / "log") as server:
        yield server
