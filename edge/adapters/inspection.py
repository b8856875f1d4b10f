"""What a node tells an admin on its own socket: `/debug/entry?url=` of one URL, `/debug/node` of itself."""

from collections.abc import Callable
from typing import Any

from prometheus_client.samples import Sample
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from edge.core.causes import Cause
from edge.core.inspection import Facts, report
from edge.core.key import purged_key
from edge.core.nginx import PUBLIC_HEADER
from playnet.errors import InvalidInput, NotFound

from .fill.fills import Fills
from .metrics import Metrics
from .store.store import Store

_FROM_STORE = ("hot", "memory", "disk")


class Inspection:
    """Answers on the brain's socket only: what comes through nginx gets 404."""

    def __init__(
        self, node: str, store: Store, fills: Fills, metrics: Metrics, clock: Callable[[], float], *,
        follows_purges: bool,
    ) -> None:  # fmt: skip
        self._node, self._store, self._fills, self._metrics, self._clock = node, store, fills, metrics, clock
        self._follows_purges = follows_purges

    async def entry(self, request: Request) -> Response:
        """Whether a URL is cached, and why not."""
        _refuse_public(request)
        url = request.query_params.get("url", "")
        if not url.startswith("/"):
            raise InvalidInput("expected /debug/entry?url= and a URL path, escaped")
        return JSONResponse(report(await self._facts(url)))

    async def node(self, request: Request) -> Response:
        """The state of the node: ratios since its start, what it holds, what needs an operator."""
        _refuse_public(request)
        return JSONResponse(self._state() | {"purge_position": await self._store.position()})

    async def _facts(self, url: str) -> Facts:
        key, store, now = purged_key(url), self._store, self._clock()
        entries = await store.all_of(key)
        return Facts(
            node=self._node,
            key=key,
            now=now,
            marks=store.marks,
            cause=Cause.UNCACHEABLE if self._fills.is_apart(key) else store.causes.why(key),
            refusal=store.refusals.why(key),
            apart_s=self._fills.apart_s(key),
            entries=entries,
            linked=frozenset(entry.key for entry in entries if store.is_linked(entry.key)),
            in_memory=frozenset(entry.key for entry in entries if store.is_in_memory(entry)),
            fillings=self._fills.under_way(key),
        )

    def _state(self) -> dict[str, Any]:
        told = _Told(self._metrics)
        hits, misses = told.by("playnet_edge_hits", "tier"), told.by("playnet_edge_misses", "cause")
        sent = told.by("playnet_edge_sent_bytes", "source")
        return {
            "node": self._node,
            "hit_ratio": _share(sum(hits.values()), sum(misses.values())),
            "byte_hit_ratio": _share(
                sum(sent.get(tier, 0) for tier in _FROM_STORE), sent.get("fill", 0) + sent.get("pass", 0)
            ),
            "hits": hits,
            "misses": misses,
            "stored_bytes": int(told.value("playnet_edge_stored_bytes")),
            "quota_bytes": int(told.value("playnet_edge_quota_bytes")),
            "entries": int(told.value("playnet_edge_stored_entries")),
            "hot_entries": int(told.value("playnet_edge_hot_entries")),
            "open_fills": int(told.value("playnet_edge_open_fills")),
            "alarms": self._alarms(told),
        }

    def _alarms(self, told: "_Told") -> list[str]:
        """What an operator should look at, in words."""
        failures = told.by("playnet_edge_storage_failures", "action")
        alarms = [
            f"the disk or the index refused {count} times to {action}" for action, count in sorted(failures.items())
        ]
        if self._follows_purges and not told.value("playnet_edge_purge_log_connected"):
            alarms.append("the purge log cannot be read: what was deleted may still be served here; look at Redis")
        return alarms


class _Told:
    """One look at all metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._samples: list[Sample] = [sample for family in metrics.registry.collect() for sample in family.samples]

    def value(self, name: str) -> float:
        return sum(sample.value for sample in self._samples if sample.name == name)

    def by(self, name: str, label: str) -> dict[str, int]:
        """The values of a counter that are not nought."""
        wanted = f"{name}_total"
        return {s.labels[label]: int(s.value) for s in self._samples if s.name == wanted and s.value}


def _share(part: float, rest: float) -> float | None:
    return round(part / (part + rest), 4) if part + rest else None


def _refuse_public(request: Request) -> None:
    if PUBLIC_HEADER in request.headers:
        raise NotFound("there is nothing here")
