"""What was measured, as values: written as JSON and Markdown, and judged against what was promised."""

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bench.rounds import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One comparison. `cost` is what one unit costs, `rate` is information."""

    kind: str
    size_bytes: int
    connections: int
    cost: str
    rate: str
    peer: str
    steal: float
    rows: Mapping[str, Measured]
    note: str = ""
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    @property
    def title(self) -> str:
        many = "1 connection" if self.connections == 1 else f"{self.connections} connections"
        return f"{self.kind}, {size_text(self.size_bytes)}, {many}{self.note and f', {self.note}'}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise, what was measured, and whether it holds by minimum and by median."""

    promise: str
    measured: str
    by_least: bool
    by_median: bool


def size_text(size_bytes: int) -> str:
    """`200 KB`, in powers of ten where they fit."""
    for unit, factor in (("MiB", 1 << 20), ("KiB", 1 << 10), ("MB", 10**6), ("KB", 10**3)):
        if size_bytes >= factor and size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return f"{size_bytes} B"


def markdown(tables: Sequence[Table], verdicts: Sequence[Verdict], machine: Mapping[str, str]) -> str:
    """The whole page."""
    lines = ["# The edge beside its peers", "", "Written by `make bench-edge`; [how to read it](README.md).", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += ["", "![CPU per hit](edge.svg)", "", "## Promises", ""]
    lines += ["| promise | measured | by minimum | by median |", "|---|---|---|---|"]
    lines += [f"| {v.promise} | {v.measured} | {_yes(v.by_least)} | {_yes(v.by_median)} |" for v in verdicts]
    for table in tables:
        lines += ["", f"## {table.title[0].upper()}{table.title[1:]}", ""]
        lines += [f"Steal {table.steal:.0%}, load {table.load:.1f} at the end.", ""]
        lines += [f"| | {table.cost}, min | median | {table.rate}, median | of {table.peer}: min | median | client |"]
        lines += ["|---|---:|---:|---:|---:|---:|---:|", *_rows(table)]
    return "\n".join(lines) + "\n"


def _rows(table: Table) -> list[str]:
    base = table.rows[table.peer]
    return [
        f"| {name} | {row.least:,.1f} | {row.median:,.1f} | {statistics.median(row.rate):,.0f} "
        f"| {_ratio(row.least, base.least)} | {_ratio(row.median, base.median)} "
        f"| {f'{statistics.median(row.aside):,.0f}' if any(row.aside) else ''} |"
        for name, row in table.rows.items()
    ]


def _ratio(value: float, base: float) -> str:
    return f"{value / base:.2f}" if base else "n/a"


def _yes(held: bool) -> str:
    return "yes" if held else "**no**"


def as_json(tables: Sequence[Table], verdicts: Sequence[Verdict], machine: Mapping[str, str]) -> str:
    """All samples, so that others can compute what we did not."""
    document = {
        "machine": machine,
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "tables": [asdict(table) for table in tables],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def machine(versions: Mapping[str, str]) -> dict[str, str]:
    """Where and when."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown",
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "CPU": f"{os.cpu_count()} × {cpu}",
        "kernel": os.uname().release,
        **versions,
    }
