"""HTTP dates. RFC 9110 §5.6.7: one form is written, three are read."""

import re
from datetime import UTC, datetime
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME: Final = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        rf"[A-Z][a-z]{{2}}, (?P<day>\d\d) (?P<month>[A-Z][a-z]{{2}}) (?P<year>\d{{4}}) {_TIME} GMT",  # IMF-fixdate
        rf"[A-Z][a-z]{{5,8}}, (?P<day>\d\d)-(?P<month>[A-Z][a-z]{{2}})-(?P<year>\d\d) {_TIME} GMT",  # RFC 850
        rf"[A-Z][a-z]{{2}} (?P<month>[A-Z][a-z]{{2}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",  # asctime
    )
)
_LAST_S: Final = 253402300799  # 9999-12-31T23:59:59Z: years have four digits


def parse_date(text: str | None, *, now: float = 0) -> int | None:
    """Seconds since 1970, or None when `text` is no HTTP date. Never raises.

    `now` places the two-digit years of RFC 850 dates: what would lie more than 50 years ahead is past.
    """
    for form in _FORMS if text else ():
        match = form.fullmatch(text or "")
        if match is not None and match["month"] in _MONTHS:
            return _seconds(match, now)
    return None


def _seconds(match: re.Match[str], now: float) -> int | None:
    year = int(match["year"])
    if len(match["year"]) == 2:
        this_year = datetime.fromtimestamp(now, UTC).year
        year += this_year // 100 * 100
        year -= 100 if year > this_year + 50 else 0
    second = min(int(match["second"]), 59)  # a leap second counts as the one before
    if int(match["second"]) > 60:
        return None
    try:
        moment = datetime(
            year, _MONTHS.index(match["month"]) + 1, int(match["day"]), int(match["hour"]), int(match["minute"]), second,
            tzinfo=UTC,
        )  # fmt: skip
    except ValueError:
        return None
    return int(moment.timestamp())


def format_date(seconds: float) -> str:
    """IMF-fixdate of a time, clamped to the years 1970 to 9999."""
    moment = datetime.fromtimestamp(min(max(int(seconds), 0), _LAST_S), UTC)
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year:04} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"
    )
