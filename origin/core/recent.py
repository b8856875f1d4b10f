"""A bounded memory of what was used last. Pure."""

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps values up to a total weight; the ones not used for longest go first. One that is too heavy is not kept."""

    def __init__(self, max_weight: int) -> None:
        self._max_weight = max_weight
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def weight(self) -> int:
        return self._weight

    def get(self, key: K) -> V | None:
        """The value, which thereby becomes the most recent."""
        held = self._held.get(key)
        if held is None:
            return None
        self._held.move_to_end(key)
        return held[0]

    def put(self, key: K, value: V, weight: int = 1) -> None:
        """Keep `value`, replacing what stood under `key`."""
        self.drop(key)
        if weight > self._max_weight:
            return
        self._held[key] = (value, weight)
        self._weight += weight
        while self._weight > self._max_weight:
            _, (_, freed) = self._held.popitem(last=False)
            self._weight -= freed

    def drop(self, key: K) -> None:
        """Forget one value; absent is fine."""
        held = self._held.pop(key, None)
        if held is not None:
            self._weight -= held[1]
