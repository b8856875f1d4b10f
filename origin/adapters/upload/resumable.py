"""Resumable uploads: begun, taken up after any break by any origin, and handed to `Joining` when all bytes are there.

Bytes are durable before their offset is told, and whoever asks for the offset is told no more than that. Each request
that brings bytes takes a turn; only the latest may commit, so that a connection that is half dead cannot harm the one
that replaced it.
"""

import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from origin.core.accounts.callers import AccountId
from origin.core.metadata import Metadata
from origin.core.resumable import Resumable, State, may_append, tail_key
from origin.core.titles import clean_file_name, clean_title
from origin.core.tus import Checksum, ChecksumMismatch, Gone, part_bytes
from playnet.db.database import Database
from playnet.db.pool import Connection
from playnet.errors import Conflict, Interrupted, InvalidInput, NotFound, TooLarge
from playnet.logs import logger
from playnet.names import AssetId, asset_id, parse_asset_id, partial_key, source_key
from playnet.store.port import Part, PartedStore

from ..assets import absent
from ..catalogue import insert
from ..statements import SQL
from .acknowledgement import LEASE, begin
from .body import Limits, arriving
from .digests import RunningDigests
from .joining import Joining, read_resumable
from .receiver import Progress, Receiver
from .room import Room

log = logger(__name__)

OWNER: Final = "tus"  # of the rows in `upload`: no single origin's
_UNTITLED: Final = "Untitled"
_ANSWER_S: Final = 20.0  # how long the last request waits for the object; it is made in any case


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """What a client announces. `length_bytes`: None when it comes later. `joins`: ids of partial uploads, for a final one."""

    length_bytes: int | None
    field: str
    told: Mapping[str, str]
    owner: AccountId | None = None
    is_partial: bool = False
    joins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One request that brings bytes. `length_bytes`: the upload's, when this request tells it."""

    offset: int
    chunks: AsyncIterator[bytes]
    announced_bytes: int | None
    length_bytes: int | None = None
    checksum: Checksum | None = None


