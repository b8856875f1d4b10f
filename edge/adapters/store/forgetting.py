"""Carrying out purge orders, however many entries they mean, without keeping viewers waiting.

While an order is carried out the store already answers as if it were done (`Standing`). nginx asks nobody, so its links
go first. Then entries go, a page at a time, so that lookups find their turn in between; bodies are deleted last.
An order that the disk refuses stays in force until it is given again: by who gave it, or when the disk works again.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Protocol

from edge.core.key import Key
from edge.core.standing import Standing
from playnet.purge.order import PurgeOrder

_PAGE: Final = 1000  # entries: some 50 ms of the one thread
_MAX_STANDING: Final = 64  # orders that the disk refused: each costs every lookup some time


class _Store(Protocol):
    async def page(self, order: PurgeOrder, after: Any, length: int) -> tuple[list[Key], Any]: ...

    async def unlink(self, keys: list[Key]) -> None: ...

    async def drop_purged(self, keys: list[Key]) -> None: ...

    async def soften(self, keys: list[Key], at: float) -> None: ...

    async def lapse(self) -> None: ...


class Forgetting:
    """One node's orders. Raises what the store raises; then the order must be given again."""

    def __init__(self, store: _Store, standing: Standing, clock: Callable[[], float]) -> None:
        self._store, self._standing, self._clock = store, standing, clock

    async def carry_out(self, order: PurgeOrder) -> int:
        """Gives the number of entries that it meant."""
        given_at = self._clock()
        number = self._standing.begin(order, given_at)
        try:
            count = await self._carried_out(order, given_at)
        except BaseException:
            if len(self._standing) > _MAX_STANDING:
                self._standing.clear()
                await self._store.lapse()
            raise
        self._standing.end(order, number)
        return count

    async def count(self, order: PurgeOrder) -> int:
        """The number of entries that the order would mean."""
        return sum([len(keys) async for keys in self._pages(order)])

    async def _carried_out(self, order: PurgeOrder, given_at: float) -> int:
        store, count = self._store, 0
        first, _ = await store.page(order, None, _PAGE)
        if len(first) == _PAGE:  # else the only page is done in one go below
            async for keys in self._pages(order):
                await store.unlink(keys)
        async for keys in self._pages(order):
            count += len(keys)
            await (store.soften(keys, given_at) if order.soft else store.drop_purged(keys))
        return count

    async def _pages(self, order: PurgeOrder) -> AsyncIterator[list[Key]]:
        after: Any = None
        while True:
            keys, after = await self._store.page(order, after, _PAGE)
            if not keys:
                return
            yield keys
            if order.kind != "url" and len(keys) < _PAGE:
                return
