"""Objects in order of arrival: what SIEVE and S3-FIFO are made of. Every operation takes constant time."""

from dataclasses import dataclass

from edge.core.key import Key


@dataclass(slots=True, eq=False)
class Node:
    """One object. `uses` is for the policy; `newer` and `older` are the queue's."""

    key: Key
    size_bytes: int
    uses: int = 0
    newer: "Node | None" = None
    older: "Node | None" = None


class Fifo:
    """A queue of nodes that finds any of them by its key and knows their bytes."""

    def __init__(self) -> None:
        self.oldest: Node | None = None
        self.size_bytes = 0
        self._newest: Node | None = None
        self._nodes: dict[Key, Node] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, key: object) -> bool:
        return key in self._nodes

    def get(self, key: Key) -> Node | None:
        """The node of a key, if it queues here."""
        return self._nodes.get(key)

    def append(self, node: Node) -> None:
        """Queue a node that is in no queue, as the newest."""
        node.newer, node.older = None, self._newest
        if self._newest is None:
            self.oldest = node
        else:
            self._newest.newer = node
        self._newest = node
        self._nodes[node.key] = node
        self.size_bytes += node.size_bytes

    def remove(self, node: Node) -> None:
        """Take out one that queues here."""
        if node.newer is None:
            self._newest = node.older
        else:
            node.newer.older = node.older
        if node.older is None:
            self.oldest = node.newer
        else:
            node.older.newer = node.newer
        del self._nodes[node.key]
        self.size_bytes -= node.size_bytes

    def resize(self, node: Node, size_bytes: int) -> None:
        """Give one that queues here another size."""
        self.size_bytes += size_bytes - node.size_bytes
        node.size_bytes = size_bytes
