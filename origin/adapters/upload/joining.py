"""Makes the objects of resumable uploads whose bytes are all there, and clears away what nobody will go on with.

Whichever origin took the last byte begins at once; should it die, another one finds the row and does it. Every step may
be repeated.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Final

import asyncpg

from origin.core.resumable import Resumable
from origin.core.tus import ChecksumMismatch
from playnet.db.database import Database
from playnet.errors import NotFound, Rejected, StorageFull, Unavailable
from playnet.logs import logger
from playnet.names import AssetId
from playnet.store.port import Part, PartedStore

from ..rounds import keep_going, wait_for_wake
from ..statements import SQL
from .acknowledgement import LEASE, Source, acknowledge
from .digests import RunningDigests

log = logger(__name__)

_PAUSE_S: Final = 5.0
_BATCH: Final = 20
_AT_ONCE: Final = 4
_BEAT_S: Final = 10.0
_KEPT: Final = timedelta(hours=1)  # a finished upload still answers a client that missed the answer


class Joining:
    """One per origin. `run` for as long as the app lives; `wake` starts the next round at once."""

    def __init__(self, database: Database, store: PartedStore, *, life_s: float) -> None:
        """`life_s`: how long a finished partial upload waits for its final one."""
        self._database, self._store = database, store
        self._life = timedelta(seconds=life_s)
        self.digests = RunningDigests()
        self.wake = asyncio.Event()
        self._group: asyncio.TaskGroup
        self._tasks: dict[str, asyncio.Task[Rejected | None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Round after round."""
        async with asyncio.TaskGroup() as self._group:
            await keep_going("joining", self._round)

    async def finish(self, upload: str, *, within_s: float) -> None:
        """Make the object, and wait a while for it. Raises what makes it impossible, ChecksumMismatch above all."""
        task = self._started(upload)
        await asyncio.wait({task}, timeout=within_s)
        if task.done() and (failure := task.result()) is not None:
            raise failure

    async def _round(self) -> None:
        await self._database.opened.wait()
        async with self._database.connection() as connection:
            whole = await connection.fetch(SQL["whole_uploads"], _BATCH)
            dead = await connection.fetch(SQL["dead_resumables"], _BATCH)
        for row in whole:
            self._started(row["id"])
        for row in dead:
            await self._clear(read_resumable(row))
        await wait_for_wake(self.wake, _PAUSE_S)

    def _started(self, upload: str) -> "asyncio.Task[Rejected | None]":
        """The task that makes this object here; there is one at most."""
        task = self._tasks.get(upload)
        if task is None:
            task = self._tasks[upload] = self._group.create_task(self._guarded(upload), name=f"join-{upload}")
            task.add_done_callback(lambda _: self._tasks.pop(upload))
        return task

    async def _guarded(self, upload: str) -> Rejected | None:
        """Finish it; gives what makes that impossible. Other failures leave it to a later round."""
        try:
            async with self._slots:
                await self._finish(upload)
        except Rejected as exc:
            await self._fail(upload, exc)
            return exc
        except (Unavailable, StorageFull) as exc:
            log.warning("upload.join_postponed", upload=upload, detail=str(exc))
        except Exception:
            log.exception("upload.join_crashed", upload=upload)
        return None

    async def _finish(self, upload: str) -> None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["claim_whole"], upload, LEASE, False)
        if row is None:
            return  # another origin does it, or it is done
        claimed = read_resumable(row)
        try:
            async with asyncio.TaskGroup() as group:
                beats = group.create_task(self._beat(upload), name=f"join-beat-{upload}")
                await self._make(claimed)
                beats.cancel()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _beat(self, upload: str) -> None:
        while True:
            await asyncio.sleep(_BEAT_S)
            try:
                async with self._database.connection() as connection:
                    await connection.execute(SQL["claim_whole"], upload, LEASE, True)
            except Unavailable:
                continue  # what must not be lost is decided by the last transaction

    async def _make(self, upload: Resumable) -> None:
        sha256 = await (self._concatenated(upload) if upload.joins else self._joined(upload))
        if upload.sha256 is not None and sha256 != upload.sha256:
            raise ChecksumMismatch("the file does not have the SHA-256 that was announced: send it again")
        kept = self._life if upload.is_partial else _KEPT
        async with self._database.transaction() as connection:
            if upload.asset is not None:
                assert upload.length_bytes is not None
                source = Source(upload.key, upload.file_name, upload.length_bytes, sha256)
                await acknowledge(connection, upload.asset, upload.id, source)
            await connection.execute(SQL["end_resumable"], upload.id, "finished", None, kept)
            for partial in upload.joins:
                await connection.execute(
                    SQL["end_resumable"], partial, "failed", "it is part of another one", timedelta(0)
                )
        self.digests.forget(upload.id)
        await self._drop_tails(upload)
        self.wake.set()
        log.info("upload.acknowledged", asset=upload.asset, upload=upload.id, size_bytes=upload.length_bytes)

    async def _joined(self, upload: Resumable) -> str:
        """The object out of its parts; gives its SHA-256, which of a partial upload nobody needs."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["parts_of"], upload.id)
        parts: list[Part] = []
        for row in rows:
            parts.append(Part(row["number"], _end(parts), row["size_bytes"], row["tag"]))
        if not parts:
            await self._store.put(upload.key, self._bytes_of(()))
            await self._store.drop_parts(upload.key, upload.handle)
        else:
            await self._store.join_parts(upload.key, upload.handle, parts)
        if upload.is_partial:
            return ""
        digest = self.digests.at(upload.id, _end(parts))
        return digest.hexdigest() if digest is not None else await self._read_back(upload.key)

    async def _concatenated(self, upload: Resumable) -> str:
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["partial_uploads"], list(upload.joins))
        keys = {row["id"]: row["object_key"] for row in rows}
        if len(keys) < len(set(upload.joins)):
            raise NotFound("a partial upload has expired meanwhile: send the file again")
        digest = hashlib.sha256()
        await self._store.put(upload.key, self._bytes_of(tuple(keys[name] for name in upload.joins), digest.update))
        return digest.hexdigest()

    async def _read_back(self, key: str) -> str:
        """The SHA-256 of an object that more than one process received."""
        digest = hashlib.sha256()
        async for chunk in self._bytes_of((key,)):
            await asyncio.to_thread(digest.update, chunk)
        return digest.hexdigest()

    async def _bytes_of(
        self, keys: tuple[str, ...], seen: Callable[[bytes], None] = lambda _: None
    ) -> AsyncIterator[bytes]:
        for key in keys:
            async with self._store.get(key) as body:
                async for chunk in body.chunks:
                    await asyncio.to_thread(seen, chunk)
                    yield chunk

    async def _fail(self, upload: str, failure: Rejected) -> None:
        log.info("upload.refused", upload=upload, detail=str(failure))
        async with self._database.transaction() as connection:
            await connection.execute(SQL["abandon_upload"], upload)
            await connection.execute(SQL["end_resumable"], upload, "failed", str(failure), _KEPT)

    async def _clear(self, upload: Resumable) -> None:
        """Objects first, the row that names them last."""
        if upload.handle:
            await self._store.drop_parts(upload.key, upload.handle)
        await self._drop_tails(upload)
        if upload.is_partial or upload.state != "finished":
            await self._store.delete(upload.key)
        async with self._database.transaction() as connection:
            await connection.execute(SQL["abandon_upload"], upload.id)
            await connection.execute(SQL["forget_resumable"], upload.id)

    async def _drop_tails(self, upload: Resumable) -> None:
        async for stat in self._store.list(upload.key.rpartition("/")[0] + "/"):
            if stat.key.startswith(f"{upload.key}.tail-"):
                await self._store.delete(stat.key)


def read_resumable(row: asyncpg.Record) -> Resumable:
    """One row."""
    values = dict(row)
    asset = values.pop("asset_id")
    return Resumable(
        asset=AssetId(asset) if asset else None,
        key=values.pop("object_key"),
        joins=tuple(values.pop("joins") or ()),
        **{name: values[name] for name in _COLUMNS},
    )


_COLUMNS: Final = (
    "id", "handle", "length_bytes", "offset_bytes", "part_bytes", "tail_bytes", "tail_turn", "turn", "metadata",
    "file_name", "sha256", "state", "failure", "expires_at",
)  # fmt: skip


def _end(parts: list[Part]) -> int:
    return parts[-1].start + parts[-1].size_bytes if parts else 0
