"""What will be asked for next, and whether to fetch it before it is. Pure: clock and load as arguments.

Only segments of the revision that is being played are ever fetched, so that nobody can make a node ask for anything else.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from posixpath import dirname
from typing import Final, TypeVar

from playnet.cmcd import next_objects
from playnet.names import MediaKey, parse_media_key

from .key import Key

K = TypeVar("K")
V = TypeVar("V")

MAX_WISHES: Final = 2  # of one request
_SEGMENT: Final = re.compile(r"(?P<number>[1-9][0-9]{0,8})\.m4s")
_RELATIVE: Final = re.compile(r"(?:\.\./)?(?:[a-z0-9-]+/)?[a-z0-9-]+\.[a-z0-9]+|/v/[a-z0-9/.-]+")
_NAMED: Final = re.compile(r"\bnor=[^,]*")
_SERVED_S: Final = 5.0  # about as long as a segment
_RECENT_S: Final = 30.0  # a key is thought about once in so long, however many ask for the one before it
_ENDED_S: Final = 60.0
_UNUSED_S: Final = 600.0
_MAX_NOTES: Final = 4096
_RATE_PER_S: Final = 10.0  # of one asset: some viewers in different places, each at a few times real time
_BURST: Final = 20.0


class Outcome(StrEnum):
    """The label of `playnet_edge_prefetches`: each wish that is news ends as one of all but the last two."""

    FETCHED = "fetched"
    HINTED = "hinted"  # its owner was told
    HELD = "held"  # stored, or on its way
    ENDED = "ended"  # behind the last segment
    RATED = "rated"  # too many of one asset
    CROWDED = "crowded"  # too many altogether
    PAUSED = "paused"  # the node or its upstream was busy
    FAILED = "failed"
    USEFUL = "useful"  # fetched, and then asked for
    WASTED = "wasted"  # fetched, and gone or ten minutes old without having been asked for


@dataclass(frozen=True, slots=True)
class Load:
    """`open_fills`: exchanges under way; `lag_s`: how late the event loop is; `first_byte_s`: how long upstreams take."""

    open_fills: int
    lag_s: float
    first_byte_s: float


def is_strained(load: Load) -> bool:
    """Whether viewers need all there is. Half a second of lag is what viewers begin to notice, a tenth comes before it."""
    return load.open_fills > 64 or load.lag_s > 0.1 or load.first_byte_s > 2.0


def wishes(key: Key, cmcd: str) -> tuple[Key, ...]:
    """What will probably be asked for after `key`: what the player names, else the next segment."""
    played = parse_media_key(key.removeprefix("/"))
    if played is None:
        return ()
    named = [_resolved(key, reference) for reference in next_objects(cmcd)[:MAX_WISHES]]
    found = [wish for wish in named if wish is not None and wish != key and _belongs(wish, played)]
    following = _following(played) if not named else None
    return tuple(dict.fromkeys(found if following is None else [following]))


def _following(played: MediaKey) -> Key | None:
    match = _SEGMENT.fullmatch(played.file)
    return Key(f"{dirname('/' + str(played))}/{int(match['number']) + 1}.m4s") if match is not None else None


def _resolved(key: Key, reference: str) -> Key | None:
    """A reference within one revision: `9.m4s`, `../720p/9.m4s`, or its whole path."""
    if _RELATIVE.fullmatch(reference) is None:
        return None
    if reference.startswith("/"):
        return Key(reference)
    folder = dirname(key)
    return Key(f"{dirname(folder)}/{reference[3:]}" if reference.startswith("../") else f"{folder}/{reference}")


def _belongs(wish: Key, played: MediaKey) -> bool:
    named = parse_media_key(wish.removeprefix("/"))
    return named is not None and (named.asset, named.revision) == (played.asset, played.revision)


class Plan:
    """What was thought about, fetched and found to be the end. Everything bounded."""

    def __init__(self) -> None:
        self._served: OrderedDict[tuple[Key, str], float] = OrderedDict()
        self._recent: OrderedDict[Key, float] = OrderedDict()
        self._ends: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._budgets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._unused: OrderedDict[Key, float] = OrderedDict()

    def is_first(self, key: Key, cmcd: str, now: float) -> bool:
        """Whether nobody lately got this object and named the same next one: most requests end here, and cheaply."""
        named = _NAMED.search(cmcd) if cmcd else None
        mark = (key, named[0] if named is not None else "")
        if now - self._served.get(mark, -_SERVED_S) < _SERVED_S:
            return False
        _note(self._served, mark, now)
        return True

    def refusal(self, wish: Key, now: float) -> Outcome | None:
        """Why a wish is not followed; None: it is. Called once for each wish that `is_news`."""
        folder, number = _place(wish)
        end, until = self._ends.get(folder, (0, 0.0))
        if number is not None and now < until and number >= end:
            return Outcome.ENDED
        return None if self._afford(wish.split("/")[2], now) else Outcome.RATED

    def is_news(self, wish: Key, now: float) -> bool:
        """Whether nobody thought about it lately; somebody has then."""
        if now - self._recent.get(wish, -_RECENT_S) < _RECENT_S:
            return False
        _note(self._recent, wish, now)
        return True

    def put_off(self, wish: Key) -> None:
        """It was not followed for want of time: the next request that leads to it may try again."""
        self._recent.pop(wish, None)

    def ended(self, wish: Key, now: float) -> None:
        """There is no such segment, hence none behind it."""
        folder, number = _place(wish)
        if number is not None:
            _note(self._ends, folder, (number, now + _ENDED_S))

    def fetched(self, wish: Key, now: float) -> None:
        """It was fetched before anybody asked for it."""
        _note(self._unused, wish, now)

    def asked(self, key: Key) -> bool:
        """Whether this request finds what was fetched for it."""
        return bool(self._unused) and self._unused.pop(key, None) is not None

    def overdue(self, now: float) -> list[Key]:
        """What nobody asked for in time."""
        old: list[Key] = []
        while self._unused and now - next(iter(self._unused.values())) > _UNUSED_S:
            old.append(self._unused.popitem(last=False)[0])
        return old

    def _afford(self, asset: str, now: float) -> bool:
        tokens, at = self._budgets.get(asset, (_BURST, now))
        tokens = min(tokens + (now - at) * _RATE_PER_S, _BURST)
        is_affordable = tokens >= 1
        _note(self._budgets, asset, (tokens - 1 if is_affordable else tokens, now))
        return is_affordable


def _note(table: OrderedDict[K, V], key: K, value: V) -> None:
    """Newest last, oldest out."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > _MAX_NOTES:
        table.popitem(last=False)


def _place(wish: Key) -> tuple[str, int | None]:
    folder, _, file = wish.rpartition("/")
    match = _SEGMENT.fullmatch(file)
    return folder, int(match["number"]) if match is not None else None
