"""What S3 servers say, and what callers get."""

import pytest
from minio.error import InvalidResponseError, S3Error, ServerError
from urllib3 import HTTPResponse
from urllib3.exceptions import MaxRetryError

from playnet.errors import NotFound, StorageFull, Unavailable
from playnet.store.s3_errors import translated


def said(code: str, status: int) -> S3Error:
    return S3Error(HTTPResponse(status=status), code, "words", "/media/v/a", "1", "1", "media", "v/a")  # type: ignore[arg-type]


def unusual(code: str, status: int) -> InvalidResponseError:
    return InvalidResponseError(status, "text/xml", f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>")


CASES = [
    ("minio-full", said("XMinioStorageFull", 507), StorageFull, "no space left for v/a"),
    ("minio-quota", said("XMinioAdminBucketQuotaExceeded", 400), StorageFull, "no space"),
    ("ceph-quota", said("QuotaExceeded", 403), StorageFull, "no space"),
    ("bare-507", ServerError("full", 507), StorageFull, "no space"),
    ("proxy-507", InvalidResponseError(507, "text/html", "<h1>full</h1>"), StorageFull, "no space"),
    ("absent", said("NoSuchKey", 404), NotFound, "v/a: no such object"),
    ("absent-text-xml", unusual("NoSuchKey", 404), NotFound, "v/a: no such object"),
    ("bucket", said("NoSuchBucket", 404), Unavailable, "storage.s3.bucket"),
    ("secret", said("SignatureDoesNotMatch", 403), Unavailable, "storage.s3.secret_key_file"),
    ("key", unusual("InvalidAccessKeyId", 403), Unavailable, "storage.s3.access_key_file"),
    ("busy", said("SlowDown", 503), Unavailable, "SlowDown: HTTP 503"),
    ("proxy-502", InvalidResponseError(502, "text/html", "<h1>bad gateway</h1>"), Unavailable, "HTTP 502"),
    ("bare-500", ServerError("oops", 500), Unavailable, "HTTP 500"),
    ("no-answer", MaxRetryError(None, "/media"), Unavailable, "MaxRetryError"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("exc", "kind", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_translation(exc: Exception, kind: type[Exception], words: str) -> None:
    error = translated(exc, what="v/a", bucket="media", endpoint="s3.example:443")
    assert type(error) is kind
    assert words in str(error)
    assert "\n" not in str(error)
