"""For whom signals are kept: the account that has signed in, else the device, known by a random cookie of its own."""

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from origin.adapters.callers import read_cookie
from origin.core.accounts.callers import AccountId
from origin.core.accounts.sessions import CookieRule
from origin.core.signals.beats import Viewer

from .authorisation import caller_of, refuse_foreign

_COOKIE: Final = "device"
_COOKIE_S: Final = 400 * 86_400  # the longest that browsers keep one: RFC 6265bis §5.5
_DEVICE = re.compile(r"[A-Za-z0-9_-]{22}")
_RANDOM_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """One viewer. `device`: as which this browser is known while nobody has signed in."""

    viewer: Viewer
    account: AccountId | None
    device: Viewer | None
    set_cookie: str | None


class Viewers:
    """Tells them apart."""

    def __init__(self, cookie: CookieRule) -> None:
        self._cookie = cookie

    def of(self, request: Request) -> Who:
        """The viewer of a request; a device without a cookie gets one. Forbidden for another site's pages."""
        account = caller_of(request).account
        if account is None:
            refuse_foreign(request.method, request.headers, None)  # those with a session were looked at before
        secret = read_cookie(request.headers, self._cookie.name(_COOKIE))
        known = secret if secret and _DEVICE.fullmatch(secret) else None
        if account is not None:
            device = device_viewer(known) if known else None
            return Who(viewer=Viewer(account), account=account, device=device, set_cookie=None)
        fresh = None if known else secrets.token_urlsafe(_RANDOM_BYTES)
        device = device_viewer(known or fresh or "")
        cookie = self._cookie.header(_COOKIE, fresh, max_age_s=_COOKIE_S) if fresh else None
        return Who(viewer=device, account=None, device=device, set_cookie=cookie)


def device_viewer(secret: str) -> Viewer:
    """The cookie's hash: whoever reads the database cannot be the device."""
    digest = hashlib.sha256(secret.encode()).digest()[:_RANDOM_BYTES]
    return Viewer("~" + urlsafe_b64encode(digest).decode().rstrip("="))


def mark(response: Response, who: Who) -> None:
    """What depends on the viewer is kept by nobody in between; a new device gets its cookie."""
    response.headers["Cache-Control"] = "no-store"
    if who.set_cookie is not None:
        response.headers.append("Set-Cookie", who.set_cookie)
