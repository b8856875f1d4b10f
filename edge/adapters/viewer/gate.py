"""The brain's check of playback tokens: the same rules as njs in nginx, for everything that reaches the brain."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.adapters.revoked import Revoked
from edge.core.access import Access
from playnet.token_keys import KeyFile
from playnet.tokens import Granted, Rules, Use, judge
from playnet.tokens.refusal import refusal

_WATCH_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """`keys`: the key file; `revoked`: the folder of revocations, which nginx reads, too."""

    keys: Path
    revoked: Path
    rules: Rules


class Gate:
    """Judges tokens. ConfigError without a readable key file, StartupFailed without a folder of revocations."""

    def __init__(self, settings: TokenSettings, clock: Callable[[], float]) -> None:
        self._rules, self._clock = settings.rules, clock
        self._keys = KeyFile(settings.keys)
        self.revoked = Revoked(settings.revoked)

    async def watch(self) -> None:
        """Read the key file when it changed, also while nginx answers for us: what was read last counts if it breaks."""
        while True:
            self._keys.current()
            await asyncio.sleep(_WATCH_S)

    @property
    def longest_s(self) -> float:
        """Age that no token reaches."""
        return self._rules.max_life_s + 2 * self._rules.skew_s + 1

    def admit(self, token: str, path: str, client: str) -> Access:
        """What a request with this token may have. Raises PlaybackRefused for one that does not allow the path."""
        use = Use(path, client, self._clock())
        keys = self._keys.current()
        verdict = judge(token, use, keys=keys, rules=self._rules, revoked_at=self.revoked.at)
        if isinstance(verdict, Granted):
            return Access.ENTITLED
        raise refusal(verdict.reason)
