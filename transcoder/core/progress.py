"""Reads what `ffmpeg -progress` writes: blocks of `key=value` lines, each ended by `progress=`. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class ProgressReader:
    """Fed line by line; holds the newest whole block. Unknown keys and `N/A` are skipped."""

    frames: int = 0
    out_s: float = 0.0
    ended: bool = False
    _block: dict[str, str] = field(default_factory=dict, repr=False)

    def feed(self, line: str) -> bool:
        """True when `line` completed a block."""
        key, _, value = line.strip().partition("=")
        if key != "progress":
            if len(self._block) < 64:
                self._block[key] = value.strip()
            return False
        self.frames = max(self.frames, _int(self._block.get("frame")))
        self.out_s = max(self.out_s, _int(self._block.get("out_time_us")) / 1e6)
        self.ended = value.strip() == "end"
        self._block.clear()
        return True


def share(done: float, expected: float | None) -> float:
    """Progress between 0 and 1; what is not known to be finished never shows as finished."""
    return min(0.99, max(0.0, done / expected)) if expected else 0.0


def _int(text: str | None) -> int:
    return int(text) if text is not None and text.lstrip("-").isdigit() and len(text) < 20 else 0
