"""What a viewer asks of the cache itself. RFC 9111 §5.2.1, §5.4.

They are advice, and a CDN's viewers are strangers: one who sends no-cache with every request would reach the origin with
every request. So a node ignores them unless it is told otherwise, but for only-if-cached, which costs nobody anything.
"""

from playnet.http.cache_control import CacheControl, parse_cache_control
from playnet.http.fields import Fields

from .decide import Action, Bypass, Fetch, Refuse, Revalidate, Serve
from .entry import Entry


def wishes(request: Fields, *, honoured: bool) -> CacheControl:
    """The directives that count. `Pragma: no-cache` means the same where Cache-Control is absent (§5.4)."""
    told = parse_cache_control(request.all("cache-control"))
    if not honoured:
        return CacheControl({name: None for name in ("only-if-cached",) if name in told})
    if "cache-control" not in request and "no-cache" in request.members("pragma"):
        return CacheControl({"no-cache": None})
    return told


def granted(action: Action, stored: Entry | None, wanted: CacheControl, *, now: float) -> Action:
    """The action that also does what the viewer wants."""
    if not wanted.directives:
        return action
    if stored is not None:
        action = _of_stored(action, stored, wanted, now)
    if "no-store" in wanted:
        action = Bypass()
    if "only-if-cached" in wanted and not isinstance(action, Serve):
        return Refuse()
    return action


def _of_stored(action: Action, stored: Entry, wanted: CacheControl, now: float) -> Action:
    life = stored.life
    age_limit_s, left_s = wanted.seconds("max-age"), wanted.seconds("min-fresh")
    is_too_old = age_limit_s is not None and life.age_s(now) > age_limit_s
    if "no-cache" in wanted or is_too_old or (left_s is not None and life.fresh_until - now < left_s):
        return Revalidate(stored, may_serve_on_error=False)
    if isinstance(action, Revalidate | Fetch) and "max-stale" in wanted and not life.must_revalidate:
        limit_s = wanted.seconds("max-stale") if wanted.directives["max-stale"] is not None else None
        if limit_s is None or now - life.fresh_until <= limit_s:
            return Serve(stored)
    return action
