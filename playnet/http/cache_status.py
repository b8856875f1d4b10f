"""The Cache-Status response field. RFC 9211, written as RFC 8941 structured fields."""

import re
from dataclasses import dataclass
from typing import Final, Literal

_TOKEN: Final = re.compile(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*")

Forward = Literal["bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheStatus:
    """How one cache handled one request. Either `hit` or `fwd` (RFC 9211 §2.1, §2.2)."""

    hit: bool = False
    fwd: Forward | None = None
    fwd_status: int | None = None
    ttl_s: int | None = None
    stored: bool = False
    collapsed: bool = False
    detail: str | None = None

    def written(self, cache: str) -> str:
        """The list member of the cache of that name."""
        parts = [_item(cache)]
        parts += ["hit"] if self.hit else []
        parts += [f"fwd={self.fwd}"] if self.fwd else []
        parts += [f"fwd-status={self.fwd_status}"] if self.fwd_status is not None else []
        parts += [f"ttl={self.ttl_s}"] if self.ttl_s is not None else []
        parts += ["stored"] if self.stored else []
        parts += ["collapsed"] if self.collapsed else []
        parts += [f"detail={_item(self.detail)}"] if self.detail else []
        return "; ".join(parts)


def _item(text: str) -> str:
    """A token where the grammar allows it, else a string. RFC 8941 §3.3.3, §3.3.4."""
    if _TOKEN.fullmatch(text):
        return text
    printable = "".join(char for char in text if " " <= char <= "~")
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'
