"""One object, or a part of one, on its way from an S3 server. Blocking; used by one thread at a time."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from minio import Minio
from minio.error import MinioException
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from playnet.errors import InvalidInput, Unavailable

from .port import Stat
from .s3_errors import status_of

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_RANGE_NOT_SATISFIABLE = 416
_RESUMES = 3  # in a row without a byte gained; connecting has its own retries


class OutOfRange(Exception):
    """The server holds no byte of the wanted range (416)."""


class Download:
    """Reads `length` bytes from `start`, or to the end; takes a broken connection up where it broke."""

    def __init__(self, client: Minio, bucket: str, key: str, start: int, length: int | None) -> None:
        self.key = key
        self._client = client
        self._bucket = bucket
        self._next = start
        self._left = length
        self._etag: str | None = None
        self._response: BaseHTTPResponse | None = None

    def open(self) -> Stat:
        """Ask the server. OutOfRange, InvalidInput when only a part of the range exists, and what the SDK raises."""
        ranged = self._next > 0 or self._left is not None
        response = self._request()
        size_bytes = int(response.headers.get("Content-Length", 0))
        if ranged:
            first, last, size_bytes = _content_range(response, self.key)
            if first != self._next or (self._left is not None and last - first + 1 != self._left):
                raise InvalidInput(f"{self.key}: bytes from {self._next} leave the object ({size_bytes} bytes)")
        self._left = size_bytes - self._next if self._left is None else self._left
        self._etag = response.headers.get("ETag")
        modified = parsedate_to_datetime(response.headers["Last-Modified"])
        return stat_of(self.key, size_bytes, modified)

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end of the range."""
        assert self._left is not None
        for attempt in range(_RESUMES + 1):
            if not self._left:
                return b""
            try:
                if self._response is None:
                    self._resume()
                assert self._response is not None
                chunk = self._response.read(min(size, self._left))
                if chunk:
                    self._next += len(chunk)
                    self._left -= len(chunk)
                    return chunk
                raise Unavailable(f"{self.key}: the server's answer ends {self._left} bytes early")
            except (HTTPError, Unavailable):
                self.close()
                if attempt == _RESUMES:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Give the connection back, or close it when bytes are still to come."""
        response, self._response = self._response, None
        if response is not None:
            if self._left:
                response.close()
            response.release_conn()

    def _request(self) -> BaseHTTPResponse:
        try:
            self._response = self._client.get_object(self._bucket, self.key, offset=self._next, length=self._left or 0)
        except MinioException as exc:
            if status_of(exc) == _RANGE_NOT_SATISFIABLE:
                raise OutOfRange from exc
            raise
        return self._response

    def _resume(self) -> None:
        response = self._request()
        if response.headers.get("ETag") != self._etag:
            raise Unavailable(f"{self.key}: replaced while it was being read")
        if self._next:
            _content_range(response, self.key)


def stat_of(key: str, size_bytes: int | None, modified: datetime | None) -> Stat:
    """The port's view of an object. Unavailable when the server leaves size or time out."""
    if size_bytes is None or modified is None:
        raise Unavailable(f"{key}: the server tells no size or time")
    return Stat(key, size_bytes, int(modified.timestamp()))


def _content_range(response: BaseHTTPResponse, key: str) -> tuple[int, int, int]:
    """First byte, last byte and size of the object. RFC 9110 §14.4."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None:
        raise Unavailable(f"{key}: the server does not answer ranges")
    return int(match[1]), int(match[2]), int(match[3])
