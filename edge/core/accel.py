"""Which entries leave through nginx's sendfile (`X-Accel-Redirect`) after the brain decided.

nginx keeps a few fields of the brain's answer by itself and copies those of ACCEL_FIELDS; an entry that has any other,
or one of them twice, is sent by the brain, more slowly and just as right.
"""

from typing import Final

from playnet.http.fields import Fields

from .access import ACCESS, OUR_TARGET
from .entry import Entry
from .peering import TOLD_FIELDS

KEPT_BY_NGINX: Final = frozenset({"content-type", "content-disposition", "cache-control", "expires"})
ACCEL_FIELDS: Final = (
    "age", "via", "cache-status", "etag", "last-modified", "x-request-id",
    "access-control-allow-origin", "access-control-allow-credentials", "access-control-allow-methods",
    "access-control-allow-headers", "access-control-expose-headers", "access-control-max-age",
    "content-encoding", "content-language", "content-location", "content-security-policy",
    "cross-origin-embedder-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "link",
    "origin-agent-cluster", "permissions-policy", "referrer-policy", "server-timing", "strict-transport-security",
    "timing-allow-origin", "vary", "x-content-type-options", "x-frame-options", "x-robots-tag",
    *TOLD_FIELDS,
    ACCESS, OUR_TARGET,
)  # fmt: skip
_PASSED: Final = KEPT_BY_NGINX | set(ACCEL_FIELDS) | {"date", "accept-ranges"}

# Preconditions that nginx would judge by the file instead of by the stored fields.
_JUDGED_BY_NGINX: Final = ("if-match", "if-unmodified-since")


def is_accelerable(entry: Entry, request: Fields) -> bool:
    """Whether nginx can send this entry's body and answer exactly as the brain would."""
    names = [name for name, _ in entry.fields]
    return (
        entry.status == 200
        and "content-type" in entry.fields
        and len(set(names)) == len(names)
        and _PASSED.issuperset(names)
        and not any(name in request for name in _JUDGED_BY_NGINX)
    )
