"""What an S3 server or its SDK reports, in PlayNet's terms. Pure.

Servers differ in how they say that they are full: MinIO sends XMinioStorageFull or QuotaExceeded codes, Ceph and
others QuotaExceeded, some plain 507. Codes: S3 API reference, "Error responses".
"""

import re

from minio.error import InvalidResponseError, S3Error, ServerError

from playnet.errors import NotFound, PlayNetError, StorageFull, Unavailable

_FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage"}
_ABSENT = {"NoSuchKey", "NoSuchUpload", "ResourceNotFound"}
_KEYS = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_INSUFFICIENT_STORAGE = 507
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")


def translated(exc: Exception, *, what: str, bucket: str, endpoint: str) -> PlayNetError:
    """The error to raise from `exc`, an exception of the SDK or its HTTP client."""
    server = f"object store {endpoint}"
    code, status = _code(exc), status_of(exc)
    if code in _FULL or status == _INSUFFICIENT_STORAGE:
        return StorageFull(f"{server}: no space left for {what}")
    if code in _ABSENT:
        return NotFound(f"{what}: no such object")
    if code == "NoSuchBucket":
        return Unavailable(f"{server}: there is no bucket {bucket!r}: create it or correct storage.s3.bucket")
    if code in _KEYS:
        return Unavailable(
            f"{server}: {code}: the keys in storage.s3.access_key_file and storage.s3.secret_key_file"
            f" are not accepted for bucket {bucket!r}"
        )
    reason = f"HTTP {status}" if status else str(exc)[:300]
    return Unavailable(f"{server}: {what}: {code or type(exc).__name__}: {reason}")


def status_of(exc: Exception) -> int | None:
    """The HTTP status behind an exception, where there was an answer."""
    match exc:
        case S3Error():
            return exc.response.status
        case ServerError():
            return exc.status_code
        case InvalidResponseError():  # the SDK keeps its status to itself
            status = getattr(exc, "_code", None)
            return status if isinstance(status, int) else None
        case _:
            return None


def _code(exc: Exception) -> str | None:
    match exc:
        case S3Error():
            return exc.code
        case InvalidResponseError():  # not application/xml: a proxy's page, or an S3 server that says text/xml
            found = _CODE.search(str(exc))
            return found[1] if found else None
        case _:
            return None
