"""The cases that Python and njs share: `vectors.json` says what a verdict rests on and what it must be."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playnet.tokens import KeySet, Revocation, Rules
from playnet.tokens.keys import parse_keys
from playnet.tokens.revocation import ALL, NEWEST

FILE: Final = Path(__file__).with_name("vectors.json")
_DATA: Final[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))

KEYS_TEXT: Final = json.dumps(_DATA["keys"])
KEYS: Final[KeySet] = parse_keys(KEYS_TEXT)
RULES: Final = Rules(_DATA["skew_s"], _DATA["max_life_s"])


@dataclass(frozen=True)
class Vector:
    """One case."""

    id: str
    token: str
    path: str
    client: str
    now: int
    revoked: list[dict[str, Any]]
    verdict: str

    @property
    def moments(self) -> dict[str, int]:
        """The files of a node that heard of these revocations, with their mtimes."""
        found: dict[str, int] = {}
        for told in self.revoked:
            name = ALL if told["kind"] == "all" else Revocation.model_validate(told).name
            found[name] = told["at"]
            found[NEWEST] = max(found.get(NEWEST, 0), told["at"])
        return found


VECTORS: Final = [Vector(**vector) for vector in _DATA["vectors"]]
