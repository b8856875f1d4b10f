"""The purge log: how orders travel from PostgreSQL's outbox to every edge, as one Redis stream. Revocations of playback
tokens have a stream of their own (playnet/revocation_log.py) and go the same way.

An entry stands under `<order id>-0` and names the id before it, so that a reader sees when something between was
trimmed or when the log was lost. Appending twice is harmless, in any order: an id that is already there is left
alone, and one that comes late (its transaction committed after a younger one) is put at the end under the
youngest id with a sequence number, so that no reader has passed it. PostgreSQL stays the truth: after Redis
lost its data the relay starts again from `newest()`.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from playnet.errors import Unavailable

from .order import PurgeOrder

STREAM: Final = "playnet:purges"
MAX_ENTRIES: Final = 100_000  # about 20 MB; a node that was away for longer treats everything as stale
_BATCH: Final = 256
_BLOCK_MS: Final = 2000  # below redis-py's default socket timeout of 5 s

# KEYS[1] stream; ARGV: order id, order as JSON, bound. One entry, atomically.
_APPEND: Final = """
local id, body, bound = ARGV[1], ARGV[2], ARGV[3]
local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not top then
  return redis.call('XADD', KEYS[1], id .. '-0', 'order', body, 'after', '', 'number', id)
end
local newest, seq = string.match(top[1], '^(%d+)-(%d+)$')
if tonumber(id) > tonumber(newest) then
  return redis.call('XADD', KEYS[1], 'MAXLEN', '~', bound, id .. '-0', 'order', body, 'after', newest, 'number', id)
end
if redis.call('XRANGE', KEYS[1], id .. '-0', id .. '-0')[1] then
  return ''
end
return redis.call('XADD', KEYS[1], newest .. '-' .. string.format('%d', tonumber(seq) + 1),
                  'order', body, 'after', newest, 'number', id)
"""


Order = TypeVar("Order", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Order]):
    """One order. `id` is the position to remember once it is applied; `late` counts those that came late at this position.

    `number`: the order's own id, by which it is known to who gave it.
    """

    id: int
    order: Order
    late: int = 0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Orders up to `upto` may be missing: everything held must be treated as stale."""

    upto: int


class OrderLog(Generic[Order]):
    """Appends to and follows one stream of orders. Owns nothing: the client is closed by whoever made it."""

    def __init__(self, redis: Redis, stream: str, kind: type[Order]) -> None:
        self._redis, self._stream, self._kind = redis, stream, kind
        self._append = redis.register_script(_APPEND)

    async def append(self, entries: Sequence[tuple[int, Order]]) -> None:
        """Add orders under their ids in the outbox. Repeating is harmless. Raises Unavailable."""
        with translated():
            for order_id, order in entries:
                await self._append(keys=[self._stream], args=[order_id, order.model_dump_json(), MAX_ENTRIES])

    async def newest(self) -> int:
        """The youngest id in the log, 0 when it is empty. Raises Unavailable."""
        with translated():
            rows = await self._redis.xrevrange(self._stream, count=1)
        return _position(cast(bytes | str, rows[0][0])) if rows else 0

    async def follow(self, after: int) -> AsyncIterator[Entry[Order] | Gap]:
        """Every order behind position `after`, for ever; waits for new ones. Raises Unavailable.

        Position 0 is a reader without any memory: it gets what the log still holds, after a Gap if that is not all.
        """
        position = after
        cursor = f"{after}-0"
        while True:
            with translated():
                reply = await self._redis.xread({self._stream: cursor}, count=_BATCH, block=_BLOCK_MS)
            rows = rows_of(reply)
            if not rows:
                newest = await self.newest()
                if newest < position:  # the log was lost and begins anew with smaller ids
                    yield Gap(newest)
                    position, cursor = newest, f"{newest}-0"
                continue
            for row_id, fields in rows:
                cursor = row_id
                for event in _events(self._kind, row_id, fields, position):
                    position = event.upto if isinstance(event, Gap) else event.id
                    yield event


class PurgeLog(OrderLog[PurgeOrder]):
    """The log of purges."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, STREAM, PurgeOrder)


def _events(kind: type[Order], row_id: str, fields: dict[str, str], position: int) -> Iterator[Entry[Order] | Gap]:
    """What one row means to a reader at `position`."""
    row = _position(row_id)
    before = fields.get("after", "")
    is_first = before == ""
    if (is_first and position > 0) or (not is_first and int(before) > position):
        yield Gap(row)
    try:
        late = int(row_id.partition("-")[2] or 0)
        number = int(fields.get("number") or row)
        yield Entry(row, kind.model_validate_json(fields.get("order", "")), late, number)
    except ValidationError:  # written by a newer version: what it forgets is not known here
        yield Gap(row)


def _position(row_id: bytes | str) -> int:
    return int(_text(row_id).partition("-")[0])


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def rows_of(reply: Any) -> list[tuple[str, dict[str, str]]]:
    """The rows of one XREAD of one stream, as text."""
    if not reply:
        return []
    if isinstance(reply, dict):  # RESP3: one more list around the rows
        (rows,) = next(iter(reply.values()))
    else:
        ((_, rows),) = reply
    return [
        (_text(key), {_text(name): _text(value) for name, value in fields.items()}) for key, fields in rows if fields
    ]


@contextmanager
def translated() -> Iterator[None]:
    """Redis's errors as Unavailable."""
    try:
        yield
    except (RedisError, OSError) as exc:
        raise Unavailable("the log of orders in Redis does not answer", cause=type(exc).__name__) from exc
