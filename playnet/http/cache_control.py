"""Cache-Control directives. RFC 9111 §5.2. Tolerant: whatever cannot be read is left out, nothing raises."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_DIRECTIVE: Final = re.compile(rf'[\s,]*(?P<name>{_NAME})(?:=(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s,;"]*)))?')
_REST: Final = re.compile(r"[^,]*(?:,|$)")
_ESCAPED: Final = re.compile(r"\\(.)")

MAX_SECONDS: Final = 2**31  # RFC 9111 §1.2.2: what is larger counts as this


@dataclass(frozen=True, slots=True)
class CacheControl:
    """The directives of one message; the first of several with one name counts (RFC 9111 §4.2.1)."""

    directives: Mapping[str, str | None] = field(default_factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self.directives

    def seconds(self, name: str) -> int | None:
        """A delta-seconds argument: None without the directive, 0 for what is no number (stale, RFC 9111 §4.2.1)."""
        if name not in self.directives:
            return None
        text = (self.directives[name] or "").strip()
        if not text.isascii() or not text.isdigit():
            return 0
        return MAX_SECONDS if len(text) > 10 else min(int(text), MAX_SECONDS)

    def names(self, name: str) -> tuple[str, ...]:
        """Field names of `no-cache="…"` or `private="…"`, in lower case; empty for the form without. §5.2.2.4, §5.2.2.7."""
        return tuple(item.strip().lower() for item in (self.directives.get(name) or "").split(",") if item.strip())


def parse_cache_control(values: Iterable[str]) -> CacheControl:
    """Read every line of the field. Names in lower case, arguments unquoted."""
    directives: dict[str, str | None] = {}
    text = ",".join(values)
    position = 0
    while position < len(text):
        match = _DIRECTIVE.match(text, position)
        if match is None:
            position = _skipped(text, position)
            continue
        quoted, plain = match["quoted"], match["plain"]
        argument = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain
        directives.setdefault(match["name"].lower(), argument)
        position = _skipped(text, match.end())
    return CacheControl(directives)


def _skipped(text: str, position: int) -> int:
    """Behind the next comma."""
    rest = _REST.match(text, position)
    return max(rest.end() if rest else 0, position + 1)
