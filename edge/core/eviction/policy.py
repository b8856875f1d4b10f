"""The interface of all eviction policies.

Its user owns the quota: it calls `evict` until the newcomer fits, then `insert`. Whether an object is admitted at all
is decided before that, so it is not a policy's concern.
"""

from typing import Protocol

from edge.core.key import Key


class Policy(Protocol):
    """Order of eviction over keys with sizes. Holds no bodies and knows no limit: the owner of the quota asks.

    What it remembers grows with the keys that it holds, never with those that it has seen.
    """

    @property
    def size_bytes(self) -> int:
        """Sum over all keys."""
        ...

    def __len__(self) -> int: ...

    def __contains__(self, key: object) -> bool: ...

    def insert(self, key: Key, size_bytes: int) -> None:
        """A new object, or a new size of one that is there (it stays where it is, with its marks)."""
        ...

    def hit(self, key: Key) -> None:
        """The object was used. Unknown keys are ignored: reports come late."""
        ...

    def remove(self, key: Key) -> None:
        """The object is gone for another reason. Unknown keys are ignored."""
        ...

    def evict(self) -> Key | None:
        """Choose, remove and name one object; None when there is none."""
        ...
