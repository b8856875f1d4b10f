"""Look at folders in which others are deleting."""

import os
from contextlib import suppress
from pathlib import Path


def files_below(folder: Path, *, suffix: str = "") -> list[Path]:
    """Every file below `folder`, sorted. What disappears meanwhile is left out (before Python 3.13 `rglob` raises)."""
    return sorted(
        path
        for parent, _, names in os.walk(folder)  # ignores folders that are gone
        for name in names
        if (path := Path(parent, name)).name.endswith(suffix) and path.is_file()
    )


def bytes_below(folder: Path) -> int:
    """Sizes of all files together."""
    total = 0
    for path in files_below(folder):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
