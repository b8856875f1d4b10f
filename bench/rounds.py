"""Fair A/B timing on a noisy machine: contenders in turn, minimum and median over the rounds, steal stated."""

import os
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.processes import stolen

ROUNDS = 5


@dataclass(frozen=True)
class Measured:
    """One contender's rounds: cost of one unit of work, how much work a second brought, what it cost the other side."""

    cost: tuple[float, ...]
    rate: tuple[float, ...]
    aside: tuple[float, ...] = ()

    @property
    def least(self) -> float:
        return min(self.cost)

    @property
    def median(self) -> float:
        return statistics.median(self.cost)


@dataclass(frozen=True)
class Sample:
    """One round of one contender."""

    cost: float
    rate: float
    aside: float = 0


def interleave(
    contenders: Mapping[str, Callable[[], Sample]], *, rounds: int = ROUNDS
) -> tuple[dict[str, Measured], float]:
    """A B C, A B C, …: every contender meets the same weather. Returns the figures and the share of stolen time."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    before = stolen()
    for _ in range(rounds):
        for name, run in contenders.items():
            samples[name].append(run())
    steal = before.until(stolen())
    return {
        name: Measured(
            tuple(item.cost for item in done), tuple(item.rate for item in done), tuple(item.aside for item in done)
        )
        for name, done in samples.items()
    }, steal


def show(title: str, figures: Mapping[str, Measured], *, cost: str, rate: str, steal: float, peer: str) -> None:
    """Print one table; ratios are against `peer`, minimum to minimum and median to median."""
    table = Table(title=f"{title}  (steal {steal:.0%}, load {os.getloadavg()[0]:.1f} at the end)")
    for column in ("", f"{cost} min", "median", f"{rate} median", f"of {peer}: min", "median"):
        table.add_column(column, justify="left" if not column else "right")
    base = figures[peer]
    for name, item in figures.items():
        table.add_row(
            name,
            f"{item.least:.1f}",
            f"{item.median:.1f}",
            f"{statistics.median(item.rate):.1f}",
            f"{item.least / base.least:.2f}x",
            f"{item.median / base.median:.2f}x",
        )
    Console().print(table)
