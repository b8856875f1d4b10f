"""The one error tree. A class says what its caller can do about it.

PlayNetError
├── ConfigError            fix the YAML or the command line, start again (exit 2)
├── Rejected               the caller sent something that will never work
│   ├── InvalidInput       400  malformed request
│   ├── Unauthorized       401  no or wrong credentials
│   ├── Forbidden          403  known, but not allowed: another role or scope is needed
│   ├── NotFound           404
│   ├── Conflict           409  the state of the thing forbids it now
│   ├── KeyReused          422  an Idempotency-Key that stood for another request before
│   ├── PreconditionRequired 428  an edit has to name what it was made for
│   ├── Outdated           412  the thing was changed since it was read: read it again
│   ├── TooLarge           413  above a configured limit
│   └── MediaRejected      422  the source cannot be turned into video; `str()` is for people
├── TooManyTries           429  wait `retry_after_s`, then try again
├── Interrupted            408  the caller stopped sending: nothing was kept, it may send again
├── Unavailable            503  a dependency does not answer: try the same thing again later
├── StorageFull            507  no space: nothing was acknowledged, free some and retry
├── ToolFailed             500  a program that we started (ffmpeg) ended badly: try again a bounded number of times
└── StartupFailed          a process of the appliance cannot start; the message names what to do
"""

from collections.abc import Mapping
from typing import ClassVar


class PlayNetError(Exception):
    """Root of the tree. `context` goes to logs and problem documents: never put a secret in it."""

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong inside PlayNet"
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, **context: str | int | float | bool | None) -> None:
        super().__init__(message)
        self.context: Mapping[str, str | int | float | bool | None] = context


class ConfigError(PlayNetError):
    """A wrong setting or a wrong command line."""

    code = "configuration"
    title = "The configuration is wrong"


class Rejected(PlayNetError):
    """Repeating the same call cannot succeed."""

    code = "rejected"
    title = "The request cannot be carried out"
    http_status = 400


class InvalidInput(Rejected):
    """Malformed or out-of-bounds input."""

    code = "invalid-input"
    title = "The request is not valid"


class Unauthorized(Rejected):
    """Missing or wrong credentials."""

    code = "unauthorized"
    title = "Credentials are missing or wrong"
    http_status = 401


class Forbidden(Rejected):
    """Credentials are good, the right is missing."""

    code = "forbidden"
    title = "Not allowed"
    http_status = 403


class NotFound(Rejected):
    """No such thing, or not for this caller."""

    code = "not-found"
    title = "Not found"
    http_status = 404


class Conflict(Rejected):
    """The present state of the thing forbids the call."""

    code = "conflict"
    title = "Not possible in the present state"
    http_status = 409


class Outdated(Rejected):
    """Somebody else changed it first. RFC 9110 §13.1.1."""

    code = "outdated"
    title = "Changed in the meantime"
    http_status = 412


class PreconditionRequired(Rejected):
    """An edit without If-Match could overwrite what nobody saw. RFC 6585 §3."""

    code = "precondition-required"
    title = "The version that is edited has to be named"
    http_status = 428


class KeyReused(Rejected):
    """One Idempotency-Key, two requests. draft-ietf-httpapi-idempotency-key-header §2.7."""

    code = "idempotency-key-reused"
    title = "The idempotency key belongs to another request"
    http_status = 422


class TooLarge(Rejected):
    """Above a configured limit."""

    code = "too-large"
    title = "Too large"
    http_status = 413


class MediaRejected(Rejected):
    """The source cannot become video. The message is shown to the publisher."""

    code = "media-rejected"
    title = "This file cannot be played"
    http_status = 422


class TooManyTries(PlayNetError):
    """Tried too often. RFC 6585 §4."""

    code = "too-many-tries"
    title = "Too many tries"
    http_status = 429

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class Interrupted(PlayNetError):
    """The caller's bytes stopped coming. Nothing was kept; the same call may succeed."""

    code = "interrupted"
    title = "The request ended too early"
    http_status = 408


class Unavailable(PlayNetError):
    """A dependency (database, Redis, object store, upstream) does not answer. Retry later."""

    code = "unavailable"
    title = "Temporarily unavailable"
    http_status = 503


class StorageFull(PlayNetError):
    """No space left. Nothing was acknowledged."""

    code = "storage-full"
    title = "The storage is full"
    http_status = 507


class ToolFailed(PlayNetError):
    """A program that was started for one piece of work did not do it. `context` holds the end of its log."""

    code = "tool-failed"
    title = "A media tool failed"


class StartupFailed(PlayNetError):
    """A child process or a port is not to be had."""

    code = "startup-failed"
    title = "The appliance cannot start"
