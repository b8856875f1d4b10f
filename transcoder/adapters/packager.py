"""Finished fragmented MP4s into the object store: an init file, numbered segments, and the track's record.

Keys are deterministic, so a second run overwrites the same objects. Nothing here makes them visible to viewers.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from playnet.errors import Unavailable
from playnet.media.cmaf import Movie, index_of
from playnet.media.records import AudioTrack, VideoTrack
from playnet.media.sample_entry import Audible, Visual
from playnet.names import AssetId, MediaKey, Revision
from playnet.store.port import ObjectStore
from transcoder.core.plan import VideoPlan
from transcoder.core.segments import Segment
from transcoder.core.sound import AudioPlan

from .together import together

_PARALLEL_PUTS = 4
_CHUNK_BYTES = 1 << 20
_PATIENCE_S = (1, 2, 4, 8, 15, 30, 30, 30)  # pauses between tries of one object: two minutes


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished file, indexed, and how it is cut."""

    path: Path
    movie: Movie
    segments: tuple[Segment, ...]


async def index(path: Path) -> Movie:
    """Read the boxes of a file; only headers and `moof`s come into memory."""
    return await asyncio.to_thread(_index, path)


async def init_sha256(piece: Piece) -> str:
    """Digest of the init file, in hexadecimal: equal for all chunks of a rendition."""
    head = await asyncio.to_thread(_head, piece)
    return hashlib.sha256(head).hexdigest()


class Packager:
    """Stores the pieces of one revision."""

    def __init__(self, store: ObjectStore, asset: AssetId, revision: Revision) -> None:
        self._store = store
        self._asset = asset
        self._revision = revision

    async def put_piece(self, folder: str, piece: Piece) -> None:
        """Store `init.mp4` and every segment. Raises what the store raises."""
        await self._put_range(folder, "init.mp4", piece.path, 0, piece.movie.init_bytes)
        waiting = iter(piece.segments)

        async def put_waiting() -> None:
            for segment in waiting:
                await self._put_range(folder, f"{segment.number}.m4s", piece.path, segment.offset, segment.size_bytes)

        async with together() as group:
            for number in range(_PARALLEL_PUTS):
                group.create_task(put_waiting(), name=f"put-{folder}-{number}")

    async def prune(self, folder: str, segments: int) -> None:
        """Remove the segments behind number `segments`: what an earlier, longer try left."""
        prefix = self.key(folder, "")
        async for stat in self._store.list(prefix):
            number, _, suffix = stat.key.removeprefix(prefix).partition(".")
            if suffix == "m4s" and number.isdigit() and int(number) > segments:
                await self._store.delete(stat.key)

    async def put_file(self, folder: str, file: str, path: Path) -> None:
        """Store one small file."""
        await self._put_range(folder, file, path, 0, path.stat().st_size)

    async def _put_range(self, folder: str, file: str, path: Path, offset: int, size_bytes: int) -> None:
        """A store that is away is waited for: an hour's encode must not be lost to its restart."""
        for pause_s in _PATIENCE_S:
            try:
                await self._store.put(self.key(folder, file), _range(path, offset, size_bytes))
            except Unavailable:
                await asyncio.sleep(pause_s)
            else:
                return
        await self._store.put(self.key(folder, file), _range(path, offset, size_bytes))

    def key(self, folder: str, file: str) -> str:
        """Object key of one file of the revision."""
        return str(MediaKey(self._asset, self._revision, folder, file))


def video_track(name: str, piece: Piece, plan: VideoPlan) -> VideoTrack:
    """What the boxes of a rendition say."""
    sample = piece.movie.track.sample
    assert isinstance(sample, Visual)
    return VideoTrack(
        name=name,
        codec=sample.codec,
        timescale=piece.movie.track.timescale,
        segment_ticks=tuple(segment.duration_ticks for segment in piece.segments),
        segment_bytes=tuple(segment.size_bytes for segment in piece.segments),
        first_ticks=piece.movie.fragments[0].decode_ticks,
        width=sample.width,
        height=sample.height,
        fps_num=plan.fps.numerator,
        fps_den=plan.fps.denominator,
    )


def audio_track(piece: Piece, plan: AudioPlan) -> AudioTrack:
    """What the boxes of the sound say."""
    sample = piece.movie.track.sample
    assert isinstance(sample, Audible)
    return AudioTrack(
        name=plan.name,
        codec=sample.codec,
        timescale=piece.movie.track.timescale,
        segment_ticks=tuple(segment.duration_ticks for segment in piece.segments),
        segment_bytes=tuple(segment.size_bytes for segment in piece.segments),
        first_ticks=piece.movie.fragments[0].decode_ticks,
        channels=sample.channels,
        sample_rate=sample.sample_rate,
        language=plan.language,
        label=plan.label,
        role=plan.role,
    )


def _head(piece: Piece) -> bytes:
    with piece.path.open("rb") as file:
        return file.read(piece.movie.init_bytes)


def _index(path: Path) -> Movie:
    with path.open("rb") as file:
        reader = index_of(os.fstat(file.fileno()).st_size)
        try:
            want = next(reader)
            while True:
                want = reader.send(os.pread(file.fileno(), want.length, want.offset))
        except StopIteration as end:
            movie: Movie = end.value
            return movie


async def _range(path: Path, offset: int, size_bytes: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        end = offset + size_bytes
        while offset < end:
            chunk = await asyncio.to_thread(os.pread, file.fileno(), min(_CHUNK_BYTES, end - offset), offset)
            offset += len(chunk)
            yield chunk
