"""Whether a writing request that is authenticated by a cookie comes from our own pages. Pure.

The rule, first match wins:
1. GET and HEAD change nothing here, and are let through.
2. `Sec-Fetch-Site` (Fetch Metadata) is set by the browser and out of scripts' reach: `same-origin`, and `none` for
   what the user started themself, are ours; `same-site` and `cross-site` are not.
3. Without it (plain HTTP beyond loopback, old browsers): `Origin` must name the host that the request went to.
4. Without both it is no current browser: the request must show the session's CSRF token.
`SameSite=Lax` on the cookie stands in front of all this and is not counted on.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({"same-origin", "none"})
TOKEN_HEADER: Final = "X-CSRF-Token"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """What a request says about where it comes from."""

    method: str
    fetch_site: str | None
    origin: str | None
    host: str | None
    token: str | None


def token_of(session_secret: str) -> str:
    """The CSRF token of a session: bound to it, and it tells nothing about the secret."""
    return hmac.new(session_secret.encode(), b"playnet csrf", hashlib.sha256).hexdigest()[:32]


def is_foreign(sender: Sender, expected_token: str | None) -> bool:
    """Whether to refuse. `expected_token` None: there is no session yet (sign-in), rule 4 lets programs pass."""
    if sender.method in _READING:
        return False
    if sender.fetch_site is not None:
        return sender.fetch_site not in _OURS
    if sender.origin is not None:
        return sender.host is None or _host(sender.origin) != sender.host.lower()
    if expected_token is None:
        return False
    return sender.token is None or not hmac.compare_digest(sender.token.encode(), expected_token.encode())


def _host(origin: str) -> str | None:
    """Host and port of an Origin field; None for `null` and nonsense. RFC 6454 §7."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None