class Resumables:
    """All of them. `life_s`: how long a broken one waits."""

    def __init__(
        self, database: Database, store: PartedStore, joining: Joining, *, limits: Limits, room: Room, life_s: float
    ) -> None:
        self._database, self._store, self._joining = database, store, joining
        self._limits, self._room, self._life = limits, room, timedelta(seconds=life_s)
        self._digests: RunningDigests = joining.digests

    async def create(self, new: NewUpload) -> Resumable:
        """Begin one, with its asset unless it is partial. Raises InvalidInput, NotFound, Conflict, TooLarge, StorageFull, Unavailable."""
        sha256 = new.told.get("sha256")
        if sha256 is not None and (len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef")):
            raise InvalidInput("Upload-Metadata: expected sha256 as 64 hexadecimal digits in lower case")
        length_bytes = await self._joined_length(new.joins) if new.joins else new.length_bytes
        await self._room.check(length_bytes or 0)
        upload = secrets.token_hex(16)
        size_bytes = part_bytes(length_bytes, self._limits.max_bytes) if not new.joins else 1
        async with self._database.transaction() as connection:
            asset = None if new.is_partial else await self._asset(connection, new)
            key = partial_key(upload) if asset is None else source_key(asset, upload)
            if asset is not None:
                await begin(connection, asset, upload, owner=OWNER)
            if new.joins:
                await connection.execute(SQL["keep_partials"], list(new.joins), self._life)
            handle = "" if new.joins else await self._store.begin_parts(key)
            row = await connection.fetchrow(
                SQL["begin_resumable"], upload, asset, key, handle, length_bytes, size_bytes, new.field,
                clean_file_name(new.told.get("filename")), sha256, list(new.joins),
                "whole" if new.joins or length_bytes == 0 else "open", self._life,
            )  # fmt: skip
        log.info("upload.begun", upload=upload, asset=asset, length_bytes=length_bytes)
        assert row is not None
        created = read_resumable(row)
        if created.state == "whole":
            await self._joining.finish(created.id, within_s=_ANSWER_S)
            return await self.show(created.id)
        return created

    async def _joined_length(self, joins: tuple[str, ...]) -> int:
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["partial_uploads"], list(joins))
        lengths = {row["id"]: row["length_bytes"] for row in rows}
        if missing := [upload for upload in joins if upload not in lengths]:
            raise Conflict(f"{len(missing)} of the partial uploads are not complete, or are no more")
        return sum(lengths[upload] for upload in joins)

    async def _asset(self, connection: Connection, new: NewUpload) -> AssetId:
        """The asset that the metadata names, or a new one, which belongs to whoever uploads."""
        told = new.told
        if "asset" in told:
            asset = parse_asset_id(told["asset"])
            if asset is None:
                raise absent(repr(told["asset"][:40]))
            return asset
        name = clean_file_name(told.get("filename"))
        title = told.get("title") or (name.rpartition(".")[0] or name if name else _UNTITLED)
        created = asset_id(secrets.token_bytes(12))
        await insert(connection, created, Metadata(title=clean_title(title)), new.owner)
        return created

    async def show(self, upload: str) -> Resumable:
        """How far it is. NotFound, Gone."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["show_resumable"], upload)
        if row is None:
            raise NotFound("there is no such upload, or it has expired")
        found = read_resumable(row)
        if found.state == "failed":
            raise Gone(found.failure or "this upload was ended")
        return found

    async def receive(self, upload: str, piece: Piece) -> Resumable:
        """Take bytes; what came is kept, however the request ends, unless it carries a checksum that they do not have.

        Raises NotFound, Gone, Conflict (another offset), InvalidInput, ChecksumMismatch, Interrupted, StorageFull, Unavailable.
        """
        found = await self.show(upload)
        may_append(found, offset=piece.offset, length=piece.length_bytes, announced=piece.announced_bytes)
        taken = await self._turn(upload, piece)
        tail = await self._tail(taken)
        staged: list[Progress] | None = [] if piece.checksum is not None else None

        async def commit(progress: Progress) -> None:
            if staged is None:
                await self._commit(taken, progress.parts, progress.parts_bytes)
                self._digests.keep(upload, progress.parts_bytes, progress.digest)
            else:
                staged.append(progress)

        digest = self._digests.at(upload, taken.parts_bytes)
        receiver = Receiver(self._store, taken, tail=tail, digest=digest, commit=commit)
        try:
            await self._take(receiver, taken, piece)
        except Interrupted:
            if staged is None:
                await self._keep(receiver, taken, [])
            raise
        finally:
            await receiver.abandon()
        await self._keep(receiver, taken, [] if staged is None else staged)
        return await self.show(upload)

    async def drop(self, upload: str) -> None:
        """End it at the client's wish. NotFound, Gone, Conflict."""
        found = await self.show(upload)
        if found.state in {"whole", "finished"} and not found.is_partial:
            raise Conflict("this upload is complete: delete its asset instead")
        async with self._database.transaction() as connection:
            await connection.execute(SQL["abandon_upload"], upload)
            await connection.execute(SQL["end_resumable"], upload, "failed", "the client ended it", timedelta(0))
        self._joining.wake.set()

    async def _turn(self, upload: str, piece: Piece) -> Resumable:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(SQL["take_turn"], upload, piece.length_bytes, self._life)
        if row is None:
            raise Gone("this upload was ended or has expired")
        taken = read_resumable(row)
        may_append(taken, offset=piece.offset, length=piece.length_bytes, announced=piece.announced_bytes)
        return taken

    async def _tail(self, upload: Resumable) -> bytes:
        if not upload.tail_bytes:
            return b""
        async with self._store.get(upload.tail_key, length=upload.tail_bytes) as body:
            return b"".join([chunk async for chunk in body.chunks])

    async def _take(self, receiver: Receiver, upload: Resumable, piece: Piece) -> None:
        checksum = piece.checksum
        seen = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
        limit = self._limits.max_bytes if upload.length_bytes is None else upload.length_bytes
        async for chunk in arriving(
            piece.chunks, self._limits.idle_s, advice="ask for the offset and go on from there"
        ):
            if receiver.offset + len(chunk) > limit:
                raise TooLarge(f"more came than the {limit} bytes that this upload may have")
            if seen is not None:
                seen.update(chunk)
            await receiver.add(chunk)
        if checksum is not None and seen is not None and seen.digest() != checksum.digest:
            raise ChecksumMismatch(
                f"the bytes do not have the {checksum.algorithm} that was announced: send them again"
            )

    async def _keep(self, receiver: Receiver, upload: Resumable, staged: list[Progress]) -> None:
        """Make what came durable to its last byte, and tell so; the last byte of all makes the upload whole."""
        is_whole = receiver.offset == upload.length_bytes
        await (receiver.finish() if is_whole else receiver.settle())
        tail, tail_turn = receiver.tail, upload.tail_turn
        if tail and receiver.offset != upload.offset_bytes:
            tail_turn = upload.turn
            await self._store.put(tail_key(upload.key, tail_turn), _once(tail))
        parts = tuple(part for progress in staged for part in progress.parts)
        await self._commit(
            upload,
            parts,
            receiver.offset,
            tail_bytes=len(tail),
            tail_turn=tail_turn,
            state="whole" if is_whole else "open",
        )
        if staged:
            self._digests.keep(upload.id, staged[-1].parts_bytes, staged[-1].digest)
        if is_whole:
            await self._joining.finish(upload.id, within_s=_ANSWER_S)
        elif upload.tail_bytes and tail_turn != upload.tail_turn:
            await self._store.delete(upload.tail_key)

    async def _commit(
        self, upload: Resumable, parts: tuple[Part, ...], offset: int, *, tail_bytes: int = 0, tail_turn: int | None = None,
        state: State = "open",
    ) -> None:  # fmt: skip
        """Raises Conflict when another request took over, Gone when the asset has no use for the upload any more."""
        turn = upload.tail_turn if tail_turn is None else tail_turn
        async with self._database.transaction() as connection:
            advanced = await connection.fetchval(
                SQL["advance_resumable"], upload.id, upload.turn, offset, tail_bytes, turn, state, self._life
            )
            if advanced is None:
                raise Conflict("another request goes on with this upload")
            if parts:
                columns = (
                    [part.number for part in parts],
                    [part.size_bytes for part in parts],
                    [part.tag for part in parts],
                )
                await connection.execute(SQL["add_parts"], upload.id, *columns)
            if (
                not upload.is_partial
                and await connection.fetchval(SQL["renew_upload"], upload.id, LEASE, offset) is None
            ):
                raise Gone("this upload was given up: its asset was deleted, or another upload took its place")


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
