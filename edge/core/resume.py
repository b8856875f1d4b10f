"""A body that broke off in its middle: what to ask so that it goes on where it ended. Pure. RFC 9110 §13.1.5, §14.

Only a strong ETag says that bytes of two answers belong together. What viewers had already stays theirs; a rest of another
representation is refused, and the fill fails.
"""

import re
from dataclasses import dataclass
from typing import Final

from playnet.http.fields import Fields

from .entry import Exchange

MAX_RESUMES: Final = 2
_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still missing: positions within the representation, both included; `last` None: up to its end."""

    first: int
    last: int | None
    etag: str

    def asked(self, fields: Fields) -> Fields:
        """The request for it, made from the first one's."""
        last = "" if self.last is None else str(self.last)
        return fields.without(["range", "if-range", "if-none-match", "if-modified-since"]).plus(
            ("range", f"bytes={self.first}-{last}"), ("if-range", self.etag)
        )

    def is_in(self, exchange: Exchange) -> bool:
        """Whether this answer is exactly the rest."""
        match = _CONTENT_RANGE.fullmatch(exchange.fields.get("content-range") or "")
        if exchange.status != 206 or exchange.fields.get("etag") != self.etag or match is None:
            return False
        last = self.last if self.last is not None else int(match[3].replace("*", "0")) - 1
        return (int(match[1]), int(match[2])) == (self.first, last)


def rest_of(method: str, exchange: Exchange, *, received_bytes: int, size_bytes: int | None) -> Rest | None:
    """What is missing of an answer that broke off; None when nobody can say. `size_bytes`: its Content-Length."""
    etag = exchange.fields.get("etag")
    if method != "GET" or etag is None or not etag.startswith('"'):
        return None
    if "none" in exchange.fields.members("accept-ranges"):
        return None
    if exchange.status == 200:
        return Rest(received_bytes, size_bytes - 1 if size_bytes is not None else None, etag)
    match = _CONTENT_RANGE.fullmatch(exchange.fields.get("content-range") or "")
    if exchange.status != 206 or match is None:
        return None
    return Rest(int(match[1]) + received_bytes, int(match[2]), etag)
