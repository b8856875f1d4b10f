"""Hits: everybody serves the same objects from a warm cache, under wrk."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from bench.rounds import interleave

from . import wrk
from .bed import FLOOR, VARNISH_FILE, Bed
from .contenders import prove, warm
from .report import Table

OBJECTS: Final = 16
CONNECTIONS: Final = (1, 64)


def tables(bed: Bed, sizes: Sequence[int], *, rounds: int, seconds: int) -> Iterator[Table]:
    """One table for each size and number of connections."""
    numbers = range(1, OBJECTS + 1)
    contenders = tuple(one for one in bed.all if one.name != VARNISH_FILE)  # its pages are in memory as well
    for size_bytes in sizes:
        wire = {one.name: warm(one, bed.www, size_bytes, numbers) for one in contenders}
        for connections in CONNECTIONS:
            load = wrk.Load(size_bytes, connections, OBJECTS, seconds)
            runs = {one.name: partial(wrk.measure, one, load, bed.folder, wire[one.name]) for one in contenders}
            figures, steal = interleave(runs, rounds=rounds)
            for one in contenders:
                prove(one, bed.www, size_bytes, numbers)
            yield Table(
                kind="hits", size_bytes=size_bytes, connections=connections, cost="CPU µs/request", rate="requests/s",
                peer=FLOOR, steal=steal, rows=figures,
            )  # fmt: skip
