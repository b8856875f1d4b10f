"""Which stored responses a purge order means."""

from typing import assert_never

from playnet.purge.order import PurgeOrder

from .key import Key
from .variants import primary_of


def concerns(order: PurgeOrder, key: Key, tags: tuple[str, ...] | None) -> bool:
    """Whether `order` means the response under `key`. Unknown tags (None: its head has not come) may be any."""
    match order.kind:
        case "all":
            return True
        case "url":
            return primary_of(key) == order.value
        case "prefix":
            return key.startswith(order.value)
        case "tag":
            return tags is None or order.value in tags
        case _:
            assert_never(order.kind)
