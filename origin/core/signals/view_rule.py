"""What counts as a view. Pure; the only place that says so.

A view is at least 30 s, or half of the asset when that is less, of media really played (the same seconds again are not
more), once for each viewer and 30 minutes. A session is judged once: who goes on, or plays it again in the same page, is
not a second view. Programs that say they are some do not count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .beats import EpochMs
from .sittings import Sitting

ENOUGH_MS: Final = 30_000
AGAIN_MS: Final = 30 * 60_000


class Reason(StrEnum):
    """Why a session is a view, or is none."""

    VIEW = "view"
    TOO_SHORT = "too-short"
    REPLAY = "replay"
    AGAIN = "again"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`final`: more beats of this session cannot change it."""

    counts: bool
    final: bool
    reason: Reason


def needed_ms(duration_ms: int) -> int:
    """How much has to be played of an asset that long."""
    return min(ENOUGH_MS, -(-duration_ms // 2))


def judge(sitting: Sitting, *, duration_ms: int, at: EpochMs, views: Iterable[EpochMs]) -> Verdict:
    """`at`: when the session came so far; `views`: this viewer's views of this asset that were counted near that time."""
    if sitting.judged:
        return Verdict(counts=False, final=True, reason=Reason.REPLAY)
    if sitting.bot:
        return Verdict(counts=False, final=True, reason=Reason.BOT)
    if sitting.played_ms < needed_ms(duration_ms) or duration_ms <= 0:
        return Verdict(counts=False, final=False, reason=Reason.TOO_SHORT)
    if any(abs(at - earlier) < AGAIN_MS for earlier in views):
        return Verdict(counts=False, final=True, reason=Reason.AGAIN)
    return Verdict(counts=True, final=True, reason=Reason.VIEW)
