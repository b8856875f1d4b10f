"""A stored response: what the index holds for one key. JSON in and out, never pickle.

The body is a file that `body` names. Fields that say something about one hop or one exchange are not kept;
surrogate keys are kept apart, as tags, because viewers never see them.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from playnet.http.dates import format_date, parse_date
from playnet.http.fields import Fields
from playnet.http.freshness import Lifetime, lifetime
from playnet.http.storability import is_storable, unshared
from playnet.http.vary import Selector, selector, varying
from playnet.names import DATE_FIELD, POSITION_FIELD

from .access import lapsed
from .key import Key
from .slices import Sliced
from .variants import variant_key

VERSION: Final = 2  # of the record; a record of another version is a miss
MAX_TAGS: Final = 128

# Written anew for every answer (Age, Via, Cache-Status are those of the stored exchange plus ours).
_NOT_KEPT: Final = frozenset(
    {
        "age", "content-length", "surrogate-key", "surrogate-control", "x-request-id", "server", POSITION_FIELD, DATE_FIELD,
    }
)  # fmt: skip
_FOR_NGINX: Final = "x-accel-"  # orders to the proxy next to the origin; ours takes them from its brain alone
# What a 304 or a HEAD must not change: it describes the bytes that are stored. RFC 9111 §3.2.
_OF_THE_BODY: Final = frozenset({"content-encoding", "content-length", "content-md5", "content-range", "etag"})
_ASKED_ALIKE: Final = frozenset({"accept-encoding"})  # the same in every request to an origin: it selects nothing
_NOTHING: Final = Fields()
_ALWAYS_OWN: Final = frozenset({"set-cookie"})  # never shared, whatever a 304 says


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One response to GET. `requested_at` decides whether a purge came before or after it.

    `selector`: the normal form of the request fields it varies by; the key of such a response ends in their hash.
    `checksum`: CRC-32 of the body.
    `sliced`: this is the head of an object in slices; its own body is empty.
    """

    key: Key
    status: int
    fields: Fields
    tags: tuple[str, ...]
    body: str
    size_bytes: int
    requested_at: float
    life: Lifetime
    soft_purged_at: float | None = None
    selector: Selector = ()
    checksum: int = 0
    sliced: Sliced | None = None

    @property
    def length_bytes(self) -> int:
        """Length of the representation, of which an object in slices has nothing in its own body."""
        return self.size_bytes if self.sliced is None else self.sliced.total_bytes

    @property
    def slice_keys(self) -> tuple[Key, ...]:
        """Where the slices of this head are, those that are stored."""
        return () if self.sliced is None else tuple(self.sliced.key(self.key, at) for at in range(self.sliced.count))

    @property
    def has_validator(self) -> bool:
        """Whether the origin can be asked if it still holds."""
        return "etag" in self.fields or "last-modified" in self.fields

    @property
    def modified_s(self) -> int | None:
        """Last-Modified as a time."""
        return parse_date(self.fields.get("last-modified"), now=self.life.received_at)

    def dumped(self) -> bytes:
        """The record in the index."""
        life = self.life
        clock = [life.received_at, life.initial_age_s, life.fresh_s, life.swr_s, life.sie_s, life.must_revalidate]
        record = {
            "v": VERSION, "key": self.key, "status": self.status, "fields": self.fields.pairs, "tags": self.tags,
            "body": self.body, "size": self.size_bytes, "asked": self.requested_at, "life": clock, "soft": self.soft_purged_at,
            "selector": self.selector, "crc": self.checksum,
        }  # fmt: skip
        if self.sliced is not None:
            record["sliced"] = [self.sliced.total_bytes, self.sliced.slice_bytes, self.sliced.identity]
        return json.dumps(record, separators=(",", ":")).encode()


def load(record: bytes) -> Entry | None:
    """The entry of a record; None for one of another version or a broken one."""
    try:
        raw: dict[str, Any] = json.loads(record)
        if raw["v"] != VERSION:
            return None
        return Entry(
            key=Key(raw["key"]),
            status=int(raw["status"]),
            fields=Fields(tuple((str(name), str(value)) for name, value in raw["fields"])),
            tags=tuple(map(str, raw["tags"])),
            body=str(raw["body"]),
            size_bytes=int(raw["size"]),
            requested_at=float(raw["asked"]),
            life=_lifetime(raw["life"]),
            soft_purged_at=None if raw["soft"] is None else float(raw["soft"]),
            selector=tuple((str(name), None if value is None else str(value)) for name, value in raw["selector"]),
            checksum=int(raw["crc"]),
            sliced=_sliced(raw.get("sliced")),
        )
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def _sliced(told: list[Any] | None) -> Sliced | None:
    return None if told is None else Sliced(int(told[0]), int(told[1]), str(told[2]))


