"""`python -m tests.conformance`: the figures of http-cache-tests, through nginx and of the brain alone.

python -m tests.conformance                    figures and misses; 1 when there are too many, or one without a reason
python -m tests.conformance --write            the same into docs/conformance.md
python -m tests.conformance --only ID          one test against the brain, with everything that client and origin saw
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playnet.logs import configure

from .page import FLOOR, summary, unexplained, write
from .suite import SUBJECTS, Report, measure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/conformance.md")
    parser.add_argument("--only", default="", metavar="ID", help="one test, against the brain alone")
    args = parser.parse_args()
    configure("conformance")
    reports = {
        subject: _measured(subject, args.only) for subject in SUBJECTS if not args.only or subject == "brain alone"
    }
    sys.stdout.write(summary(reports))
    if args.only:
        return 0
    if args.write:
        write(reports)
    is_short = any(report.passed(kind) < floor for report in reports.values() for kind, floor in FLOOR.items())
    return int(is_short or any(map(unexplained, reports.values())))


def _measured(subject: str, only: str) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="pn-"))
    folder.chmod(0o755)
    try:
        return asyncio.run(measure(subject, folder / "cache", only=only))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
