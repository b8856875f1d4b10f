"""Who leaves when the cache is full: one interface by bytes, a module for each policy.

`docs/decisions/eviction.md` compares them; `playnet cache simulate` runs them over a trace of yours.
"""

from collections.abc import Callable, Mapping
from typing import Final

from .gdsf import Gdsf
from .lru import Lru
from .policy import Policy
from .s3fifo import S3Fifo
from .sieve import Sieve

POLICIES: Final[Mapping[str, Callable[[], Policy]]] = {"s3-fifo": S3Fifo, "sieve": Sieve, "lru": Lru, "gdsf": Gdsf}
"""By the names that `edge_tuning.policy` takes."""

DEFAULT_POLICY: Final = "s3-fifo"

__all__ = ["DEFAULT_POLICY", "POLICIES", "Gdsf", "Lru", "Policy", "S3Fifo", "Sieve"]
