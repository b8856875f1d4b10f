"""What it costs to write a body: as it is, with its checksum, and synced to the disk."""

import os
import tempfile
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.rounds import Sample, interleave, show

_SIZES = {"2 KB": 2 << 10, "200 KB": 200 << 10, "1 MB": 1 << 20}
_BODIES = 32
_CHUNK_BYTES = 64 << 10  # as upstreams send them


def run() -> None:
    """Print one table for each size."""
    with tempfile.TemporaryDirectory(prefix="pn-bench-") as name:
        for label, size_bytes in _SIZES.items():
            contenders: dict[str, Callable[[], Sample]] = {
                "plain": partial(_written, Path(name), size_bytes, checked=False, synced=False),
                "checksum": partial(_written, Path(name), size_bytes, checked=True, synced=False),
                "checksum and fdatasync": partial(_written, Path(name), size_bytes, checked=True, synced=True),
            }
            figures, steal = interleave(contenders)
            title = f"a body of {label}"
            show(title, figures, cost="CPU µs per body", rate="bodies/s", steal=steal, peer="plain")


def _written(folder: Path, size_bytes: int, *, checked: bool, synced: bool) -> Sample:
    data = os.urandom(size_bytes)
    wall, cpu = time.perf_counter(), time.process_time()
    for number in range(_BODIES):
        checksum = 0
        with (folder / str(number)).open("wb", buffering=0) as file:
            for start in range(0, size_bytes, _CHUNK_BYTES):
                chunk = data[start : start + _CHUNK_BYTES]
                file.write(chunk)
                checksum = zlib.crc32(chunk, checksum) if checked else 0
            if synced:
                os.fdatasync(file.fileno())
    return Sample((time.process_time() - cpu) / _BODIES * 1e6, _BODIES / (time.perf_counter() - wall))
