"""What commands print: results on stdout, everything else on stderr; with --json one document and nothing else."""

import json
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

from playnet.errors import ConfigError, PlayNetError

Json = Mapping[str, object] | Sequence[object]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Json) -> None:
    """The one document of a --json command."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def tell(exc: PlayNetError, *, as_json: bool) -> int:
    """Print an error for a person, and as a problem document (RFC 9457) for a program; the exit code for it."""
    if as_json:
        print_json({"type": f"/docs/errors#{exc.code}", "title": exc.title, "detail": str(exc), "code": exc.code})
    err.print(f"playnet: {exc}", markup=False)
    return 2 if isinstance(exc, ConfigError) else 1
