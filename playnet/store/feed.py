"""An async byte stream as the blocking file object that an SDK reads in its thread.

The thread states how much it wants; the task that owns the stream collects exactly that and hands it over. So memory
holds one request at a time, the stream is only ever iterated by its own task, and a slow server slows the sender down.
"""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError, Future
from io import BytesIO
from typing import Any, TypeVar

from playnet.errors import TooLarge

T = TypeVar("T")
_LOOK_S = 5.0  # how often a waiting thread makes sure that there is still an event loop to wait for


class FeedBroken(Exception):
    """Raised in the reading thread when the stream failed or its owner was cancelled."""


class Feed:
    """One stream, one reading thread, one owning task."""

    def __init__(self, source: AsyncIterator[bytes], *, max_bytes: int) -> None:
        """`max_bytes`: beyond it the owner gets TooLarge."""
        self._source = source
        self._max_bytes = max_bytes
        self._loop = asyncio.get_running_loop()
        self._requests: asyncio.Queue[tuple[int, Future[bytes]]] = asyncio.Queue(maxsize=1)  # the thread waits for each
        self._broken = False
        self._rest = b""
        self.size_bytes = 0

    def read(self, size: int) -> bytes:
        """For the thread: `size` bytes, fewer only at the end. FeedBroken when there will be no more."""
        answer: Future[bytes] = Future()
        self._loop.call_soon_threadsafe(self._ask, size, answer)
        while True:
            try:
                return answer.result(timeout=_LOOK_S)
            except CancelledError:
                raise FeedBroken from None
            except TimeoutError:
                if self._loop.is_closed():
                    raise FeedBroken from None

    def _ask(self, size: int, answer: "Future[bytes]") -> None:
        if self._broken:
            answer.cancel()
        else:
            self._requests.put_nowait((size, answer))

    async def serve(self, reader: "asyncio.Future[T]") -> T:
        """For the owner: answer reads until `reader`, the thread's work, is done; return its result.

        An error of the stream is raised here, unchanged; the thread then gets FeedBroken on its next read.
        """
        request = asyncio.ensure_future(self._requests.get())
        try:
            while not reader.done():
                ends: set[asyncio.Future[Any]] = {request, reader}
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                if request.done():
                    await self._answer(*request.result())
                    request = asyncio.ensure_future(self._requests.get())  # and so let go of the bytes
            return reader.result()
        finally:
            self._broken = True
            if request.done() and not request.cancelled():
                request.result()[1].cancel()
            request.cancel()

    async def _answer(self, size: int, answer: "Future[bytes]") -> None:
        try:
            answer.set_result(await self._take(size))
        finally:
            answer.cancel()  # no effect once the result is set

    async def _take(self, size: int) -> bytes:
        taken = BytesIO()  # whose value comes without a second copy
        missing = size - taken.write(self._rest[:size])
        self._rest = self._rest[size:]
        while missing:
            chunk = await anext(self._source, None)
            if chunk is None:
                break
            self.size_bytes += len(chunk)
            if self.size_bytes > self._max_bytes:
                raise TooLarge(
                    f"a stream of more than {self._max_bytes} bytes does not fit: raise storage.s3.part_size"
                )
            self._rest = chunk[missing:]
            missing -= taken.write(chunk[:missing])
        return taken.getvalue()
