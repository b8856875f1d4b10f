"""The API as a caller sees it: create, upload, look, purge. One instance talks to one appliance.

A 503 says that nothing happened and that the same call will work soon, so it is repeated for a while. Other failures
become errors of our tree: the ones that the server named, or Unavailable when it could not be reached.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import Any, Self

import aiofiles
import aiohttp
from aiofiles.threadpool.binary import AsyncBufferedReader

from playnet.errors import Conflict, InvalidInput, PlayNetError, Rejected, Unavailable
from playnet.purge.order import PurgeOrder

Asset = dict[str, Any]
Sent = Callable[[int], None]

_CHUNK_BYTES = 1 << 20
_PATIENCE_S = 90.0  # a database that was gone for 30 s is back well before, with its restart and recovery
_PAUSE_S = 1.0
_CONNECT_S = 5.0
_ANSWER_S = 300.0  # the answer to an upload comes after its last byte is on disk
_POLL_S = 0.5
_PURGE_POLL_S = 0.1


def _tree(root: type[PlayNetError]) -> dict[str, type[PlayNetError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


class Client:
    """Use as `async with Client(url, token) as client`."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        self._codes = _tree(PlayNetError)

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_ANSWER_S)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def create(self, title: str) -> Asset:
        """A new asset that waits for its source."""
        return await self._patiently(lambda: self._call("POST", "/api/v1/assets", json={"title": title}))

    async def upload(self, asset_id: str, file: Path, sent: Sent) -> Asset:
        """Stream a file as the asset's source; `sent` hears of every byte count that left, and of 0 at each attempt.

        A 503 after the last byte leaves open whether the source was acknowledged: then a conflict is with ourselves.
        """
        size = file.stat().st_size
        doubtful = False

        async def attempt() -> Asset:
            nonlocal doubtful
            sent(0)
            try:
                async with aiofiles.open(file, "rb") as source:
                    return await self._call(
                        "PUT",
                        f"/api/v1/assets/{asset_id}/source",
                        params={"name": file.name},
                        data=_chunks(source, sent),
                        headers={"Content-Length": str(size), "Content-Type": "application/octet-stream"},
                    )
            except Unavailable:
                doubtful = True
                raise
            except Conflict as conflict:
                if not doubtful:
                    raise
                return await self._acknowledged(asset_id, size, conflict)

        return await self._patiently(attempt)

    async def _acknowledged(self, asset_id: str, size: int, conflict: Conflict) -> Asset:
        """The asset, if an earlier attempt brought its source; else what to do: try again, or give up."""
        asset = await self.asset(asset_id)
        if asset.get("state") in {"waiting", "uploading"}:  # until the lease of the earlier attempt ends
            raise Unavailable(str(conflict), status=Unavailable.http_status) from conflict
        if asset.get("source_bytes") != size:
            raise conflict
        return asset

    async def asset(self, asset_id: str) -> Asset:
        """One asset as it is now."""
        return await self._call("GET", f"/api/v1/assets/{asset_id}")

    async def processed(self, asset_id: str, seen: Callable[[Asset], None]) -> Asset:
        """Look until the asset is ready or failed; `seen` gets every look. An appliance that restarts is waited for."""
        while True:
            asset = await self._patiently(lambda: self.asset(asset_id), unreachable_too=True)
            seen(asset)
            if asset["state"] in {"ready", "failed"}:
                return asset
            await asyncio.sleep(_POLL_S)

    async def purge(self, order: PurgeOrder, *, dry_run: bool = False) -> Asset:
        """Order all edges to forget; as a dry run, ask them how much that would be."""
        asked = {**order.model_dump(mode="json"), "dry_run": dry_run}
        return await self._patiently(lambda: self._call("POST", "/api/v1/purges", json=asked))

    async def purged(self, number: int, wait_s: float) -> Asset:
        """What the edges said to an order, when all have or after `wait_s`; without a word from any while Redis is away."""
        deadline = time.monotonic() + wait_s
        while True:
            try:
                report = await self._call("GET", f"/api/v1/purges/{number}")
            except Unavailable as exc:
                report = {"id": number, "complete": False, "nodes": [], "reason": str(exc)}
            if report["complete"] or time.monotonic() >= deadline:
                return report
            await asyncio.sleep(_PURGE_POLL_S)

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """Any other call of the API; an answer without content is empty."""
        return await self._patiently(lambda: self._call(method, path, **options))

    async def revoke(self, kind: str, value: str) -> Asset:
        """Have all edges refuse the tokens of a subject, session or key, or for a path."""
        wanted = {"kind": kind, "value": value}
        return await self._patiently(lambda: self._call("POST", "/api/v1/revocations", json=wanted))

    async def _patiently(self, attempt: Callable[[], Any], *, unreachable_too: bool = False) -> Asset:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                answer: Asset = await attempt()
            except Unavailable as exc:
                said_so = exc.context.get("status") == Unavailable.http_status
                if not (said_so or unreachable_too) or time.monotonic() > deadline:
                    raise
            else:
                return answer
            await asyncio.sleep(_PAUSE_S)

    async def _call(self, method: str, path: str, **options: Any) -> Asset:
        try:
            async with self._session.request(method, self._url + path, **options) as response:
                if response.status == HTTPStatus.NO_CONTENT:
                    return {}
                if response.ok:
                    document: Asset = await response.json()
                    return document
                raise await self._error(response)
        except aiohttp.ClientConnectorError as exc:
            raise Unavailable(f"nothing answers at {self._url}: is the appliance up? `playnet status` tells") from exc
        except (aiohttp.ClientError, TimeoutError) as exc:
            reason = str(exc) or type(exc).__name__
            raise Unavailable(f"the connection to {self._url} broke: {reason}") from exc
        except ValueError as exc:
            raise Unavailable(f"{self._url} does not answer as a PlayNet: {exc}") from exc

    async def _error(self, response: aiohttp.ClientResponse) -> PlayNetError:
        """The error that a problem document names (RFC 9457), else one that fits the status."""
        try:
            problem = await response.json(content_type=None)
            detail, code = str(problem["detail"]), problem.get("code", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            detail, code = f"{self._url} answered HTTP {response.status} {response.reason}", ""
        kind = self._codes.get(code) or (Unavailable if response.status >= 500 else Rejected)
        return kind(detail, status=response.status)


async def _chunks(source: AsyncBufferedReader, sent: Sent) -> AsyncIterator[bytes]:
    """The file is the caller's to close: an early refusal ends the request without reading this to its end."""
    total = 0
    while chunk := await source.read(_CHUNK_BYTES):
        yield chunk
        total += len(chunk)
        sent(total)


def check_source(file: Path) -> None:
    """InvalidInput unless `file` is a plain file with content that we may read."""
    try:
        if file.is_dir():
            raise InvalidInput(f"{file} is a folder: name a video file")
        if not S_ISREG(file.stat().st_mode):  # opening a pipe would wait for its writer, and a device has no size
            raise InvalidInput(f"{file} is not a plain file: name a video file")
        with file.open("rb") as source:
            if not source.read(1):
                raise InvalidInput(f"{file} is empty")
    except OSError as exc:
        raise InvalidInput(f"{file} cannot be read: {exc.strerror}") from exc
