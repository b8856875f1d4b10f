"""Choosing what a GET or HEAD gets: store -> decision -> stored entry, fill, or the origin itself."""

from typing import assert_never

from edge.adapters.upstream.upstream import Ask, NotStored
from edge.core.access import released
from edge.core.causes import Cause, cause_of
from edge.core.decide import Action, Bypass, Fetch, Refuse, Revalidate, Serve, decide
from edge.core.entry import Entry
from edge.core.forward import forwarded, nobody
from edge.core.key import Target
from edge.core.peering import for_peer
from edge.core.wishes import granted, wishes
from playnet.http.cache_status import CacheStatus
from playnet.http.fields import Fields

from .filled import Filled
from .parts import Parts
from .passing import Passing
from .stored import Stored
from .viewer import Viewer


class Choice:
    """Looks up, decides, and has it done."""

    def __init__(self, parts: Parts, passing: Passing) -> None:
        self._parts, self._passing = parts, passing
        self._stored = Stored(parts)
        self._filled = Filled(parts, self._stored, passing)
        self._store, self._fills, self._upstream = parts.store, parts.fills, parts.upstream
        self._metrics, self._clock = parts.metrics, parts.clock

    async def answer(self, viewer: Viewer, wanted: Target) -> None:
        now = self._clock()
        selecting = self._parts.asked(viewer) if wanted.key in self._store.variants else viewer.fields
        stored = await self._store.lookup(wanted.key, selecting)
        if stored is not None:
            released(stored.fields, viewer.access)  # who may not have it does not make us ask whether it still holds
        action = decide(stored, marks=self._store.marks, now=now)
        action = granted(action, stored, wishes(viewer.fields, honoured=self._parts.settings.honours_wishes), now=now)
        if viewer.tells is not None:
            action = for_peer(action)
        viewer.cause = self._cause(viewer, wanted, action, now)
        match action:
            case Serve(entry, refresh):
                if refresh:
                    self._refresh(wanted, entry)
                detail = "stale-while-revalidate" if refresh else None
                status = CacheStatus(hit=True, ttl_s=int(entry.life.fresh_until - now), detail=detail)
                await self._stored.answer(viewer, entry, status, "stale" if refresh else "hit")
            case Revalidate():
                await (self._filled.freshened if viewer.method == "HEAD" else self._filled.answer)(
                    viewer, wanted, action
                )
            case Fetch():
                if viewer.method == "HEAD" or (self._fills.is_apart(wanted.key) and _is_partial(viewer.fields)):
                    await self._passing.answer(viewer, wanted, CacheStatus(fwd=self._parts.why(wanted)))
                else:
                    await self._filled.answer(viewer, wanted, None)
            case Bypass():
                await self._passing.answer(viewer, wanted, CacheStatus(fwd="request"))
            case Refuse():
                raise NotStored("this is not stored here, and nothing else was wanted")
            case _:
                assert_never(action)

    def _cause(self, viewer: Viewer, wanted: Target, action: Action, now: float) -> Cause | None:
        """The one cause of a miss, as far as it is known before the origin answered."""
        place = wanted.key
        if isinstance(action, Fetch):
            if self._fills.is_apart(place):
                return Cause.UNCACHEABLE
            place = self._store.variants.expected(place, self._parts.asked(viewer))
        return cause_of(action, place, self._store.causes, marks=self._store.marks, now=now)

    def _refresh(self, wanted: Target, entry: Entry) -> None:
        node = self._parts.settings.node
        fields = forwarded(nobody(entry.selector), node=node, request_id=f"refresh-{node}", conditions=False)
        self._fills.refresh(Ask("GET", wanted.key, fields), entry)


def _is_partial(request: Fields) -> bool:
    """Whether less than the whole was asked for: worth an exchange of its own where answers are not shared."""
    return any(name in request for name in ("range", "if-none-match", "if-modified-since"))
