"""The figures as text, and as the table of docs/conformance.md. Every miss has its reason here, or the run fails."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from .suite import Report, Test

PAGE: Final = Path(__file__).parents[2] / "docs" / "conformance.md"
FLOOR: Final = {"required": 148, "optimal": 77}
_KINDS: Final = ("required", "optimal", "check")
_BEGIN, _END = "<!-- figures: make conformance -->\n", "<!-- end of figures -->\n"

_COOKIE: Final = "by choice: a response that sets a cookie is shared only without it, when the response names the field in no-cache or private"
_OWN_ERROR: Final = (
    "the node may not answer with what is stored, so it answers 502 itself; the suite takes every answer that lacks the "
    "origin's counter for a cached one, and no published cache passes"
)
_LENGTH: Final = (
    "the origin sends 36 bytes under a Content-Length of 5 or 10; what follows a message is no message (RFC 9112 §6.3), and the "
    "client library drops connection and answer, which the node reports as 502"
)
_PARTIAL: Final = "a range that is not stored is filled as a whole, so a 206 never has to be kept or completed"
REASONS: Final[Mapping[str, str]] = {
    "age-parse-prefix": "contradicts `age-parse-dup-0`: an Age that is a list makes a response stale here, whatever its first member",
    "stale-close-must-revalidate": _OWN_ERROR,
    "stale-close-proxy-revalidate": _OWN_ERROR,
    "stale-close-no-cache": _OWN_ERROR,
    "stale-close-s-maxage=2": _OWN_ERROR,
    "headers-store-Content-Length": _LENGTH,
    "304-etag-update-response-Content-Length": _LENGTH,
    "headers-store-Set-Cookie": _COOKIE,
    "304-etag-update-response-Set-Cookie": _COOKIE,
    "other-set-cookie": _COOKIE,
    "method-POST": "only responses to GET are stored; players and their origins gain nothing from more",
    "vary-normalise-lang-select": "RFC 9111 §4.1 lets normal forms match, not guesses about what the origin would have chosen",
    "conditional-lm-fresh-no-lm": (
        "the suite sends a date before the response's own and wants 304; by RFC 9110 §13.1.3 the answer is 200"
    ),
    "partial-store-partial-reuse-partial": _PARTIAL,
    "partial-store-partial-reuse-partial-byterange": _PARTIAL,
    "partial-store-partial-reuse-partial-absent": _PARTIAL,
    "partial-store-partial-reuse-partial-suffix": _PARTIAL,
    "partial-store-partial-complete": _PARTIAL,
}


def missed(report: Report) -> list[Test]:
    """What was missed among the tests that count."""
    return [*report.missed("required"), *report.missed("optimal")]


def unexplained(report: Report) -> list[str]:
    """Misses without a reason, with what the suite said."""
    return [f"{test.id}: {test.failure or 'a test it depends on'}" for test in missed(report) if test.id not in REASONS]


def summary(reports: Mapping[str, Report]) -> str:
    """A line per run and one per miss."""
    lines = []
    for subject, report in reports.items():
        figures = ", ".join(f"{kind} {report.passed(kind)} of {report.total(kind)}" for kind in _KINDS)
        lines.append(f"{subject}: {figures}")
        lines += [f"  {test.kind} {test.id}: {test.failure or 'a test it depends on'}" for test in missed(report)]
    return "\n".join(lines) + "\n"


def write(reports: Mapping[str, Report]) -> None:
    """Put the tables into the page, between its two marks."""
    head, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    PAGE.write_text(head + _BEGIN + "\n" + _tables(reports) + "\n" + _END + tail)


def _tables(reports: Mapping[str, Report]) -> str:
    lines = ["| | " + " | ".join(_KINDS) + " |", "|---|" + "---|" * len(_KINDS)]
    for subject, report in reports.items():
        cells = (f"{report.passed(kind)} of {report.total(kind)}" for kind in _KINDS)
        lines.append(f"| {subject} | " + " | ".join(cells) + " |")
    lines += ["", "| missed | kind | where | why |", "|---|---|---|---|"]
    where: dict[tuple[str, str], list[str]] = {}
    for subject, report in reports.items():
        for test in missed(report):
            where.setdefault((test.id, test.kind), []).append(subject)
    for (id_, kind), subjects in where.items():
        place = "both" if len(subjects) == len(reports) else ", ".join(subjects)
        lines.append(f"| `{id_}` | {kind} | {place} | {REASONS.get(id_, '**not explained**')} |")
    return "\n".join(lines) + "\n"
