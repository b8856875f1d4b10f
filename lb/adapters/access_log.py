"""The front's access log, kept bounded. nginx writes it, and opens it anew on SIGUSR1."""

from dataclasses import dataclass
from pathlib import Path

_LIMIT_BYTES = 256 << 20  # about 700,000 requests
_KEPT = 2  # older files


@dataclass(frozen=True, slots=True)
class AccessLog:
    """`path` and its older files `path.1`, `path.2`."""

    path: Path
    limit_bytes: int = _LIMIT_BYTES

    def rotate(self) -> bool:
        """Move a log that is above the limit aside; True when its writer must open it anew. OSError as the disk says."""
        if not self.path.exists() or self.path.stat().st_size < self.limit_bytes:
            return False
        for age in range(_KEPT, 1, -1):
            newer = self._aged(age - 1)
            if newer.exists():
                newer.replace(self._aged(age))
        self.path.replace(self._aged(1))
        return True

    def _aged(self, age: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{age}")
