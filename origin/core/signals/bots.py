"""Programs that say what they are. Pure.

Only the honest ones are known by their User-Agent; what the others gain is bounded by the clock and by rates.
"""

import re
from typing import Final

# Words of crawlers and HTTP libraries; "bot" not within "cubot", a maker of phones.
_PROGRAM: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|headless|lighthouse|preview|facebookexternalhit|"
    r"curl/|wget/|python|aiohttp|httpx|go-http-client|java/|okhttp|libwww|scrapy|ffmpeg|lavf/|vlc/",
    re.IGNORECASE,
)
_MAX_CHARS: Final = 512


def is_program(user_agent: str | None) -> bool:
    """Whether to leave this client out of the counts. One without a name is none that people use."""
    return not user_agent or _PROGRAM.search(user_agent[:_MAX_CHARS]) is not None
