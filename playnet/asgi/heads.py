"""A bound on request heads: request line and header fields together. RFC 6585 §5.

httptools keeps a head of any size in memory, so that one connection could fill it. Ends that arrive within the bound
of one read are refused by the app with a problem document, endless ones by closing the connection.
"""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .problems import problem

MAX_HEAD_BYTES = 32 << 10  # nginx's large_client_header_buffers by default, so that no hop takes more than another

_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
)


class BoundedHead:
    """Answer 431 to a complete head above the bound."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _head_bytes(scope) <= MAX_HEAD_BYTES:
            await self.app(scope, receive, send)
            return
        detail = f"request line and header fields may have {MAX_HEAD_BYTES} bytes together"
        refusal = problem(
            Request(scope),
            status=431,
            code="head-too-large",
            title="Request Header Fields Too Large",
            detail=detail,
        )
        await refusal(scope, receive, send)


def _head_bytes(scope: Scope) -> int:
    target = len(scope.get("raw_path") or b"") + len(scope.get("query_string", b""))
    return target + sum(len(name) + len(value) + 4 for name, value in scope["headers"])


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which gives up on a head that does not end."""

    _head_open = True
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._head_open and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self.transport.write(_REFUSAL)
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_open, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._head_open = False
        super().on_headers_complete()
