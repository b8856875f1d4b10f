"""What the edge promises about speed, looked up in the tables. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from .bed import BRAIN, HOT, NODE, PROXY_CACHE, TOKENED, TRAFFICSERVER, VARNISH
from .misses import DIRECT
from .report import Table, Verdict

_FROM_BYTES: Final = 200_000
_HALF_AT_BYTES: Final = (1_000_000, 1 << 20)
_BRAIN_US: Final = 200
_STREAM_SHARE: Final = 0.9
_FOLLOW_MS: Final = 50


def verdicts(tables: Sequence[Table]) -> list[Verdict]:
    """Every promise for which there is a table."""
    return [verdict for table in tables for verdict in _of(table)]


def _of(table: Table) -> Iterator[Verdict]:
    where = f"({table.title})"
    if table.kind == "hits":
        if table.size_bytes >= _FROM_BYTES:
            yield _ratio(table, f"hot at most proxy_cache {where}", HOT, PROXY_CACHE, 1.0)
            yield _ratio(table, f"with a token at most proxy_cache {where}", TOKENED, PROXY_CACHE, 1.0)
            yield _above(table, f"brain at most {_BRAIN_US} µs above proxy_cache {where}")
        if table.size_bytes in _HALF_AT_BYTES:
            for peer in (VARNISH, TRAFFICSERVER):
                yield _ratio(table, f"hot at most half of {peer} {where}", HOT, peer, 0.5)
    elif table.kind == "misses":
        yield _streams(table, f"{_STREAM_SHARE:.0%} of the origin's MB/s {where}")
    elif table.kind == "followers":
        row = table.rows[NODE]
        least, median = row.least, row.median
        measured = f"{least:.1f}, {median:.1f} ms"
        yield Verdict(f"at most {_FOLLOW_MS} ms {where}", measured, least <= _FOLLOW_MS, median <= _FOLLOW_MS)


def _ratio(table: Table, promise: str, name: str, peer: str, bound: float) -> Verdict:
    mine, other = table.rows[name], table.rows[peer]
    least, median = mine.least / other.least, mine.median / other.median
    return Verdict(promise, f"{least:.2f}, {median:.2f}", least <= bound, median <= bound)


def _above(table: Table, promise: str) -> Verdict:
    mine, other = table.rows[BRAIN], table.rows[PROXY_CACHE]
    least, median = mine.least - other.least, mine.median - other.median
    return Verdict(promise, f"{least:.0f}, {median:.0f} µs", least <= _BRAIN_US, median <= _BRAIN_US)


def _streams(table: Table, promise: str) -> Verdict:
    """Speeds of the same round belong together: the share is taken round by round."""
    shares = sorted(mine / line for mine, line in zip(table.rows[NODE].rate, table.rows[DIRECT].rate, strict=True))
    best, median = shares[-1], shares[len(shares) // 2]
    return Verdict(promise, f"{best:.2f}, {median:.2f}", best >= _STREAM_SHARE, median >= _STREAM_SHARE)