def _lifetime(clock: list[Any]) -> Lifetime:
    received_at, initial_age_s, fresh_s, swr_s, sie_s = map(float, clock[:5])
    return Lifetime(received_at, initial_age_s, fresh_s, swr_s, sie_s, bool(clock[5]))


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer of an upstream, without its body. Times are those of the node's clock."""

    status: int
    fields: Fields
    requested_at: float
    received_at: float

    @classmethod
    def of(cls, status: int, fields: Fields, *, requested_at: float, received_at: float) -> "Exchange":
        """With the Date that a recipient with a clock puts in when it is missing or broken. RFC 9110 §6.6.1."""
        if parse_date(fields.get("date"), now=received_at) is None:
            fields = fields.without(["date"]).plus(("date", format_date(received_at)))
        return cls(status, fields, requested_at, received_at)

    def whole(self) -> "Exchange":
        """A 206 as the 200 whose bytes it brings. RFC 9110 §15.3.7.2: the same fields but for the range."""
        return replace(self, status=200, fields=self.fields.without(["content-range", "content-length"]))


def new_entry(
    key: Key, exchange: Exchange, *, body: str, size_bytes: int, asked: Fields = _NOTHING, negative_s: float = 0
) -> Entry:
    """What is stored of a final answer to a request with the fields `asked`; `negative_s` as in `heuristic_fresh_s`.

    The checksum comes with the body.
    """
    selected = tuple(pair for pair in selector(exchange.fields, asked) or () if pair[0] not in _ASKED_ALIKE)
    return Entry(
        key=variant_key(key, selected),
        status=exchange.status,
        fields=kept(exchange.fields).without(unshared(exchange.fields)),
        tags=tags_of(exchange.fields),
        body=body,
        size_bytes=size_bytes,
        requested_at=exchange.requested_at,
        life=lifetime(
            exchange.fields,
            status=exchange.status,
            requested_at=exchange.requested_at,
            received_at=exchange.received_at,
            negative_s=negative_s,
        ),
        selector=selected,
    )


def personal(exchange: Exchange) -> Fields:
    """The fields that only the viewer gets for whom the exchange was made. RFC 9111 §5.2.2.4, §5.2.2.7, §7.3."""
    names = unshared(exchange.fields) | _ALWAYS_OWN
    return Fields(tuple(pair for pair in kept(exchange.fields) if pair[0] in names))


def validated(stored: Entry, exchange: Exchange) -> Entry:
    """The entry after a 304, or a HEAD that matches it: its fields replaced by the new ones, its clock started again.

    RFC 9111 §4.3.4, §4.3.5.
    """
    news = kept(exchange.fields).without(_OF_THE_BODY | _ALWAYS_OWN | unshared(exchange.fields))
    replaced = lapsed(news).union(name for name, _ in news)
    merged = Fields(stored.fields.without(replaced).pairs + news.pairs)
    return replace(
        stored,
        fields=merged,
        tags=tags_of(exchange.fields) or stored.tags,
        requested_at=exchange.requested_at,
        life=lifetime(
            merged.plus(*(("age", value) for value in exchange.fields.all("age"))),
            status=stored.status,
            requested_at=exchange.requested_at,
            received_at=exchange.received_at,
        ),
        soft_purged_at=None,
    )


def freshened(stored: Entry, exchange: Exchange) -> Entry | None:
    """The entry after a 200 to HEAD; None when that describes another representation or forbids this one. RFC 9111 §4.3.5."""
    if exchange.status != 200 or stored.status != 200:
        return None
    for name in ("etag", "last-modified"):
        told = exchange.fields.get(name)
        if told is not None and told != stored.fields.get(name):
            return None
    length = exchange.fields.get("content-length")
    fresh = validated(stored, exchange)
    return fresh if length in {None, str(stored.length_bytes)} and may_replace(stored, fresh) else None


def may_replace(stored: Entry, fresh: Entry) -> bool:
    """Whether a validated entry may still be kept, and under its key."""
    return is_storable(_NOTHING, fresh.status, fresh.fields) and varying(fresh.fields) == varying(stored.fields)


def kept(fields: Fields) -> Fields:
    """The fields of an upstream's answer that viewers get. RFC 9111 §3.1."""
    rest = fields.end_to_end().without(_NOT_KEPT)
    return Fields(tuple(pair for pair in rest if not pair[0].startswith(_FOR_NGINX)))


def tags_of(fields: Fields) -> tuple[str, ...]:
    """Surrogate keys, each once; more than MAX_TAGS are cut off."""
    words = " ".join(fields.all("surrogate-key")).split()
    return tuple(dict.fromkeys(words))[:MAX_TAGS]
