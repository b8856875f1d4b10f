"""Objects on any S3 server through the minio SDK, which blocks: every call runs in a thread of this store's own.

Only plain calls: PutObject, multipart, GetObject with a range, HeadObject, ListObjectsV2, DeleteObject(s). An upload
becomes visible with its last request, so a put is atomic by nature; its size is compared with what the server then
shows (CompleteMultipartUpload may fail inside a 200). In transit the SDK signs each body's SHA-256 (HTTP) or sends its MD5
(HTTPS), and the server refuses a body that differs.

Retries live in the HTTP client (urllib3), below the SDK: a part is sent again from memory without starting over. They
are bounded, with exponential backoff and jitter; what is still failing then is Unavailable.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar, cast
from xml.etree.ElementTree import ParseError

from minio import Minio
from minio.datatypes import Part as S3Part
from minio.deleteobjects import DeleteObject
from minio.error import MinioException
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from playnet.errors import InvalidInput, NotFound, Unavailable

from .assembly import checked_size
from .download import Download, OutOfRange, stat_of
from .feed import Feed
from .keys import check_key, check_prefix, check_range
from .port import MAX_PARTS, Body, Part, Stat
from .s3_errors import translated
from .source import BLOCK_BYTES, opened

P = ParamSpec("P")
T = TypeVar("T")

_THREADS = 16  # calls at once; more wait
_UPLOADS = 64  # streams at once, each with a thread of its own: a slow sender must not hold up anybody's reads
_BATCH = 1000  # keys of one ListObjectsV2 or DeleteObjects call: the API's own limit
_CONNECTIONS = 64  # kept; a viewer holds one for as long as a body takes
_CALL_DEADLINE_S = 60.0  # a small call with all its retries
_PROBE_DEADLINE_S = 5.0
_LEAVE_S = 5.0  # how long a cancelled put waits for its thread, which then ends by itself
_RETRIES = Retry(
    total=6,  # waits 0, 0.5, 1, 2, 4, 4 s: a server that restarts within ten seconds is not noticed
    backoff_factor=0.25,
    backoff_max=4,
    backoff_jitter=0.5,
    allowed_methods=None,  # all of them: multipart and DeleteObjects are POSTs, and repeating them is harmless
    status_forcelist=(429, 500, 502, 503, 504),
    raise_on_status=False,  # so that the server's own words reach the message
    respect_retry_after_header=False,  # it could ask for hours
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where the objects are and how to get in."""

    endpoint: str
    name: str
    region: str
    tls: bool
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    part_bytes: int


