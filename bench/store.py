"""A big store: how long a start takes, how long an order to forget, and whether lookups wait meanwhile.

`python -m bench store` builds 100,000 entries; `BENCH_ENTRIES=500000` as many as that. Every entry is hot, as segments are.
"""

import asyncio
import logging
import os
import secrets
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from edge.adapters.metrics import Metrics
from edge.adapters.store.bodies import Bodies
from edge.adapters.store.index import Index
from edge.adapters.store.recovery import recover, system_boot_id
from edge.adapters.store.reservation import Limits
from edge.adapters.store.store import Rules, Store
from edge.core.admission import Always
from edge.core.decide import Marks
from edge.core.entry import Entry, Exchange, new_entry
from edge.core.eviction import S3Fifo
from edge.core.hot import HOT_FIELDS
from edge.core.key import Key
from playnet.http.dates import format_date
from playnet.http.fields import Fields
from playnet.logs import configure
from playnet.purge.order import PurgeOrder

_ENTRIES = int(os.environ.get("BENCH_ENTRIES", "100000"))
_OF_A_TITLE = 1000
_OF_A_REVISION = 500
_BODY = b"one body that all of them have: what counts here is how many there are"
_LOOKUP_EVERY_S = 0.01


def run() -> None:
    """Print one table."""
    configure("bench", level=logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="pn-bench-") as name:
        folder = Path(name)
        began = time.perf_counter()
        build(folder, _ENTRIES)
        table = Table(title=f"{_ENTRIES} entries, built in {time.perf_counter() - began:.0f} s")
        for column in ("", "wall ms", "CPU ms", "longest lookup ms"):
            table.add_column(column, justify="left" if not column else "right")
        asyncio.run(_measure(folder, table))
        Console().print(table)


def build(folder: Path, entries: int) -> None:
    """A store as a node leaves it behind: titles of a thousand hot entries each."""
    bodies, index, now = Bodies(folder), Index.opened(folder / "index"), time.time()
    recover(index, bodies, boot_id=system_boot_id(), marks=Marks(), now=now)
    checksum = zlib.crc32(_BODY)
    with index.bulk():
        for number in range(entries):
            entry = _entry(number, now, checksum)
            path = bodies.path(entry.body)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_BODY)
            index.put(entry, boot=1, hot_until=entry.life.fresh_until)
            bodies.link_hot(entry.key, entry.body)
    index.close()


def _entry(number: int, now: float, checksum: int) -> Entry:
    title, segment = divmod(number, _OF_A_TITLE)
    revision = segment // _OF_A_REVISION
    head = Fields(
        (
            *HOT_FIELDS,
            ("content-type", "video/iso.segment"),
            ("last-modified", format_date(1_600_000_000)),
            ("date", format_date(now)),
            ("surrogate-key", f"asset:{title} rev:{title}/{revision}"),
        )
    )
    key = Key(f"/v/0197c9a4-7d1e-{title:04}/{revision}/1080p/{segment}.m4s")
    exchange = Exchange.of(200, head, requested_at=now, received_at=now)
    drafted = new_entry(key, exchange, body=secrets.token_hex(16), size_bytes=len(_BODY))
    return replace(drafted, checksum=checksum)


async def _measure(folder: Path, table: Table) -> None:
    async def opened(boot_id: str) -> Store:
        rules = Rules(policy=S3Fifo(), admission=Always(), limits=Limits(1 << 40), boot_id=boot_id)
        return await Store.open(folder, rules, metrics=Metrics(), clock=time.time)

    with _timed(table, "start"):
        store = await opened(system_boot_id())
    upkeep = asyncio.create_task(store.upkeep(), name="upkeep")
    await store.settled.wait()
    titles = _ENTRIES // _OF_A_TITLE
    await _forget(store, table, PurgeOrder(kind="tag", value="asset:3"), "a tag of 1,000")
    await _forget(store, table, PurgeOrder(kind="prefix", value="/v/0197c9a4-7d1e-0004/"), "a prefix of 1,000")
    await _forget(store, table, PurgeOrder(kind="url", value="/v/0197c9a4-7d1e-0005/0/1080p/7.m4s"), "a URL")
    await _forget(store, table, PurgeOrder(kind="tag", value="asset:6", soft=True), "a tag of 1,000, softly")
    await _forget(
        store, table, PurgeOrder(kind="prefix", value="/v/0197c9a4-7d1e-00"), f"a prefix of {min(titles, 100) - 2},000"
    )
    upkeep.cancel()
    await asyncio.wait([upkeep])
    await store.close()
    with _timed(table, "start after a power loss"):
        store = await opened("another")
    await store.close()


async def _forget(store: Store, table: Table, order: PurgeOrder, name: str) -> None:
    """Apply an order while others look entries up that the store has to read."""
    longest = 0.0

    async def look() -> None:
        nonlocal longest
        number = 0
        while True:
            number = (number + 7) % _OF_A_TITLE
            began = time.perf_counter()
            revision = number // _OF_A_REVISION
            await store.at(Key(f"/v/0197c9a4-7d1e-0001/{revision}/1080p/{number}.m4s"))
            longest = max(longest, time.perf_counter() - began)
            await asyncio.sleep(_LOOKUP_EVERY_S)

    looking = asyncio.create_task(look(), name="look")
    await asyncio.sleep(_LOOKUP_EVERY_S * 3)
    longest, wall, cpu = 0.0, time.perf_counter(), time.process_time()
    count = await store.forget(order)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    looking.cancel()
    await asyncio.wait([looking])
    table.add_row(f"{name} ({count} gone)", f"{wall * 1e3:.0f}", f"{cpu * 1e3:.0f}", f"{longest * 1e3:.0f}")


@contextmanager
def _timed(table: Table, name: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    table.add_row(name, f"{(time.perf_counter() - wall) * 1e3:.0f}", f"{(time.process_time() - cpu) * 1e3:.0f}", "")
