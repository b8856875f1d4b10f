"""Players that report to an origin in tests: a browser's device, its clock, its beats."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from tests.members import Browser

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"


@dataclass
class Player:
    """One playback session of one asset. `skew_s`: how far its clock is ahead."""

    asset: str
    skew_s: float = 0
    session: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    sequence: int = 0
    acted_ms: int | None = None

    def now_ms(self) -> int:
        return round((time.time() + self.skew_s) * 1000)

    def beat(self, position_s: float, played_s: float = 0, *, ago_s: float = 0, **more: Any) -> dict[str, Any]:
        """The next beat, `ago_s` old."""
        at_ms = self.now_ms() - round(ago_s * 1000)
        if more.pop("act", False) or self.acted_ms is None:
            self.acted_ms = at_ms
        found = {
            "session": self.session, "sequence": self.sequence, "asset": self.asset, "revision": 1,
            "position_s": position_s, "played_s": played_s, "state": "playing", "at_ms": at_ms,
            "acted_at_ms": self.acted_ms, "rendition": "144p", "edge": "edge-1", **more,
        }  # fmt: skip
        self.sequence += 1
        return found

    def watched(self, seconds: int, *, ago_s: float = 0, step_s: int = 10) -> list[dict[str, Any]]:
        """Beats of somebody who watched the first `seconds` until `ago_s` ago."""
        return [self.beat(end, step_s, ago_s=ago_s + seconds - end) for end in range(step_s, seconds + step_s, step_s)]

    def report(self, beats: list[dict[str, Any]]) -> dict[str, Any]:
        return {"sent_at_ms": self.now_ms(), "beats": beats}


async def send(browser: Browser, player: Player, *beats: dict[str, Any]) -> tuple[int, Any]:
    """One report, as a page sends it."""
    headers = {"User-Agent": FIREFOX}
    return await browser.call("POST", "/api/v1/beats", json=player.report(list(beats)), headers=headers)
