"""One upload's bytes on their way from the client into the store: counted, hashed, bounded, never kept."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import ClientDisconnect

from playnet.errors import Interrupted, InvalidInput, TooLarge


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the sender said about the source before sending it."""

    file_name: str | None
    size_bytes: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an upload may take. Zero bytes are a source too: the probe says what is wrong with it."""

    max_bytes: int
    idle_s: float


class SourceBody:
    """The stream that `store.put` reads. It ends normally only if everything that was announced came true."""

    def __init__(self, chunks: AsyncIterator[bytes], announced: Announced, limits: Limits) -> None:
        self._chunks = chunks
        self._announced = announced
        self._limits = limits
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """Of what came so far, in hex."""
        return self._hash.hexdigest()

    async def checked(self) -> AsyncIterator[bytes]:
        """The bytes. Raises Interrupted, TooLarge or InvalidInput, and then the store keeps nothing."""
        async for chunk in arriving(self._chunks, self._limits.idle_s, advice="send the file again"):
            self.size_bytes += len(chunk)
            if self.size_bytes > self._limits.max_bytes:
                raise TooLarge(f"a source may have at most {self._limits.max_bytes} bytes")
            self._hash.update(chunk)
            yield chunk
        self._compare()

    def _compare(self) -> None:
        announced = self._announced
        if announced.size_bytes is not None and announced.size_bytes != self.size_bytes:
            raise Interrupted(f"{self.size_bytes} of {announced.size_bytes} bytes came: send the file again")
        if announced.sha256 is not None and announced.sha256 != self.sha256:
            raise InvalidInput(
                "the bytes that came do not have the SHA-256 that was announced: they were damaged on the way",
                expected=announced.sha256,
                received=self.sha256,
            )


async def arriving(chunks: AsyncIterator[bytes], idle_s: float, *, advice: str) -> AsyncIterator[bytes]:
    """What a client sends, until it is done. Interrupted, with advice, when it leaves or falls silent."""
    size_bytes = 0
    while True:
        try:
            async with asyncio.timeout(idle_s):
                chunk = await anext(chunks, None)
        except TimeoutError as exc:
            raise Interrupted(f"nothing came for {idle_s:g} seconds after {size_bytes} bytes: {advice}") from exc
        except ClientDisconnect as exc:
            raise Interrupted(f"the connection broke after {size_bytes} bytes: {advice}") from exc
        if chunk is None:
            return
        size_bytes += len(chunk)
        yield chunk
