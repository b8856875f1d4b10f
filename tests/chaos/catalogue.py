"""Objects whose every byte follows from their path and version, and what each version's body is. Pure.

A body begins with its own path and version, so that one which was swapped, torn or kept too long tells what it is.
"""

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

MODIFIED_S: Final = 1_700_000_000  # of version 0: every version is a second younger
_BLOCK_BYTES: Final = 4093  # prime: no page, chunk or slice begins at the same place of a block


@dataclass(slots=True)
class Catalogue:
    """Paths, their sizes, and the version that the origin serves now. An even number of a path stands in the hot tree."""

    sizes: dict[str, int]
    versions: dict[str, int] = field(default_factory=dict)

    def version(self, path: str) -> int:
        return self.versions.get(path, 0)

    def supersede(self, path: str) -> int:
        """From now on the origin has another body. Gives its version."""
        self.versions[path] = self.version(path) + 1
        return self.versions[path]

    def body(self, path: str) -> bytes:
        return body_of(path, self.version(path), self.sizes[path])


def catalogue(count: int, size_bytes: int) -> Catalogue:
    """`count` objects between a quarter of `size_bytes` and the whole of it; every other one is a segment."""
    return Catalogue(
        {
            f"/v/a/1/360p/{number}.{'m4s' if number % 2 == 0 else 'vtt'}": size_bytes // (1 + number % 4) - number
            for number in range(count)
        }
    )


def is_segment(path: str) -> bool:
    """Immutable, so that nginx may serve it alone; the brain decides about the others."""
    return path.endswith(".m4s")


@lru_cache(maxsize=512)
def body_of(path: str, version: int, size_bytes: int) -> bytes:
    head = f"{path} {version}\n".encode()
    block = hashlib.shake_256(head).digest(_BLOCK_BYTES)
    return (head + block * (size_bytes // _BLOCK_BYTES + 1))[:size_bytes]


def version_told(body: bytes) -> int | None:
    """What the first line says; None when there is no such line."""
    _, _, version = body.partition(b"\n")[0].rpartition(b" ")
    return int(version) if version.isdigit() else None
