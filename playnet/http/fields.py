"""Header fields as a value: ordered pairs, names in lower case, values as latin-1 text. RFC 9110 §5."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

# RFC 9110 §7.6.1, with the names that older hops used for the same purpose.
HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one message."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> "Fields":
        """From pairs in any case."""
        return cls(tuple((name.lower(), value.strip(" \t")) for name, value in pairs))

    @classmethod
    def raw(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "Fields":
        """From bytes, as ASGI and aiohttp give them."""
        return cls.of((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    def __contains__(self, name: object) -> bool:
        return any(own == name for own, _ in self.pairs)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, in order."""
        return tuple(value for own, value in self.pairs if own == name)

    def get(self, name: str) -> str | None:
        """The combined value (RFC 9110 §5.3), None when absent."""
        values = self.all(name)
        return ", ".join(values) if values else None

    def members(self, name: str) -> tuple[str, ...]:
        """The members of a list of tokens, in lower case, empty ones left out. RFC 9110 §5.6.1."""
        return tuple(item.strip().lower() for item in (self.get(name) or "").split(",") if item.strip())

    def without(self, names: Iterable[str]) -> "Fields":
        """A copy that lacks some fields."""
        gone = frozenset(names)
        return Fields(tuple(pair for pair in self.pairs if pair[0] not in gone))

    def end_to_end(self) -> "Fields":
        """What may be stored or forwarded: hop-by-hop fields and those that Connection names are gone. RFC 9110 §7.6.1."""
        return self.without(HOP_BY_HOP | set(self.members("connection")))

    def plus(self, *pairs: tuple[str, str]) -> "Fields":
        """A copy with more fields at the end."""
        return Fields(self.pairs + pairs)

    def encoded(self) -> list[tuple[bytes, bytes]]:
        """As ASGI sends them."""
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.pairs]