class S3Store:
    """ObjectStore in one bucket. Opens no connection before the first call."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._http = (
            _pool(_RETRIES, connect_s=5, read_s=30),
            _pool(Retry(total=False), connect_s=_PROBE_DEADLINE_S / 2, read_s=_PROBE_DEADLINE_S / 2),
        )
        self._client, self._impatient = (_client(bucket, http) for http in self._http)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._uploads = ThreadPoolExecutor(_UPLOADS, thread_name_prefix="s3-upload")

    async def put(self, key: str, source: Path | AsyncIterator[bytes]) -> Stat:
        """Upload `source`. Memory: three parts (the SDK keeps the last one while it builds the next). An error raised by a stream passes through unchanged.

        Cancelled, or its stream failed: the upload is aborted, unless its very last request was already on its way.
        """
        check_key(key)
        if isinstance(source, Path):
            async with opened(source) as (file_bytes, blocks):
                size_bytes = await self._put(key, blocks, file_bytes)
        else:
            size_bytes = await self._put(key, source, None)
        stat = await self.stat(key)
        if stat.size_bytes != size_bytes:
            raise Unavailable(f"{key}: the server holds {stat.size_bytes} of {size_bytes} bytes")
        return stat

    async def _put(self, key: str, source: AsyncIterator[bytes], size_bytes: int | None) -> int:
        part_bytes = self._bucket.part_bytes
        if size_bytes is not None:
            part_bytes = max(part_bytes, -(-size_bytes // MAX_PARTS))
        feed = Feed(source, max_bytes=part_bytes * MAX_PARTS)
        loop = asyncio.get_running_loop()
        upload = loop.run_in_executor(self._uploads, self._upload, key, feed, size_bytes, part_bytes)
        try:
            with self._translated(key):
                await feed.serve(upload)
        finally:
            if not upload.done():
                await asyncio.wait({upload}, timeout=_LEAVE_S)
            upload.add_done_callback(_retrieved)
        return feed.size_bytes

    def _upload(self, key: str, feed: Feed, size_bytes: int | None, part_bytes: int) -> None:
        self._client.put_object(
            self._bucket.name,
            key,
            cast(BinaryIO, feed),
            length=-1 if size_bytes is None else size_bytes,
            part_size=part_bytes,
            num_parallel_uploads=1,  # every part in flight is memory
        )

    @asynccontextmanager
    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> AsyncIterator[Body]:
        """Open an object. A connection that breaks on the way is taken up again where it broke."""
        check_key(key)
        if start < 0 or (length is not None and length < 1):
            yield await self._empty(key, start, length)
            return
        download = Download(self._client, self._bucket.name, key, start, length)
        try:
            try:
                with self._translated(key):
                    stat = await self._call(download.open)
            except OutOfRange:
                yield await self._empty(key, start, length)
                return
            yield Body(stat, self._chunks(download))
        finally:
            with suppress(RuntimeError):  # the store is closed already
                self._threads.submit(download.close)  # a cancelled read may still hold the connection's lock

    async def _empty(self, key: str, start: int, length: int | None) -> Body:
        """A range that S3 cannot express: nothing at all, or InvalidInput when it leaves the object."""
        stat = await self.stat(key)
        check_range(key, stat.size_bytes, start, length)
        return Body(stat, _nothing())

    async def _chunks(self, download: Download) -> AsyncIterator[bytes]:
        while True:
            with self._translated(download.key):
                chunk = await self._call(download.read, BLOCK_BYTES)
            if not chunk:
                return
            yield chunk

    async def stat(self, key: str) -> Stat:
        """HeadObject."""
        check_key(key)
        with self._translated(key):
            found = await self._quick(partial(self._client.stat_object, self._bucket.name, key))
        return stat_of(key, found.size, found.last_modified)

    async def list(self, prefix: str) -> AsyncIterator[Stat]:
        """Objects in the server's order, which S3 defines as key order. Memory: one page of 1000."""
        found = self._client.list_objects(self._bucket.name, prefix=check_prefix(prefix), recursive=True)
        while True:
            with self._translated(prefix or "the listing"):
                page = await self._quick(lambda: [*islice(found, _BATCH)])
            if not page:
                return
            for item in page:
                if item.object_name and not item.is_dir:
                    yield stat_of(item.object_name, item.size, item.last_modified)

    async def delete(self, key: str) -> None:
        """DeleteObject, which does not mind an absent key."""
        check_key(key)
        try:
            with self._translated(key):
                await self._quick(partial(self._client.remove_object, self._bucket.name, key))
        except NotFound:
            pass

    async def delete_prefix(self, prefix: str) -> int:
        """List and delete in batches of 1000. Cut short, the next call does the rest."""
        if not prefix:
            raise InvalidInput("the empty prefix would delete the whole store")
        count = 0
        batch = []
        async for stat in self.list(prefix):
            batch.append(stat.key)
            if len(batch) == _BATCH:
                await self._quick(partial(self._delete_batch, batch))
                count, batch = count + len(batch), []
        if batch:
            await self._quick(partial(self._delete_batch, batch))
        return count + len(batch)

    def _delete_batch(self, keys: Sequence[str]) -> None:
        with self._translated(keys[0]):
            failed = [*self._client.remove_objects(self._bucket.name, [DeleteObject(key) for key in keys])]
        for error in failed:
            if error.code != "NoSuchKey":
                raise Unavailable(f"{error.name}: not deleted: {error.code}: {error.message}")

    # The SDK has no public calls for parts of one's own; these four private ones have kept their form for years, and
    # the contract suite runs them.

    async def begin_parts(self, key: str) -> str:
        """CreateMultipartUpload."""
        check_key(key)
        with self._translated(key):
            return await self._quick(
                partial(
                    self._client._create_multipart_upload,
                    self._bucket.name,
                    key,
                    {"Content-Type": "application/octet-stream"},
                )
            )

    async def put_part(self, key: str, handle: str, number: int, start: int, data: bytes) -> str:
        """UploadPart."""
        check_key(key)
        with self._translated(key):
            return await self._call(self._client._upload_part, self._bucket.name, key, data, None, handle, number)

    async def join_parts(self, key: str, handle: str, parts: Sequence[Part]) -> Stat:
        """CompleteMultipartUpload, and a look at what it made: it may fail inside a 200, and be known no more when repeated."""
        check_key(key)
        size_bytes = checked_size(parts)
        named = [S3Part(part.number, part.tag) for part in parts]
        with suppress(NotFound), self._translated(key):
            await self._call(self._client._complete_multipart_upload, self._bucket.name, key, handle, named)
        stat = await self.stat(key)
        if stat.size_bytes != size_bytes:
            raise Unavailable(f"{key}: the server holds {stat.size_bytes} of {size_bytes} bytes")
        return stat

    async def drop_parts(self, key: str, handle: str) -> None:
        """AbortMultipartUpload."""
        check_key(key)
        with suppress(NotFound), self._translated(key):
            await self._quick(partial(self._client._abort_multipart_upload, self._bucket.name, key, handle))

    def local_path(self, key: str) -> Path | None:
        """None: nothing is on this host."""
        check_key(key)
        return None

    async def free_bytes(self) -> int | None:
        """None: S3 does not tell."""
        return None

    async def check(self) -> None:
        """One HeadBucket without retries."""
        with self._translated("the bucket"):
            exists = await self._quick(
                partial(self._impatient.bucket_exists, self._bucket.name), deadline_s=_PROBE_DEADLINE_S
            )
        if not exists:
            raise Unavailable(
                f"object store {self._bucket.endpoint}: there is no bucket {self._bucket.name!r}:"
                " create it or correct storage.s3.bucket"
            )

    async def close(self) -> None:
        """Take no more calls; those under way end by their own deadlines."""
        for threads in (self._threads, self._uploads):
            threads.shutdown(wait=False, cancel_futures=True)
        for http in self._http:
            http.clear()

    async def _call(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(work, *args, **kwargs))

    async def _quick(self, work: Callable[[], T], *, deadline_s: float = _CALL_DEADLINE_S) -> T:
        try:
            async with asyncio.timeout(deadline_s):
                return await self._call(work)
        except TimeoutError as exc:
            raise Unavailable(f"object store {self._bucket.endpoint}: no answer within {deadline_s:g} s") from exc

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except (MinioException, HTTPError, ParseError) as exc:
            raise translated(exc, what=what, bucket=self._bucket.name, endpoint=self._bucket.endpoint) from exc


def _pool(retries: Retry, *, connect_s: float, read_s: float) -> PoolManager:
    """Connections; certificates are checked against the system's authorities (SSL_CERT_FILE adds one's own)."""
    timeout = Timeout(connect=connect_s, read=read_s)
    return PoolManager(maxsize=_CONNECTIONS, timeout=timeout, retries=retries, cert_reqs="CERT_REQUIRED")


def _client(bucket: Bucket, http: PoolManager) -> Minio:
    return Minio(
        bucket.endpoint,
        access_key=bucket.access_key,
        secret_key=bucket.secret_key,
        secure=bucket.tls,
        region=bucket.region,
        http_client=http,
    )


def _retrieved(upload: "asyncio.Future[None]") -> None:
    """Take note of the error of an upload that nobody waits for any more."""
    if not upload.cancelled():
        upload.exception()


async def _nothing() -> AsyncIterator[bytes]:
    none: tuple[bytes, ...] = ()
    for chunk in none:
        yield chunk
