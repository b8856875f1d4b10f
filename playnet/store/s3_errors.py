"""What an S3 server or its SDK reports, in PlayNet's terms. Pure.

Servers differ in how they say that they are full: MinIO sends XMinioStorageFull or QuotaExceeded codes, Ceph and
others QuotaExceeded, some plain 507. Codes: S3 API reference, "Error responses".
"""

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError

from playnet.errors import NotFound, PlayNetError, StorageFull, Unavailable

_FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage"}
_ABSENT = {"NoSuchKey", "ResourceNotFound"}
_KEYS = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_INSUFFICIENT_STORAGE = 507


def translated(exc: Exception, *, what: str, bucket: str, endpoint: str) -> PlayNetError:
    """The error to raise from `exc`, an exception of the SDK or its HTTP client."""
    server = f"object store {endpoint}"
    code, message = _code(exc), str(exc)
    if code in _FULL or _status(exc) == _INSUFFICIENT_STORAGE:
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
    return Unavailable(f"{server}: {what}: {code or type(exc).__name__}: {message[:300]}")


def _code(exc: Exception) -> str | None:
    return exc.code if isinstance(exc, S3Error) else None


def _status(exc: Exception) -> int | None:
    match exc:
        case S3Error():
            return exc.response.status
        case ServerError():
            return exc.status_code
        case InvalidResponseError():  # an answer that is not XML, say a proxy's; the SDK keeps its status to itself
            status = getattr(exc, "_code", None)
            return status if isinstance(status, int) else None
        case MinioException() | _:
            return None
