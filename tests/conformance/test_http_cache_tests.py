"""http-cache-tests 0.4.5 in full: no fewer passes than docs/conformance.md says, and a reason for every miss."""

from pathlib import Path

import pytest

from tests.aio import run

from .page import FLOOR, PAGE, REASONS, unexplained
from .suite import SUBJECTS, measure


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_suite(subject: str, short_tmp: Path) -> None:
    report = run(measure(subject, short_tmp / "cache"), deadline_s=200)
    assert (report.total("required"), report.total("optimal")) == (157, 86)
    assert unexplained(report) == []
    assert {kind: report.passed(kind) for kind in FLOOR} == FLOOR


def test_the_page_gives_every_reason() -> None:
    page = PAGE.read_text()
    assert all(f"| `{id_}` |" in page and reason in page for id_, reason in REASONS.items())
    assert "not explained" not in page
