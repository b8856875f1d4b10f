"""A store of a cache node on its own, without brain and nginx."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from zlib import crc32

from edge.adapters.metrics import Metrics
from edge.adapters.store.reservation import Limits
from edge.adapters.store.store import Rules, Store
from edge.core.admission import Always
from edge.core.entry import Entry, Exchange, new_entry
from edge.core.eviction import S3Fifo
from edge.core.key import Key
from playnet.http.fields import Fields
from tests.integration.edge_parts import Clock

FIELDS = (("content-type", "text/plain"), ("cache-control", "max-age=600"), ("etag", '"a"'))


def answered(key: str, clock: Clock, *, tag: str = "asset:a") -> Entry:
    """What an origin said just now, without its body."""
    now = clock()
    exchange = Exchange.of(200, Fields((*FIELDS, ("surrogate-key", tag))), requested_at=now, received_at=now)
    return new_entry(Key(key), exchange, body="", size_bytes=0)


@asynccontextmanager
async def store(folder: Path, clock: Clock, *, boot_id: str = "boot", **limits: int) -> AsyncIterator[Store]:
    """Open, with its upkeep running."""
    bounds = Limits(**{"quota_bytes": 64 << 20, "memory_bytes": 0, **limits})
    rules = Rules(policy=S3Fifo(), admission=Always(), limits=bounds, boot_id=boot_id)
    opened = await Store.open(folder, rules, metrics=Metrics(), clock=clock)
    upkeep = asyncio.create_task(opened.upkeep())
    try:
        yield opened
    finally:
        upkeep.cancel()
        await asyncio.wait([upkeep])
        await opened.close()


async def put(into: Store, entry: Entry, body: bytes) -> bool:
    """As a fill does it."""
    room = into.reservation()
    assert await room.grow(len(body))
    temp = into.bodies.create()
    try:
        os.write(temp.fd, body)
        return await into.publish(replace(entry, body=temp.id, size_bytes=len(body), checksum=crc32(body)), temp, room)
    finally:
        room.release()
        os.close(temp.fd)
        await into.discard(temp)
